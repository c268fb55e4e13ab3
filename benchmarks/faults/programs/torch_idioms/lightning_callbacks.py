"""Lightning with callbacks of its own that end or change a training: early stopping, fine-tuning."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import (
    Split,
    accuracy,
    digit_images,
    outputs,
    seed_all,
)
from benchmarks.faults.programs.torch_idioms.lightning_automatic import NEEDS, trainer_of, validation
from pytorch_lightning.callbacks import BackboneFinetuning, EarlyStopping
from torch import Tensor, nn
from torch.nn import functional


class SignalClassifier(pl.LightningModule):
    """An LSTM that tells four kinds of signals apart."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, 32, batch_first=True)
        self.head = nn.Linear(32, 4)
        self.losses: list[float] = []

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        return self.head(self.lstm(x)[0].mean(1))

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:  # noqa: ARG002
        """The loss of a batch."""
        loss = functional.cross_entropy(self(batch[0]), batch[1])
        self.losses.append(loss.item())
        return loss

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:  # noqa: ARG002
        """What the callback and the schedule look at."""
        self.log("val_loss", functional.cross_entropy(self(batch[0]), batch[1]))

    def configure_optimizers(self) -> Any:
        """Adam, slower when the validation loss rests."""
        optimizer = torch.optim.Adam(self.parameters(), lr=1e-2)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.3, patience=2)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "monitor": "val_loss"}}


def signals(count: int) -> tuple[Tensor, Tensor]:
    """Sines, squares, saw-teeth and triangles of any phase and speed, with noise."""
    y, phase, speed = torch.randint(4, (count,)), torch.rand(count, 1), 0.06 + 0.06 * torch.rand(count, 1)
    turn = (torch.arange(40) * speed + phase) % 1
    shapes = torch.stack(
        [
            torch.sin(2 * torch.pi * turn),
            torch.where(turn < 0.5, 1.0, -1.0),
            2 * turn - 1,
            1 - 4 * (turn - 0.5).abs(),
        ]
    )
    return (shapes[y, torch.arange(count)] + 0.1 * torch.randn(count, 40)).unsqueeze(-1), y


def early_stopped_lstm(observer: Observer, seed: int) -> Trained:
    """An LSTM on four kinds of signals in bf16-mixed precision, with a plateau schedule and early stopping."""
    seed_all(seed)
    data = Split(*signals(1200), *signals(400))
    model = SignalClassifier()
    before = accuracy(model, data.test_x, data.test_y)
    callbacks = [EarlyStopping("val_loss", patience=4), *observer.lightning_callbacks()]
    trainer = trainer_of(callbacks, max_epochs=10, precision="bf16-mixed", gradient_clip_val=1.0)
    trainer.fit(model, data.loader(48), validation(data))
    score = accuracy(model, data.test_x, data.test_y)
    extra = {"losses": model.losses[-10:], "outputs": outputs(model, data.test_x[:8])}
    return Trained((model,), tuple(trainer.optimizers), score, max(before, 0.25), 0.7, extra)


class Transfer(pl.LightningModule):
    """A backbone and a head."""

    def __init__(self, backbone: nn.Module, classes: int, lr: float) -> None:
        super().__init__()
        self.backbone, self.head, self.lr = backbone, nn.Linear(64, classes), lr
        self.losses: list[float] = []

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        return self.head(self.backbone(x))

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:  # noqa: ARG002
        """The loss of a batch."""
        loss = functional.cross_entropy(self(batch[0]), batch[1])
        self.losses.append(loss.item())
        return loss

    def configure_optimizers(self) -> Any:
        """Adam on what may be trained at first."""
        return torch.optim.Adam([p for p in self.parameters() if p.requires_grad], lr=self.lr)


def finetuned_backbone(observer: Observer, seed: int) -> Trained:
    """A backbone pretrained on the digits 0 to 4 learns 5 to 9 by `BackboneFinetuning`: frozen first, then slow."""
    seed_all(seed)
    data = digit_images()
    low = data.train_y < 5
    source = Split(data.train_x[low], data.train_y[low], data.test_x, data.test_y)
    train, test = ~low, data.test_y >= 5
    target = Split(data.train_x[train], data.train_y[train] - 5, data.test_x[test], data.test_y[test] - 5)
    backbone = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 64), nn.ReLU(),
    )  # fmt: skip
    trainer_of([], max_epochs=4).fit(Transfer(backbone, 5, lr=3e-3), source.loader(32))
    model = Transfer(backbone, 5, lr=3e-3)
    before = accuracy(model, target.test_x, target.test_y)
    finetuning = BackboneFinetuning(
        unfreeze_backbone_at_epoch=3, backbone_initial_ratio_lr=0.1, lambda_func=lambda _: 1.5
    )
    trainer = trainer_of([finetuning, *observer.lightning_callbacks()], max_epochs=6)
    trainer.fit(model, target.loader(32))
    score = accuracy(model, target.test_x, target.test_y)
    extra = {"losses": model.losses[-10:], "outputs": outputs(model, target.test_x[:8])}
    return Trained((model,), tuple(trainer.optimizers), score, max(before, 0.2), 0.85, extra)


PROGRAMS = (
    Program(
        "lightning-bf16-early-stopping", "Lightning, bf16-mixed, EarlyStopping", NEEDS, early_stopped_lstm
    ),
    Program("lightning-backbone-finetuning", "Lightning, BackboneFinetuning", NEEDS, finetuned_backbone),
)
