"""The healthy baselines of the second blind suite: rows by formula or from scikit-learn."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial

import torch
from benchmarks.faults.blind_2.networks.bases import (
    Cells,
    Experts,
    Marked,
    Pairs,
    RawNet,
    Recurrent,
    Residual,
    Tastes,
    Tokens,
    convolved,
    flat,
    imaged,
    stacked,
)
from benchmarks.faults.case import TrainingCase, with_closure
from benchmarks.faults.own.data import Rows
from sklearn import datasets
from torch import Generator, Tensor, nn
from torch.nn import functional as fn
from torch.optim import SGD, Adagrad, Adam, AdamW, NAdam, Optimizer, RMSprop, lr_scheduler


def dice(seed: int) -> Generator:
    return Generator().manual_seed(77_003 + 13 * seed)


@cache
def _read(name: str) -> Rows:
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


def read(name: str, seed: int) -> Rows:
    """One of scikit-learn's sets, standardised, in an order of the seed's."""
    x, y = _read(name)
    order = torch.randperm(len(x), generator=dice(seed))
    return ((x - x.mean(0)) / (x.std(0) + 0.1 * x.std()))[order], y[order]


def raw(name: str, seed: int) -> Rows:
    """The same, in the units of the file."""
    x, y = _read(name)
    order = torch.randperm(len(x), generator=dice(seed))
    return x[order], y[order]


def images(seed: int) -> Rows:
    x, y = read("digits", seed)
    return x.view(-1, 1, 8, 8), y


def same(seed: int) -> Rows:
    """Digits as their own targets."""
    x, _ = read("digits", seed)
    return x, x


def cancer(seed: int) -> Rows:
    x, y = read("breast_cancer", seed)
    return (x - x.mean(0)) / x.std(0), y.float()


def wine(seed: int) -> Rows:
    x, y = raw("wine", seed)
    return (x - x.mean(0)) / x.std(0), y


def friedman(seed: int) -> Rows:
    """Friedman's first function of ten columns, five of them idle."""
    x = torch.rand(1200, 10, generator=dice(seed))
    y = 10 * (math.pi * x[:, 0] * x[:, 1]).sin() + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    return (x - 0.5) * 12**0.5, (y - y.mean()) / y.std()


def waves(seed: int) -> Rows:
    """Sine, square, saw and pulse of 24 noisy samples, at a random phase and pitch."""
    die = dice(seed)
    y = torch.randint(4, (1200,), generator=die)
    turn = torch.rand(1200, 1, generator=die) + torch.arange(24) / 24 * (
        1.5 + torch.rand(1200, 1, generator=die)
    )
    part = turn % 1
    kinds = torch.stack([(2 * math.pi * turn).sin() * 1.4, (part < 0.5) * 2.0 - 1, part * 3.4 - 1.7,
                         (part < 0.15) * 2.8 - 0.4])  # fmt: skip
    return kinds[y, torch.arange(1200)] + 0.1 * torch.randn(1200, 24, generator=die), y


def marked(seed: int) -> Rows:
    """Seven vectors of which one bears a mark: the class is that one's largest entry."""
    die = dice(seed)
    x = torch.randn(1600, 7, 6, generator=die)
    where = torch.randint(7, (1600,), generator=die)
    x[:, :, 5] = 0
    x[torch.arange(1600), where, 5] = 3
    return x, x[torch.arange(1600), where, :4].argmax(1)


def tokens(seed: int) -> Rows:
    """Twelve tokens out of 20 in four families; the class is the family with most of them."""
    die = dice(seed)
    y = torch.randint(4, (1400,), generator=die)
    own = torch.rand(1400, 12, generator=die) < 0.5
    x = torch.randint(20, (1400, 12), generator=die)
    return torch.where(own, x % 5 + 5 * y[:, None], x), y


def couples(seed: int) -> Rows:
    """Two noisy views of points from eight families: the same family or not."""
    die = dice(seed)
    centres = 1.5 * torch.randn(8, 10, generator=Generator().manual_seed(5))
    one, other = torch.randint(8, (2, 1400), generator=die)
    alike = torch.rand(1400, generator=die) < 0.5
    both = torch.stack([one, torch.where(alike, one, other)], 1)
    return centres[both] + 0.5 * torch.randn(1400, 2, 10, generator=die), (both[:, 0] == both[:, 1]).float()


def crescents(seed: int) -> Rows:
    """Two crescents that reach into one another."""
    die = dice(seed)
    y = torch.randint(2, (800,), generator=die)
    angle = math.pi * torch.rand(800, generator=die)
    x = torch.stack([angle.cos() + y, angle.sin() * (1 - 2 * y) + 0.4 * y], 1)
    x = x + 0.1 * torch.randn(800, 2, generator=die)
    return (x - x.mean(0)) / x.std(0), y


def arm(seed: int) -> Rows:
    """Where the hand of an arm of two links is, by the angles of its joints."""
    a = 2 * torch.rand(1000, 3, generator=dice(seed)) - 1
    one, two = 1.5 * a[:, 0], 1.5 * (a[:, 0] + a[:, 1])
    y = torch.stack([one.cos() + (1 + a[:, 2] / 2) * two.cos(), one.sin() + (1 + a[:, 2] / 2) * two.sin()], 1)
    return a * 3**0.5, y


def shells(seed: int) -> Rows:
    """Three classes by distance from the middle in five dimensions."""
    x = torch.randn(1500, 5, generator=dice(seed))
    return x, torch.bucketize(x.norm(dim=1), torch.tensor([1.7, 2.4]))


