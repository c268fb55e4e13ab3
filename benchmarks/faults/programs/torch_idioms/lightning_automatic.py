"""Lightning with automatic optimisation: metrics of torchmetrics, accumulation, averaged weights."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import (
    Split,
    accuracy,
    digit_images,
    digit_vectors,
    outputs,
    seed_all,
)
from pytorch_lightning.callbacks import EMAWeightAveraging
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics import MeanSquaredError, MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score

NEEDS = ("pytorch_lightning", "torchmetrics")


def trainer_of(callbacks: list[Any], **options: Any) -> pl.Trainer:
    """A trainer that writes nothing."""
    return pl.Trainer(
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=callbacks,
        **options,
    )


def validation(data: Split) -> DataLoader[tuple[Tensor, ...]]:
    """The held-out part in batches."""
    return DataLoader(TensorDataset(data.test_x, data.test_y), batch_size=150)


class DigitClassifier(pl.LightningModule):
    """A convolutional classifier that logs metrics of torchmetrics."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.steps = steps
        self.network = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(inplace=True), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(inplace=True), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(0.25), nn.Linear(128, 10),
        )  # fmt: skip
        self.train_accuracy = MulticlassAccuracy(10)
        metrics = MetricCollection({"accuracy": MulticlassAccuracy(10), "f1": MulticlassF1Score(10)})
        self.metrics = metrics.clone(prefix="val_")
        self.losses: list[float] = []

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        return self.network(x)

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:  # noqa: ARG002
        """The loss of a batch."""
        x, y = batch
        logits = self(x)
        loss = functional.cross_entropy(logits, y)
        self.train_accuracy(logits, y)
        self.log("train_loss", loss)
        self.log("train_accuracy", self.train_accuracy, on_step=False, on_epoch=True)
        self.losses.append(loss.item())
        return loss

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:  # noqa: ARG002
        """Metrics of a batch that was held out."""
        x, y = batch
        logits = self(x)
        self.metrics.update(logits, y)
        self.log("val_loss", functional.cross_entropy(logits, y), prog_bar=True)
        self.log_dict(self.metrics)

    def configure_optimizers(self) -> Any:
        """Adam by the one-cycle rule, stepped with each batch."""
        optimizer = torch.optim.Adam(self.parameters(), lr=1e-3)
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=self.steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def metrics_of_digits(observer: Observer, seed: int) -> Trained:
    """A convolutional network on digits in a LightningModule with torchmetrics, clipping and one cycle."""
    seed_all(seed)
    data = digit_images()
    loader = data.loader(64)
    model = DigitClassifier(steps=6 * len(loader))
    before = accuracy(model, data.test_x, data.test_y)
    trainer = trainer_of(observer.lightning_callbacks(), max_epochs=6, gradient_clip_val=1.0)
    trainer.fit(model, loader, validation(data))
    score = accuracy(model, data.test_x, data.test_y)
    logged = float(trainer.callback_metrics["val_accuracy"])
    extra = {"losses": model.losses[-10:], "logged": logged, "outputs": outputs(model, data.test_x[:8])}
    return Trained((model,), tuple(trainer.optimizers), score, max(before, 0.1), 0.9, extra)


class Denoiser(pl.LightningModule):
    """An autoencoder that takes the noise away from digits."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 128), nn.LeakyReLU(0.1), nn.Linear(128, 24))
        self.decoder = nn.Sequential(
            nn.LeakyReLU(0.1), nn.Linear(24, 128), nn.LeakyReLU(0.1), nn.Linear(128, 64)
        )
        self.error = MeanSquaredError()
        self.losses: list[float] = []

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        return self.decoder(self.encoder(x))

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:  # noqa: ARG002
        """The loss with noise of this moment."""
        (clean, _) = batch
        loss = functional.mse_loss(self(clean + 0.4 * torch.randn_like(clean)), clean)
        self.log("train_loss", loss, on_epoch=True)
        self.losses.append(loss.item())
        return loss

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:  # noqa: ARG002
        """The error without noise."""
        (clean, _) = batch
        self.error(self(clean), clean)
        self.log("val_error", self.error)

    def configure_optimizers(self) -> Any:
        """AdamW and a cosine of the epochs."""
        optimizer = torch.optim.AdamW(self.parameters(), lr=3e-3)
        return [optimizer], [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=12)]


def averaged_denoiser(observer: Observer, seed: int) -> Trained:
    """A denoising autoencoder with gradients accumulated over two batches and Lightning's EMA of the weights."""
    seed_all(seed)
    data = digit_vectors()
    model, noisy = Denoiser(), data.test_x + 0.4 * torch.randn_like(data.test_x)

    def explained() -> float:
        return 1 - functional.mse_loss(outputs(model, noisy), data.test_x).item() / data.test_x.var().item()

    before = explained()
    callbacks = [EMAWeightAveraging(decay=0.95), *observer.lightning_callbacks()]
    trainer = trainer_of(callbacks, max_epochs=12, accumulate_grad_batches=2)
    trainer.fit(model.train(), data.loader(32), validation(data))
    extra = {"losses": model.losses[-10:], "outputs": outputs(model, noisy[:8])}
    return Trained((model,), tuple(trainer.optimizers), explained(), max(before, 0.0), 0.6, extra)


PROGRAMS = (
    Program(
        "lightning-torchmetrics-one-cycle", "LightningModule with torchmetrics", NEEDS, metrics_of_digits
    ),
    Program("lightning-ema-accumulation", "Lightning, EMAWeightAveraging", NEEDS, averaged_denoiser),
)
