"""Vector data of the first blind suite: tables of scikit-learn, planes, fields and known functions.

A seed in, inputs and targets out; nothing is shared with the other problems of the suite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from benchmarks.faults.own.data import Rows
from sklearn import datasets
from torch import Generator, Tensor

Source = Callable[[int], Rows]


def dice_of(seed: int) -> Generator:
    return Generator().manual_seed(7_919 * (seed + 1))


@cache
def _read(name: str) -> Rows:
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    whole = name != "diabetes"
    targets = torch.tensor(np.asarray(y), dtype=torch.long if whole else torch.float32)
    return torch.tensor(np.asarray(x), dtype=torch.float32), targets


def raw(name: str) -> Source:
    """A table of scikit-learn in the units it comes in, in an order of the seed's."""

    def rows(seed: int) -> Rows:
        x, y = _read(name)
        order = torch.randperm(len(x), generator=dice_of(seed))
        return x[order], y[order]

    return rows


def standard(source: Source) -> Source:
    """Every column with mean 0 and variance 1; numbers to be predicted too, as (n, 1)."""

    def rows(seed: int) -> Rows:
        x, y = source(seed)
        x = (x - x.mean(0)) / x.std(0).clamp_min(1e-3)
        return x, _unit(y)[:, None] if y.is_floating_point() else y

    return rows


def _unit(y: Tensor) -> Tensor:
    return (y - y.mean(0)) / y.std(0)


wine, cancer, iris = standard(raw("wine")), standard(raw("breast_cancer")), standard(raw("iris"))
diabetes = standard(raw("diabetes"))


def as_floats(source: Source) -> Source:
    """Classes 0 and 1 as numbers (n, 1), for a binary cross-entropy."""

    def rows(seed: int) -> Rows:
        x, y = source(seed)
        return x, y.float()[:, None]

    return rows


def spirals(seed: int, arms: int = 3, rows: int = 900) -> Rows:
    """Arms of a spiral in the plane."""
    dice = dice_of(seed)
    y = torch.randint(0, arms, (rows,), generator=dice)
    far = torch.rand(rows, generator=dice) * 0.9 + 0.1
    angle = 4 * far + 2 * math.pi * y / arms + 0.12 * torch.randn(rows, generator=dice)
    return 2.1 * torch.stack((far * angle.cos(), far * angle.sin()), 1), y


def checkerboard(seed: int, fields: int = 3) -> Rows:
    """A board of black and white fields."""
    x = torch.rand(1200, 2, generator=dice_of(seed))
    return (x - 0.5) * 3.4, (x * fields).long().sum(1) % 2


def moons(seed: int) -> Rows:
    x, y = datasets.make_moons(800, noise=0.15, random_state=seed)
    return _unit(torch.tensor(x, dtype=torch.float32)), torch.tensor(y)


def clouds(seed: int, classes: int = 6, width: int = 16, far: float = 1.2) -> Rows:
    """Two clouds a class in many dimensions, so that no plane parts them."""
    dice = dice_of(seed)
    centres = far * torch.randn(classes, 2, width, generator=dice)
    y = torch.randint(0, classes, (1000,), generator=dice)
    which = torch.randint(0, 2, (1000,), generator=dice)
    return _unit(centres[y, which] + torch.randn(1000, width, generator=dice)), y


def parity(seed: int, relevant: int = 3, bits: int = 8) -> Rows:
    """Signs, and the parity of the first few: a long plateau, then a drop."""
    x = torch.randint(0, 2, (1600, bits), generator=dice_of(seed)).float() * 2 - 1
    return x, (x[:, :relevant].prod(1) > 0).long()


def friedman(seed: int) -> Rows:
    """Friedman's first function of five columns of ten, standardised."""
    x, y = datasets.make_friedman1(1000, noise=0.3, random_state=seed)
    return standard(lambda _: (torch.tensor(x).float(), torch.tensor(y).float()))(seed)


def field(seed: int, waves: float = 2.0) -> Rows:
    """A height over the plane, made of waves."""
    x = torch.rand(1200, 2, generator=dice_of(seed)) * 2 - 1
    height = torch.sin(waves * math.pi * x[:, :1]) * torch.cos(waves * x[:, 1:]) + 0.5 * x[:, 1:]
    return x, _unit(height)


