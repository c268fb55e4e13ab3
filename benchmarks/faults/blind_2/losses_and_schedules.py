"""Losses, optimisers, schedules and orders of the second blind suite's healthy cases: unusual, correct."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from benchmarks.faults.case import TrainingCase
from benchmarks.faults.own.data import Rows
from torch import Generator, Tensor, nn
from torch.nn import functional
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

Schedule = Callable[[Optimizer], LRScheduler]


def made(kind: Callable[..., Optimizer], lr: float, **more: Any) -> Callable[[nn.Module], Optimizer]:
    """An optimiser of all that is to be trained."""
    return lambda model: kind([p for p in model.parameters() if p.requires_grad], lr=lr, **more)


def handed(_rows: Rows, held: Rows) -> Rows:
    """All rows held out."""
    return held


def some_handed(_rows: Rows, held: Rows) -> Rows:
    """The first rows held out."""
    return held[0][:96], held[1][:96]


# Schedules


def warm_cosine(total: int, warm: int) -> Schedule:
    """From nothing up, then along a cosine to nothing."""

    def factor(step: int) -> float:
        if step < warm:
            return step / warm
        return 0.5 * (1 + math.cos(math.pi * min((step - warm) / (total - warm), 1)))

    return lambda optimizer: LambdaLR(optimizer, factor)


def restarts(period: int) -> Schedule:
    """A cosine that begins anew."""
    return lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, period, eta_min=1e-4)


def one_cycle(peak: float, total: int) -> Schedule:
    """Up and down once."""
    return lambda o: torch.optim.lr_scheduler.OneCycleLR(o, peak, total_steps=total + 1)


def clipped(size: float) -> Callable[[nn.Module], object]:
    return lambda model: nn.utils.clip_grad_norm_(model.parameters(), size)


# Losses


def focal(out: Tensor, y: Tensor) -> Tensor:
    """What is known already counts little; the rare kind counts more."""
    plain = bce(out, y, reduction="none")
    return ((0.3 + 0.4 * y) * (1 - (-plain).exp()) ** 1.5 * plain).mean()


def gaussian(out: tuple[Tensor, Tensor], y: Tensor) -> Tensor:
    """Negative log likelihood, up to a constant; it may well be negative."""
    mean, log = out[0], out[1].clamp(-8, 4)
    return (0.5 * log + 0.5 * (y - mean) ** 2 * (-log).exp()).mean()


def elbo(out: tuple[Tensor, Tensor, Tensor], y: Tensor) -> Tensor:
    """Pixels and the code's divergence, summed over a row."""
    pixels, mean, log = out
    divergence = 0.5 * (mean**2 + log.exp() - 1 - log).sum(1).mean()
    return ((pixels - y) ** 2).sum(1).mean() + 0.05 * divergence


def shape_and_size(out: Mapping[str, Tensor], y: Tensor) -> Tensor:
    return cross_entropy(out["kind"], y[:, 0].long()) + 4 * functional.mse_loss(out["size"][:, 0], y[:, 1])


def smoothed(out: Tensor, y: Tensor) -> Tensor:
    return cross_entropy(out, y, label_smoothing=0.1)


def unlikely(out: Tensor, _y: Tensor) -> Tensor:
    return -out.mean()


def counted(out: Tensor, y: Tensor) -> Tensor:
    return functional.poisson_nll_loss(out, y)


# Optimisers


class Lion(Optimizer):
    """Steps of one size, by the sign of two blends of gradients."""

    def __init__(self, params: Iterable[Tensor], lr: float, weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step; a closure is called first, where there is one."""
        loss = closure() if closure else None
        for group in self.param_groups:
            for p in (p for p in group["params"] if p.grad is not None):
                mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.sub_(group["lr"] * mean.lerp(p.grad, 0.1).sign())
                mean.lerp_(p.grad, 0.01)
        return loss


def centred(model: nn.Module) -> None:
    """Every matrix's gradient has mean 0 in each row."""
    for p in model.parameters():
        if p.ndim > 1:
            p.register_hook(lambda g: g - g.mean(tuple(range(1, g.ndim)), keepdim=True))


def by_depth(lr: float, fade: float) -> Callable[[nn.Module], Optimizer]:
    """The nearer to the inputs, the smaller the steps."""

    def make(model: nn.Module) -> Optimizer:
        parts = [list(part.parameters()) for part in model.children()]
        parts = [part for part in parts if part]
        rates = (lr * fade ** (len(parts) - 1 - i) for i in range(len(parts)))
        groups = [{"params": p, "lr": r} for p, r in zip(parts, rates, strict=True)]
        return torch.optim.AdamW(groups, weight_decay=0.01)

    return make


def sparse_and_dense(lr: float) -> Callable[[nn.Module], tuple[Optimizer, ...]]:
    """SparseAdam for the tables, Adam for all else."""

    def make(model: nn.Module) -> tuple[Optimizer, ...]:
        tables = [m.weight for m in model.modules() if isinstance(m, (nn.Embedding, nn.EmbeddingBag))]
        rest = [p for p in model.parameters() if not any(p is t for t in tables)]
        return torch.optim.SparseAdam(tables, lr=lr), torch.optim.Adam(rest, lr=lr)

    return make


# Orders


def easy_first(problem: TrainingCase, targets: Tensor, dice: Generator) -> Iterator[Tensor]:
    """More and more of the rows: at first the first quarter, which `by_ease` made the easiest."""
    at = 0
    while True:
        reach = min(1.0, 0.25 + 1.5 * at / problem.steps)
        yield torch.randint(0, int(reach * len(targets)), (problem.batch,), generator=dice)
        at += 1


def in_turn(problem: TrainingCase, targets: Tensor, _dice: Generator) -> Iterator[Tensor]:
    """Rows that came shuffled, always in one order."""
    whole = len(targets) // problem.batch * problem.batch
    while True:
        yield from torch.arange(whole).split(problem.batch)
