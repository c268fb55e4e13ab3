"""Small data sets with known truth: a seed in, inputs and targets out. No file, no download."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Generator, Tensor
from torch.nn import functional

from levinthal.data import load

Rows = tuple[Tensor, Tensor]
"""Inputs (n, ...) and targets (n, ...)."""


def _dice(seed: int) -> Generator:
    return Generator().manual_seed(1_000_003 + seed)


@cache
def _digits() -> Rows:
    read = load("digits")
    return torch.tensor(read.train_inputs), torch.tensor(read.train_labels)


def digits(seed: int) -> Rows:
    """(1197, 64) pixels in [0, 1] and ten classes, in an order of the seed's."""
    x, y = _digits()
    order = torch.randperm(len(x), generator=_dice(seed))
    return x[order], y[order]


def standard_digits(seed: int) -> Rows:
    """The digits, every pixel with mean 0 and variance 1."""
    x, y = digits(seed)
    return (x - x.mean(0)) / (x.std(0) + 0.1), y


def images(seed: int) -> Rows:
    """The digits as (n, 1, 8, 8)."""
    x, y = standard_digits(seed)
    return x.reshape(-1, 1, 8, 8), y


def pixels(seed: int) -> Rows:
    """The digits with themselves as targets."""
    x, _ = digits(seed)
    return x, x


def blobs(seed: int) -> Rows:
    """(800, 20) points around five centres, moderately apart."""
    dice = _dice(seed)
    centres, y = torch.randn(5, 20, generator=dice), torch.randint(0, 5, (800,), generator=dice)
    return centres[y] + torch.randn(800, 20, generator=dice), y


def unequal_blobs(seed: int) -> Rows:
    """Three classes at 65, 25 and 10 in a hundred."""
    dice = _dice(seed)
    y = torch.multinomial(torch.tensor([0.65, 0.25, 0.1]), 800, replacement=True, generator=dice)
    centres = 1.5 * torch.randn(3, 20, generator=dice)
    return centres[y] + torch.randn(800, 20, generator=dice), y


def rings(seed: int) -> Rows:
    """(800, 2) points on three rings around each other: no line tells them apart."""
    dice = _dice(seed)
    y = torch.randint(0, 3, (800,), generator=dice)
    angle = 2 * math.pi * torch.rand(800, generator=dice)
    radius = 0.5 + 0.75 * y + 0.1 * torch.randn(800, generator=dice)
    return torch.stack((radius * angle.cos(), radius * angle.sin()), 1), y


def two_rings(seed: int) -> Rows:
    """Inside or outside, as 0. and 1. of shape (n, 1)."""
    x, y = rings(seed)
    return x, (y > 0).float()[:, None]


def waves(seed: int) -> Rows:
    """(800, 2) -> (800, 1): sin(3 a) + b squared, with a little noise."""
    dice = _dice(seed)
    x = 2 * torch.rand(800, 2, generator=dice) - 1
    clean = (3 * x[:, :1]).sin() + x[:, 1:] ** 2
    return x, clean - 0.33 + 0.02 * torch.randn(800, 1, generator=dice)


def ramps(seed: int) -> Rows:
    """(800, 12) -> (800, 1): a linear rule and noise a tenth as large."""
    dice = _dice(seed)
    x, w = torch.randn(800, 12, generator=dice), torch.randn(12, 1, generator=dice)
    return x, x @ w / 3 + 0.1 * torch.randn(800, 1, generator=dice)


def counts(seed: int) -> Rows:
    """(800, 6) -> (800, 1) counts, the log of their mean is linear in the inputs."""
    dice = _dice(seed)
    x, w = torch.randn(800, 6, generator=dice), torch.randn(6, 1, generator=dice)
    return x, torch.poisson((0.4 * x @ w + 1).exp(), generator=dice)


def labels(seed: int) -> Rows:
    """(800, 16) -> (800, 4): four yes-or-no questions."""
    dice = _dice(seed)
    x, w = torch.randn(800, 16, generator=dice), torch.randn(16, 4, generator=dice)
    return x, (x @ w + 0.5 * torch.randn(800, 4, generator=dice) > 0).float()


def melodies(seed: int) -> Rows:
    """(600, 12, 3): three noisy tones; the class is which of four rhythms they share."""
    dice = _dice(seed)
    y = torch.randint(0, 4, (600,), generator=dice)
    time, shift = torch.arange(12.0), torch.rand(600, 1, 1, generator=dice) * 6
    tone = ((0.5 + 0.6 * y[:, None, None]) * time[None, :, None] + shift + torch.arange(3.0)).sin()
    return tone + 0.2 * torch.randn(600, 12, 3, generator=dice), y


def long_melodies(seed: int) -> Rows:
    """(400, 40, 3): what the class is stands in the first five steps, the rest is faint noise."""
    dice = _dice(seed)
    y = torch.randint(0, 3, (400,), generator=dice)
    x = 0.1 * torch.randn(400, 40, 3, generator=dice)
    x[:, :5] += functional.one_hot(y, 3)[:, None].float()
    return x, y


def words(seed: int) -> Rows:
    """(600, 12) tokens of 50; each class prefers ten of them."""
    dice = _dice(seed)
    y = torch.randint(0, 4, (600,), generator=dice)
    liked = 10 * y[:, None] + torch.randint(0, 10, (600, 12), generator=dice)
    common = torch.randint(0, 50, (600, 12), generator=dice)
    return torch.where(torch.rand(600, 12, generator=dice) < 0.4, liked, common), y


def sentences(seed: int) -> Rows:
    """(600, 10) tokens of 12 that count up by a step of their own; targets are the next tokens."""
    dice = _dice(seed)
    start, step = (torch.randint(low, 5, (600, 1), generator=dice) for low in (0, 1))
    line = (start + step * torch.arange(11)) % 12
    return line[:, :-1], line[:, 1:]


def rounds(seed: int) -> Rows:
    """(600, 2) points on a circle, without targets to speak of: what a generator is to imitate."""
    angle = 2 * math.pi * torch.rand(600, 1, generator=_dice(seed))
    x = torch.cat((angle.cos(), angle.sin()), 1)
    return x, x
