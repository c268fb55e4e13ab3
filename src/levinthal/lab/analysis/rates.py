"""The best of a grid of learning rates, and whether it sits on the grid's edge."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from levinthal.lab.storage.rows import Rows

TIED = 0.01
"""Rates whose scores are this near to the best, relatively, are as good as it."""


@dataclass(frozen=True, slots=True)
class BestRate:
    """A learning rate, its score seed by seed (lower is better), and if it is the grid's first or last."""

    rate: float
    scores: Mapping[int, float]
    at_edge: bool


def best_rate(rows: Rows) -> BestRate | None:
    """The rate with the lowest median score over seeds; None for fewer than three rates.

    `rows` hold one score a rate and seed, not negative; one that is not finite is worse than all others. Of
    rates that are tied the one nearest to the middle of the grid is taken, so that a network that learns
    at no rate does not sit on the edge by chance.
    """
    grid = {
        float(rate): {seed: _or_endless(score) for seed, score in group.by_seed().items()}
        for (rate,), group in (rows.group_by("rate").items() if len(rows) else ())
    }
    if len(grid) < 3:
        return None
    rates = sorted(grid)
    medians = [float(np.median(list(grid[rate].values()))) for rate in rates]
    as_good = [i for i, median in enumerate(medians) if median <= (1 + TIED) * min(medians)]
    winner = min(as_good, key=lambda i: abs(i - (len(rates) - 1) / 2))
    return BestRate(rates[winner], grid[rates[winner]], winner in (0, len(rates) - 1))


def _or_endless(score: float) -> float:
    return math.inf if math.isnan(score) else score


def rates_word(rates: Iterable[float]) -> str:
    """A grid of rates as one factor of a cell.

    >>> rates_word((0.1, 1, 10)), read_rates("0.1 1 10")
    ('0.1 1 10', (0.1, 1.0, 10.0))
    """
    return " ".join(f"{rate:g}" for rate in rates)


def read_rates(word: str) -> tuple[float, ...]:
    """The rates that `rates_word` wrote."""
    return tuple(map(float, word.split()))
