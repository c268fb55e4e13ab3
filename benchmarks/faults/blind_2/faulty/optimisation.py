"""Faults of learning rates, schedules, weight decay, clipping and the precision of steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from benchmarks.faults.blind_2.faulty.operators import by, sick, variant
from benchmarks.faults.blind_2.networks.bases import Tastes
from benchmarks.faults.case import Run, ordinary
from torch import Tensor, nn
from torch.optim import SGD, Adagrad, Adam, AdamW, NAdam, RMSprop, lr_scheduler


def penalised(strength: float) -> Callable[[Run, Tensor, Tensor], None]:
    """A penalty on all weights, added to the loss."""

    def loop(run: Run, x: Tensor, y: Tensor) -> None:
        def loss(out: Tensor, targets: Tensor) -> Tensor:
            squares = sum((p**2).sum() for p in run.model.parameters())
            return kept.loss(out, targets) + strength * squares

        kept = run.problem
        run.problem = replace(kept, loss=loss)
        ordinary(run, x, y)
        run.problem = kept

    return loop


def shrinking(factor: float) -> Callable[[Run, Tensor, Tensor], None]:
    """Weights times a factor after each step."""

    def loop(run: Run, x: Tensor, y: Tensor) -> None:
        ordinary(run, x, y)
        with torch.no_grad():
            for p in run.model.parameters():
                p *= factor

    return loop


def cooling(run: Run, x: Tensor, y: Tensor) -> None:
    """Divided once a step by what was meant for an epoch."""
    ordinary(run, x, y)
    for group in run.optimizers[0].param_groups:
        group["lr"] *= 0.8


def on_a_grid(size: float) -> Callable[[Run, Tensor, Tensor], None]:
    """Weights put back on the grid of the chip after each step."""

    def loop(run: Run, x: Tensor, y: Tensor) -> None:
        ordinary(run, x, y)
        with torch.no_grad():
            for p in run.model.parameters():
                p.copy_((p / size).round() * size)

    return loop


class Half(nn.Module):
    """A network in half precision, between casts."""

    def __init__(self, inner: nn.Module, kind: torch.dtype = torch.bfloat16) -> None:
        super().__init__()
        self.inner, self.kind = inner.to(kind), kind

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        return self.inner(x.to(self.kind)).float()


class Offset(Tastes):
    """Tables around a million, and the million taken off again."""

    def __init__(self) -> None:
        super().__init__()
        with torch.no_grad():
            for p in self.parameters():
                p += 1e6

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        i, j = x[:, 0], x[:, 1]
        a, b, c, d = (t.weight - 1e6 for t in (self.people, self.films, self.person, self.film))
        return (a[i] * b[j]).sum(1) + (c[i] + d[j]).squeeze(1)


def by_norm(limit: float) -> Callable[[nn.Module], object]:
    return lambda model: nn.utils.clip_grad_norm_(model.parameters(), limit)


def by_value(limit: float) -> Callable[[nn.Module], object]:
    return lambda model: nn.utils.clip_grad_value_(model.parameters(), limit)


def each_alone(model: nn.Module) -> None:
    """Every gradient to a length of a thousandth at most."""
    for p in model.parameters():
        if p.grad is not None:
            p.grad *= (1e-3 / (p.grad.norm() + 1e-12)).clamp(max=1)


FIGURES = variant("figures-deep", "slow", optimizer=by(SGD, lr=0.007, momentum=0.9), steps=400)
FAULTY = (
    sick("EXCESS_WEIGHT_DECAY", "AdamW's at 40", "friedman",
         optimizer=by(AdamW, lr=5e-3, weight_decay=40)),
    sick("EXCESS_WEIGHT_DECAY", "SGD's at 0.3", "figures-deep",
         optimizer=by(SGD, lr=0.05, momentum=0.9, weight_decay=0.3)),
    sick("EXCESS_WEIGHT_DECAY", "penalty by hand", "couples", loop=penalised(0.3)),
    sick("EXCESS_WEIGHT_DECAY", "weights times 0.9 after each step", "crescents-raw", loop=shrinking(0.9)),
    sick("LR_TOO_HIGH", "1.0", "friedman", optimizer=by(AdamW, lr=1.0)),
    sick("LR_TOO_HIGH", "0.5", "wave-conv", optimizer=by(NAdam, lr=0.5)),
    sick("LR_TOO_HIGH", "0.2", "trails-rnn", optimizer=by(Adam, lr=0.2)),
    sick("LR_TOO_HIGH", "0.3", "families-encoder", optimizer=by(Adam, lr=0.3)),
    sick("LR_TOO_HIGH", "0.8", "figures-deep", optimizer=by(SGD, lr=0.8, momentum=0.9)),
    sick("LR_TOO_LOW", "1e-5", "figures-deep", optimizer=by(SGD, lr=1e-5, momentum=0.9)),
    sick("LR_TOO_LOW", "1e-4", "arm", optimizer=by(Adagrad, lr=1e-4)),
    sick("LR_TOO_LOW", "2e-6", "couples", optimizer=by(Adam, lr=2e-6)),
    sick("LR_TOO_LOW", "1e-6", "tumour-drop", optimizer=by(RMSprop, lr=1e-6)),
    sick("LR_DECAYED", "StepLR by steps for epochs", "picture-conv",
         schedule=lambda o: lr_scheduler.StepLR(o, 3, 0.3)),
    sick("LR_DECAYED", "0.85 to the steps", "wave-cells",
         schedule=lambda o: lr_scheduler.ExponentialLR(o, 0.85)),
    sick("LR_DECAYED", "divided in the loop", "crescents-raw", loop=cooling),
    sick("LR_DECAYED", "a line that ends at step 15", "marked-attention",
         schedule=lambda o: lr_scheduler.LambdaLR(o, lambda step: max(0.0, 1 - step / 15))),
    sick("UPDATE_LOST_TO_ROUNDING", "grid of 1/16", FIGURES, loop=on_a_grid(1 / 16)),
    sick("UPDATE_LOST_TO_ROUNDING", "tables around a million", "ratings", model=Offset),
    sick("UPDATE_LOST_TO_ROUNDING", "grid of 1/8", "friedman", loop=on_a_grid(1 / 8)),
    sick("UPDATE_LOST_TO_ROUNDING", "bfloat16", FIGURES, model=lambda: Half(FIGURES.model())),
    sick("OVER_CLIPPING", "norm 1e-4", "figures-deep", clip=by_norm(1e-4)),
    sick("OVER_CLIPPING", "values 1e-5", "spectra-batchnorm", clip=by_value(1e-5)),
    sick("OVER_CLIPPING", "each alone", "crescents-raw", clip=each_alone),
    sick("OVER_CLIPPING", "norm 1e-9", "trails-rnn", clip=by_norm(1e-9)),
)  # fmt: skip
