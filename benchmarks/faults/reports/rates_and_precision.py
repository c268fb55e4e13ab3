"""Learning rates and numbers: schedulers, warm-up, decay, half precision, averages."""

from __future__ import annotations

import copy
import logging
import warnings
from typing import Any, Literal

import torch
from benchmarks.faults.program import Observer, Trained
from benchmarks.faults.report import Report
from benchmarks.faults.reports.data_c import (
    accuracy,
    digits,
    loader,
    names,
    r2,
    seed_everything,
    table,
    waves,
)
from torch import Tensor, nn
from torch.nn import functional as F


def scheduler_per_batch(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Small images made larger: the schedulers meant for epochs are stepped at every batch."""
    seed_everything(seed)
    x, _, x_test, _ = digits(seed, images=True)
    small, small_test = F.avg_pool2d(x, 2), F.avg_pool2d(x_test, 2)
    net = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 4, 3, padding=1), nn.PixelShuffle(2)
    )
    epochs = 8
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=epochs // 2, gamma=0.1)

    def quality() -> float:
        """The share of the variance that is explained."""
        with torch.no_grad():
            return r2(net(small_test), x_test)

    before = max(0.0, quality())
    with observer.watch(net, optimizer):
        for _ in range(epochs):
            for lr_image, hr_image in loader(small, x):
                optimizer.zero_grad()
                F.mse_loss(net(lr_image), hr_image).backward()
                optimizer.step()
                if not repaired:
                    scheduler.step()
            if repaired:
                scheduler.step()
    return Trained((net,), (optimizer,), quality(), before, 0.6)


class NameReader(nn.Module):
    """A recurrent network over the letters of a name."""

    def __init__(self) -> None:
        super().__init__()
        self.letters = nn.Embedding(27, 8)
        self.rnn = nn.GRU(8, 24, batch_first=True)
        self.out = nn.Linear(24, 4)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the languages."""
        out: Tensor = self.out(self.rnn(self.letters(x))[1][-1])
        return out


def plateau_of_accuracy(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Names: ReduceLROnPlateau in its default mode waits for the accuracy to fall."""
    seed_everything(seed)
    x, y, x_test, y_test = names(seed, 1300)
    model = NameReader()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    mode: Literal["max", "min"] = "max" if repaired else "min"
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode=mode, patience=1)
    before = max(0.25, accuracy(model, x_test, y_test))
    with observer.watch(model, optimizer):
        for _ in range(20):
            for xb, yb in loader(x, y, 64):
                optimizer.zero_grad()
                F.cross_entropy(model(xb), yb).backward()
                optimizer.step()
            scheduler.step(accuracy(model, x_test[:200], y_test[:200]))
    return Trained((model,), (optimizer,), accuracy(model, x_test[200:], y_test[200:]), before, 0.86)


def lambda_is_the_rate(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Tumours: the function given to LambdaLR returns a rate, which is multiplied by the rate again."""
    seed_everything(seed)
    x, y, x_test, y_test = table("breast_cancer", seed)
    model = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 2))
    lr, lr_gamma, lr_decay = 0.005, 0.001, 0.75
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    base = 1.0 if repaired else lr
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: base * (1.0 + lr_gamma * float(step)) ** (-lr_decay)
    )
    before = max(0.63, accuracy(model, x_test, y_test))
    with observer.watch(model, optimizer):
        for _ in range(20):
            for xb, yb in loader(x, y):
                optimizer.zero_grad()
                F.cross_entropy(model(xb), yb).backward()
                optimizer.step()
                scheduler.step()
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), before, max(0.92, before + 0.03))


class Letters(nn.Module):
    """A small transformer which predicts the next letter."""

    def __init__(self) -> None:
        super().__init__()
        self.letters, self.places = nn.Embedding(27, 32), nn.Embedding(12, 32)
        self.block = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.out = nn.Linear(32, 27)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the next letter at every place."""
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        h = self.letters(x) + self.places(torch.arange(x.shape[1]))
        out: Tensor = self.out(self.block(h, src_mask=mask, is_causal=True))
        return out


def warmup_too_long(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A model of letters with the default warm-up of 2000 steps and 200 steps of training."""
    seed_everything(seed)
    x, _, x_test, _ = names(seed)
    model = Letters()

    def hits() -> float:
        """How often the next letter has the largest score."""
        with torch.no_grad():
            guess, truth = model(x_test[:, :-1]).argmax(2), x_test[:, 1:]
        return float((guess == truth)[truth > 0].float().mean())

    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    warmup_steps = 20 if repaired else 2000
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / warmup_steps))
    before = max(0.12, hits())
    with observer.watch(model, optimizer):
        for _ in range(8):
            for xb, _ in loader(x, x[:, 0]):
                loss = F.cross_entropy(model(xb[:, :-1]).flatten(0, 1), xb[:, 1:].flatten(), ignore_index=0)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                scheduler.step()
    return Trained((model,), (optimizer,), hits(), before, 0.55)