def ratings(seed: int) -> Rows:
    """What 40 people give 30 films, each with a taste of two dimensions."""
    die = dice(seed)
    x = torch.stack([torch.randint(40, (3000,), generator=die), torch.randint(30, (3000,), generator=die)], 1)
    people, films = torch.randn(40, 3, generator=die), torch.randn(30, 3, generator=die)
    mean = people[x[:, 0], 2] + films[x[:, 1], 2]
    return x, (people[x[:, 0], :2] * films[x[:, 1], :2]).sum(1) + mean


def hinge(seed: int) -> Rows:
    """A curve made of four unlike pieces."""
    x = 4 * torch.rand(1000, 2, generator=dice(seed)) - 2
    left, up = x[:, 0] < 0, x[:, 1] > 0
    y = torch.where(
        left, torch.where(up, x[:, 1], -2 * x[:, 0]), torch.where(up, (3 * x[:, 0]).sin(), -x[:, 1])
    )
    return x, ((y - y.mean()) / y.std()).unsqueeze(1)


def trails(seed: int) -> Rows:
    """Sixteen impulses; the target is what a leaky memory keeps of them."""
    x = torch.randn(1200, 16, 2, generator=dice(seed))
    kept = torch.zeros(1200)
    for t in range(16):
        kept = 0.8 * kept + x[:, t, 0] * (x[:, t, 1] > 0)
    return x, kept


def spectra(seed: int) -> Rows:
    """Five classes of peaks on a slope of 20 samples."""
    die = dice(seed)
    y = torch.randint(5, (1200,), generator=die)
    at = torch.arange(20) - (3 + 3.2 * y[:, None] + torch.randn(1200, 1, generator=die) * 0.7)
    slope = torch.randn(1200, 1, generator=die) * torch.linspace(-1, 1, 20)
    return 2 * (-(at**2) / 3).exp() + slope + 0.4 * torch.randn(1200, 20, generator=die), y


def mean_squared(out: Tensor, y: Tensor) -> Tensor:
    return ((out - y) ** 2).mean()


def by(kind: type[Optimizer], **settings: object) -> Callable[[nn.Module], Optimizer]:
    """An optimiser over all parameters."""
    return lambda model: kind(model.parameters(), **settings)


def one_cycle(optimizer: Optimizer) -> lr_scheduler.LRScheduler:
    return lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=400)


def clipped(model: nn.Module) -> object:
    return nn.utils.clip_grad_norm_(model.parameters(), 1.0)


CE, BCE = fn.cross_entropy, fn.binary_cross_entropy_with_logits
_ROWS: tuple[tuple[object, ...], ...] = (
    ("picture-conv", images, imaged, CE, by(Adam, lr=3e-3), 48, 120),
    ("figures-deep", partial(read, "digits"), partial(stacked, 64, 96, 96, 96, 96, 10), CE,
     by(SGD, lr=0.05, momentum=0.9), 32, 250),
    ("copy-digits", same, partial(stacked, 64, 48, 14, 48, 64, act=nn.ELU), mean_squared,
     by(AdamW, lr=4e-3), 40, 300),
    ("wine-layers", wine, partial(stacked, 13, 24, 24, 3, act=nn.GELU, norm=nn.LayerNorm), CE,
     by(SGD, lr=0.03, momentum=0.9, nesterov=True), 16, 120),
    ("tumour-drop", cancer, partial(flat, 30, 32, 16, 1, act=nn.Tanh, drop=0.2), BCE,
     by(RMSprop, lr=2e-3), 24, 160),
    ("friedman", friedman, partial(flat, 10, 48, 48, 1, act=nn.SiLU), fn.huber_loss,
     by(AdamW, lr=5e-3), 50, 350),
    ("wave-cells", waves, Cells, CE, by(Adam, lr=0.01), 40, 200),
    ("wave-conv", waves, convolved, CE, by(NAdam, lr=3e-3), 40, 200),
    ("marked-attention", marked, Marked, CE, by(Adam, lr=0.01), 64, 300),
    ("families-encoder", tokens, Tokens, CE, by(Adam, lr=3e-3), 40, 160),
    ("couples", couples, Pairs, BCE, by(Adam, lr=4e-3), 40, 300),
    ("crescents-raw", crescents, RawNet, CE, by(SGD, lr=0.2, momentum=0.8), 25, 250),
    ("arm", arm, partial(stacked, 3, 40, 40, 2, act=nn.Softplus), mean_squared,
     by(Adagrad, lr=0.05), 50, 300),
    ("shells-residual", shells, Residual, CE, by(AdamW, lr=0.01, weight_decay=1e-2), 50, 400),
    ("ratings", ratings, Tastes, mean_squared, by(Adam, lr=0.02), 100, 400),
    ("iris-newton", partial(read, "iris"), partial(stacked, 4, 10, 3, act=nn.Tanh), CE,
     by(torch.optim.LBFGS, lr=0.3, max_iter=3), 56, 60),
    ("pieces-experts", hinge, Experts, mean_squared, by(Adam, lr=0.01), 50, 400),
    ("trails-rnn", trails, Recurrent, mean_squared, by(Adam, lr=5e-3), 50, 350),
    ("spectra-batchnorm", spectra, partial(stacked, 20, 32, 32, 5, norm=nn.BatchNorm1d), CE,
     by(SGD, lr=0.05, momentum=0.9), 32, 150),
)  # fmt: skip
_MORE: dict[str, dict[str, object]] = {
    "trails-rnn": {"clip": clipped},
    "wave-cells": {"clip": clipped},
    "iris-newton": {"loop": with_closure},
    "shells-residual": {"schedule": one_cycle},
    "tumour-drop": {"evaluates": "right"},
    "spectra-batchnorm": {"evaluates": "right"},
}
BASES: dict[str, TrainingCase] = {
    str(row[0]): TrainingCase(f"second-base-{row[0]}", *row[1:], **_MORE.get(str(row[0]), {}))  # type: ignore[arg-type]
    for row in _ROWS
}
