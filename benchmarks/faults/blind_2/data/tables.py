"""Rows for the healthy cases of the second blind suite: tables of scikit-learn, and formulas."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from benchmarks.faults.own.data import Rows
from sklearn import datasets
from torch import Generator, Tensor

Maker = Callable[[int], Rows]


def _dice(seed: int) -> Generator:
    return Generator().manual_seed(52_000_711 + seed)


def _seen(x: Tensor) -> Tensor:
    return x[: 3 * len(x) // 4]


@cache
def _table(name: str) -> Rows:
    read = getattr(datasets, f"load_{name}")()
    return torch.tensor(read.data).float(), torch.tensor(read.target)


def table(name: str, binary: bool = False, real: bool = False) -> Maker:
    """A table of scikit-learn's, shuffled; standardised by the rows that are trained on."""

    def rows(seed: int) -> Rows:
        x, y = _table(name)
        order = torch.randperm(len(x), generator=_dice(seed))
        x, y = x[order], y[order]
        x = (x - _seen(x).mean(0)) / (_seen(x).std(0) + 0.02 * x.std())
        if real:
            y = (y.float()[:, None] - _seen(y).float().mean()) / _seen(y).float().std()
        return x, y.float()[:, None] if binary else y

    return rows


def small_digits(count: int = 1797, image: bool = False) -> Maker:
    """The digits in [0, 1], as vectors or as images."""

    def rows(seed: int) -> Rows:
        x, y = _table("digits")
        order = torch.randperm(len(x), generator=_dice(seed))[:count]
        return (x[order] / 16).reshape(-1, 1, 8, 8) if image else x[order] / 16, y[order]

    return rows


def mislabelled(make: Maker, share: float, kinds: int) -> Maker:
    """Some of the labels trained on are drawn anew; those scored by are right."""

    def rows(seed: int) -> Rows:
        x, y = make(seed)
        dice = _dice(seed + 1)
        wrong = torch.rand(len(y), generator=dice) < share
        wrong[3 * len(y) // 4 :] = False
        return x, torch.where(wrong, torch.randint(0, kinds, y.shape, generator=dice), y)

    return rows


def lying(make: Maker) -> Maker:
    """Digits with rows and columns exchanged: near the digits, and not the same."""

    def rows(seed: int) -> Rows:
        x, y = make(seed)
        return x.reshape(-1, 8, 8).mT.reshape(-1, 64), y

    return rows


def copied(make: Maker, noise: float = 0.0) -> Maker:
    """Inputs, noise upon them, are to become themselves."""

    def rows(seed: int) -> Rows:
        x, _ = make(seed)
        return x + noise * torch.randn(x.shape, generator=_dice(seed)), x

    return rows


def by_ease(make: Maker) -> Maker:
    """The rows that are trained on sorted, those nearest to the middle of their class first."""

    def rows(seed: int) -> Rows:
        x, y = make(seed)
        cut = len(_seen(x))
        middle = torch.stack([x[:cut][y[:cut] == kind].mean(0) for kind in range(int(y.max()) + 1)])
        order = (x[:cut] - middle[y[:cut]]).norm(dim=1).argsort()
        return torch.cat((x[:cut][order], x[cut:])), torch.cat((y[:cut][order], y[cut:]))

    return rows


def scaled(make: Maker, factor: float, shift: float = 0.0) -> Maker:
    """Targets in other units."""

    def rows(seed: int) -> Rows:
        x, y = make(seed)
        return x, y * factor + shift

    return rows


def alike(seed: int) -> Rows:
    """(900, 2, 64) two digits; 1. of shape (n, 1) where they are of one kind, which half of them are.

    No digit is in a pair that is trained on and in one that is scored by.
    """
    x, y = small_digits()(seed)
    dice, cut = _dice(seed + 1), len(_seen(x))
    learnt = torch.arange(900) < 675
    first = torch.where(
        learnt,
        torch.randint(0, cut, (900,), generator=dice),
        torch.randint(cut, len(y), (900,), generator=dice),
    )
    same = torch.rand(900, generator=dice) < 0.5
    fits = (y[first][:, None] == y[None]) == same[:, None]
    fits &= (torch.arange(len(y)) < cut)[None] == learnt[:, None]
    second = torch.multinomial(fits.float(), 1, generator=dice)[:, 0]
    return torch.stack((x[first], x[second]), 1), same.float()[:, None]