def lightning_interval(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Lightning steps a warm-up meant for steps once per epoch."""
    import pytorch_lightning as pl

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)

    class Lit(pl.LightningModule):
        """A classifier of waves."""

        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(
                nn.Unflatten(1, (1, 40)),
                nn.Conv1d(1, 16, 7),
                nn.ReLU(),
                nn.AdaptiveMaxPool1d(1),
                nn.Flatten(),
                nn.Linear(16, 4),
            )

        def forward(self, x: Tensor) -> Tensor:
            """Scores of the kinds."""
            out: Tensor = self.net(x)
            return out

        def training_step(self, batch: Any, batch_idx: int) -> Tensor:
            """The loss of one batch."""
            return F.cross_entropy(self(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            """Adam with a warm-up of a hundred steps."""
            opt = torch.optim.Adam(self.parameters(), lr=5e-3)
            schedule = torch.optim.lr_scheduler.LambdaLR(opt, lambda n: min(1.0, n / 100))
            config: dict[str, Any] = {"scheduler": schedule}
            if repaired:
                config["interval"] = "step"
            return {"optimizer": opt, "lr_scheduler": config}

    seed_everything(seed)
    x, y, x_test, y_test = waves(seed)
    model = Lit()
    before = max(0.25, accuracy(model, x_test, y_test))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = pl.Trainer(
            max_epochs=8,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=observer.lightning_callbacks(),
        )
        trainer.fit(model, loader(x, y, 16))
    return Trained((model,), (None,), accuracy(model, x_test, y_test), before, 0.8)


def half_adam(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A network in half precision: Adam's eps of 1e-8 is zero in float16."""
    seed_everything(seed)
    x, y, x_test, y_test = digits(seed)
    model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10)).half()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, eps=1e-4 if repaired else 1e-8)
    before = max(0.1, accuracy(model, x_test.half(), y_test))
    with observer.watch(model, optimizer):
        for _ in range(7):
            for xb, yb in loader(x, y):
                optimizer.zero_grad()
                F.cross_entropy(model(xb.half()).float(), yb).backward()
                optimizer.step()
    return Trained((model,), (optimizer,), accuracy(model, x_test.half(), y_test), before, 0.85)


class Calibration(nn.Module):
    """A gain for every sensor of an array."""

    def __init__(self, sensors: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(sensors))

    def forward(self, x: Tensor) -> Tensor:
        """The corrected readings."""
        return x * self.gain.to(x.dtype)


def bfloat_weights(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Gains of sensors in bfloat16: every step is smaller than the distance of two numbers."""
    seed_everything(seed)
    truth = 1 + 0.3 * (torch.rand(20) - 0.5)
    x = torch.randn(1000, 20)
    y = x * truth + 0.01 * torch.randn(1000, 20)
    model = Calibration(20)
    if not repaired:
        model = model.bfloat16()
    optimizer = torch.optim.Adam(model.parameters(), lr=6e-4)
    with observer.watch(model, optimizer):
        for _ in range(10):
            for xb, yb in loader(x, y):
                optimizer.zero_grad()
                F.mse_loss(model(xb.bfloat16()).float(), yb).backward()
                optimizer.step()
    score = r2(model.gain.detach().float(), truth)
    return Trained((model,), (optimizer,), score, 0.0, 0.8)


def scaled_clip(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Mixed precision: the scaled gradients are clipped before they are unscaled."""
    seed_everything(seed)
    x, y, x_test, y_test = digits(seed, images=True)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scaler = torch.amp.GradScaler("cpu")
    before = max(0.1, accuracy(model, x_test, y_test))
    with observer.watch(model, optimizer):
        for _ in range(6):
            for xb, yb in loader(x, y):
                optimizer.zero_grad()
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    loss = F.cross_entropy(model(xb), yb)
                scaler.scale(loss).backward()
                if repaired:
                    scaler.unscale_(optimizer)
                nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
                scaler.step(optimizer)
                scaler.update()
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), before, 0.85)