def line_with_outliers(seed: int) -> Rows:
    """Every twentieth target is far off; the held-out quarter has none of these."""
    dice = dice_of(seed)
    x = torch.randn(800, 6, generator=dice)
    y = torch.tanh(x[:, :1]) + 0.5 * x[:, 1:2] * x[:, 2:3]
    far = torch.rand(600, 1, generator=dice) < 0.05
    y[:600] += far * 6 * torch.randn(600, 1, generator=dice)
    return x, y / 0.85


def in_units(source: Source, unit: float) -> Source:
    """Targets in a unit of nature (1e-9, 1e7), brought back to variance 1 as a careful user does."""

    def rows(seed: int) -> Rows:
        x, y = source(seed)
        return x, _unit(y.double() * unit + 3 * unit).float()

    return rows


def arm(seed: int) -> Rows:
    """Two joint angles, in; where the hand is, out."""
    angles = torch.rand(900, 2, generator=dice_of(seed)) * 2.4 - 1.2
    bent = angles.sum(1)
    hand = torch.stack((angles[:, 0].cos() + bent.cos(), angles[:, 0].sin() + bent.sin()), 1)
    return angles / 0.7, _unit(hand)


def rates(seed: int) -> Rows:
    """Counts (n, 1) whose logarithmic rate is a curved function of four columns."""
    dice = dice_of(seed)
    x = torch.randn(1000, 4, generator=dice)
    rate = torch.exp(0.8 + 0.7 * torch.sin(x[:, :1]) + 0.4 * x[:, 1:2])
    return x, torch.poisson(rate, generator=dice)


def spread(seed: int) -> Rows:
    """A curve whose noise is several times as large on the right as on the left."""
    dice = dice_of(seed)
    x = torch.rand(1000, 1, generator=dice) * 4 - 2
    return x, torch.sin(2 * x) + (0.05 + 0.1 * (x + 2)) * torch.randn(1000, 1, generator=dice)


def chords(seed: int) -> Rows:
    """Sums of tones with noise; which of eight tones sound (n, 8) of zeros and ones."""
    dice = dice_of(seed)
    sound = (torch.rand(900, 8, generator=dice) < 0.35).float()
    time = torch.arange(32) / 32
    tones = torch.sin(2 * math.pi * torch.arange(1, 9)[:, None] * time)
    return (sound @ tones + 0.5 * torch.randn(900, 32, generator=dice)) / 1.3, sound


def ratings(seed: int, users: int = 30, items: int = 40) -> Rows:
    """(n, 2) user and item; a rating (n, 1) of rank two."""
    dice = dice_of(seed)
    left, right = torch.randn(users, 2, generator=dice), torch.randn(items, 2, generator=dice)
    who, what = (torch.randint(0, count, (2000,), generator=dice) for count in (users, items))
    told = (left[who] * right[what]).sum(1, keepdim=True) + 0.1 * torch.randn(2000, 1, generator=dice)
    return torch.stack((who, what), 1), told


def walks(seed: int, places: int = 7) -> Rows:
    """Steps in a corridor: place, next place (one-hot), action, reward, whether it ended. No targets."""
    dice = dice_of(seed)
    place = torch.randint(0, places - 1, (1600,), generator=dice)
    action = torch.randint(0, 2, (1600,), generator=dice)
    after = (place + 2 * action - 1).clamp(0, places - 1)
    ended = (after == places - 1).float()
    known = torch.eye(places)
    row = (known[place], known[after], action[:, None].float(), ended[:, None], ended[:, None])
    return torch.cat(row, 1), torch.zeros(1600, dtype=torch.long)


def noisy_labels(source: Source, share: float) -> Source:
    """A share of the training labels drawn at random; the held-out quarter is clean."""

    def rows(seed: int) -> Rows:
        x, y = source(seed)
        dice, cut = dice_of(seed + 500), 3 * len(y) // 4
        wrong = torch.randint(0, int(y.max()) + 1, y.shape, generator=dice)
        hit = torch.rand(y.shape, generator=dice) < share
        hit[cut:] = False
        return x, torch.where(hit, wrong, y)

    return rows
