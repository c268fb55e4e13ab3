"""The best of a grid of learning rates, and whether it sits on the grid's edge."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from levinthal.lab.storage.rows import Rows

FEWEST_RATES = 3
"""Of two learning rates both are the edge of their grid."""
TIED = 0.01
"""Rates whose scores are this near to the best, relatively, are as good as it."""


@dataclass(frozen=True, slots=True)
class BestRate:
    """A learning rate, its error seed by seed (lower is better), and if it is the grid's first or last."""

    rate: float
    scores: Mapping[int, float]
    at_edge: bool


def best_rate(rows: Rows, error: Callable[[float], float] | None = None) -> BestRate | None:
    """The best rate among rows that hold one score a rate and seed, by the rule of `best_of`.

    Args:
        rows: one score a rate and seed.
        error: from a score to an error that is not negative and lower for better, where the score is none:
            `lambda accuracy: 1 - accuracy` for a share, `lambda points: 100 - points` for per cent.

    Returns:
        The best rate with its errors; None for fewer than three rates.

    Raises:
        InputError: where a rate and seed have more than one row.
    """
    groups = rows.group_by("rate").items() if len(rows) else ()
    grid = {float(rate): group.by_seed() for (rate,), group in groups}
    if error is not None:
        grid = {rate: {seed: error(v) for seed, v in scores.items()} for rate, scores in grid.items()}
    return best_of(grid)


def best_of(grid: Mapping[float, Mapping[int, float]]) -> BestRate | None:
    """The rate with the lowest median error over seeds: the one rule of all studies.

    A seed whose error is not finite is worse than all others; where every median is infinite, the rates with
    the largest share of finite errors are tied. Of rates that are tied (within 1 %) the one
    nearest to the middle of the grid is taken, the smaller of two that are as near. So a network that
    learns at no rate, or converges at none, is read at the middle rate, and is on no edge by chance.

    Args:
        grid: rate -> seed -> error, not negative.

    Returns:
        The best rate; None for fewer than three rates: two of them are all edge.

    >>> best_of({0.1: {0: math.inf}, 1: {0: math.inf}, 10: {0: math.inf}})
    BestRate(rate=1, scores={0: inf}, at_edge=False)
    """
    if len(grid) < FEWEST_RATES:
        return None
    rates = sorted(grid)
    errors = {rate: {seed: _or_endless(e) for seed, e in grid[rate].items()} for rate in rates}
    medians = [float(np.median(list(errors[rate].values()))) for rate in rates]
    if math.isinf(min(medians)):
        medians = [float(np.isinf(list(errors[rate].values())).mean()) for rate in rates]
    as_good = [i for i, median in enumerate(medians) if median <= (1 + TIED) * min(medians)]
    winner = min(as_good, key=lambda i: abs(i - (len(rates) - 1) / 2))
    return BestRate(rates[winner], errors[rates[winner]], winner in (0, len(rates) - 1))


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