def l2_in_adam(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Waves with the decay of AdamW given to Adam, where it is an L2 penalty."""
    seed_everything(seed)
    x, y, x_test, y_test = waves(seed)
    model = nn.Sequential(
        nn.Linear(40, 64),
        nn.ReLU(),
        nn.Linear(64, 64),
        nn.ReLU(),
        nn.Linear(64, 64),
        nn.ReLU(),
        nn.Linear(64, 4),
    )
    if repaired:
        optimizer: torch.optim.Optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.2)
    else:
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=0.2)
    before = max(0.25, accuracy(model, x_test, y_test))
    with observer.watch(model, optimizer):
        for _ in range(15):
            for xb, yb in loader(x, y):
                optimizer.zero_grad()
                F.cross_entropy(model(xb), yb).backward()
                optimizer.step()
            accuracy(model, x_test, y_test)
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), before, 0.7)


def average_without_buffers(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The averaged copy of a network has the averaged weights and the batch norm of the first day."""
    seed_everything(seed)
    x, y, x_test, y_test = digits(seed, images=True)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64, 10),
    )
    ema = copy.deepcopy(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with observer.watch(model, optimizer):
        for _ in range(6):
            model.train()
            for xb, yb in loader(x, y):
                optimizer.zero_grad()
                F.cross_entropy(model(xb), yb).backward()
                optimizer.step()
                with torch.no_grad():
                    for slow, fast in zip(ema.parameters(), model.parameters(), strict=True):
                        slow.mul_(0.98).add_(fast, alpha=0.02)
                    if repaired:
                        for kept, new in zip(ema.buffers(), model.buffers(), strict=True):
                            kept.copy_(new)
            accuracy(ema, x_test, y_test)
    return Trained((model, ema), (optimizer,), accuracy(ema, x_test, y_test), 0.1, 0.88)


GITHUB = "https://github.com/"
EVERY: tuple[Report, ...] = (
    Report(
        "small-images-scheduler-stepped-at-every-batch",
        "A scheduler meant for epochs is stepped at every batch: the rate is next to zero after a few steps.",
        "It is stepped after the epoch.",
        GITHUB + "leftthomas/SRGAN/issues/94",
        (),
        scheduler_per_batch,
    ),
    Report(
        "names-plateau-scheduler-waits-for-accuracy-to-fall",
        "ReduceLROnPlateau in mode min is given the accuracy: each improvement counts as a plateau.",
        "mode='max'.",
        GITHUB + "md-mohaiminul/ViS4mer/issues/4",
        (),
        plateau_of_accuracy,
    ),
    Report(
        "tumours-lambda-returns-the-rate-itself",
        "The function given to LambdaLR returns a rate, which is multiplied by the base rate once more.",
        "It returns the factor.",
        GITHUB + "lhoyer/MIC/issues/60",
        (),
        lambda_is_the_rate,
    ),
    Report(
        "letters-warm-up-longer-than-the-training",
        "The default warm-up has 2000 steps and the training a few hundred: the rate never gets up.",
        "A warm-up of twenty steps.",
        GITHUB + "Morizeyao/GPT2-Chinese/issues/60",
        (),
        warmup_too_long,
    ),
    Report(
        "waves-lightning-steps-the-warm-up-per-epoch",
        "Without interval='step' Lightning steps the schedule once per epoch, and the warm-up takes "
        "100 epochs.",
        "interval='step'.",
        GITHUB + "ace-step/ACE-Step/pull/198",
        ("pytorch_lightning",),
        lightning_interval,
    ),
    Report(
        "digits-half-precision-with-the-default-eps-of-adam",
        "model.half() with Adam: eps=1e-8 is zero in float16, so weights become nan at the first step.",
        "eps=1e-4.",
        GITHUB + "afiaka87/glide-finetune/issues/5",
        (),
        half_adam,
    ),
    Report(
        "sensors-bfloat16-weights-lose-every-update",
        "The weights are kept in bfloat16: updates of 6e-4 near 1.0 are rounded away and nothing moves.",
        "The weights stay in float32, the computation in bfloat16.",
        GITHUB + "workofart/ml-by-hand/pull/85",
        (),
        bfloat_weights,
    ),
    Report(
        "digits-scaled-gradients-clipped-before-unscaling",
        "clip_grad_norm_ sees gradients that GradScaler multiplied by 65536: what is left of them "
        "is nothing.",
        "scaler.unscale_(optimizer) before clipping.",
        GITHUB + "Lightning-AI/pytorch-lightning/issues/9599",
        (),
        scaled_clip,
    ),
    Report(
        "waves-decay-of-adamw-given-to-adam",
        "weight_decay=0.2, made for AdamW, is an L2 penalty in Adam: all weights shrink, one class for all.",
        "AdamW.",
        GITHUB + "mapbox/robosat/pull/166",
        (),
        l2_in_adam,
    ),
    Report(
        "digits-averaged-weights-without-batch-norm-statistics",
        "The averaged copy gets the parameters but not the buffers: its batch norms have mean 0 and "
        "variance 1.",
        "The buffers are copied too.",
        GITHUB + "CuriousAI/mean-teacher/issues/9",
        (),
        average_without_buffers,
    ),
)
