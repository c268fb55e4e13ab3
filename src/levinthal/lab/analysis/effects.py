"""Numbers seed by seed, and over several settings.

Effect    one number per seed, with the learning rates that it rests on
average   the mean over settings              slope   against log2 of a factor
log2_speedup   log2 of a ratio of times, where an arm may never have reached its target

A seed that failed in one setting failed: its number is NaN. A setting without seeds has not run yet, and a
seed that a setting lacks has not run there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from levinthal.lab.judging.statistics import finite_mean

BySeed = Mapping[int, float]
"""Seed -> effect."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One number per seed, with the best learning rates that it rests on. No seeds: not run yet.

    Attributes:
        by_seed: seed -> number.
        rates: the best learning rates of the compared arms, in order; empty where none was chosen.
        at_edge: whether one of those rates is the first or last of its grid.
        note: a sentence for the verdict, or nothing. An effect without seeds may say why it has none.
        unit: the unit of the numbers, as the rows have it; empty where it is not known.

    >>> Effect({0: 0.25}).map(lambda share: 1 - share).by_seed
    {0: 0.75}
    """

    by_seed: BySeed
    rates: tuple[float, ...] = ()
    at_edge: bool = False
    note: str = ""
    unit: str = field(default="", repr=False)

    def map(self, change: Callable[[float], float]) -> Effect:
        """The same effect with the number of every seed changed.

        Args:
            change: from a number to a number.

        Returns:
            The effect; rates, edge and note are as before, the unit is not known.
        """
        return replace(self, by_seed={seed: change(number) for seed, number in self.by_seed.items()}, unit="")


NOT_RUN = Effect({})


def average(effects: Iterable[BySeed], *, drop_failed: bool = False) -> dict[int, float]:
    """Seed -> mean over the settings, among the seeds that every setting has.

    Args:
        effects: seed -> number of each setting; a setting without seeds has not run, and does not count.
        drop_failed: take the mean of a seed over the settings in which its number is finite.

    Returns:
        The means; NaN for a seed that failed in one setting, with `drop_failed` in all of them.

    >>> average([{0: 1.0, 1: 2.0}, {0: 3.0}])
    {0: 2.0}
    >>> average([{0: 1.0}, {0: math.inf}]), average([{0: 1.0}, {0: math.inf}], drop_failed=True)
    ({0: nan}, {0: 1.0})
    """
    found = [one for one in effects if one]
    if not found:
        return {}
    seeds = set.intersection(*(set(one) for one in found))
    numbers = {seed: [one[seed] for one in found] for seed in sorted(seeds)}
    return {seed: finite_mean(_finite(own) if drop_failed else own) for seed, own in numbers.items()}


def slope(points: Mapping[float, BySeed], *, drop_failed: bool = False) -> dict[int, float]:
    """Seed -> least-squares slope of the effect against log2 of the points' keys.

    Args:
        points: key -> seed -> number, of the settings that have run.
        drop_failed: draw the line of a seed through its finite numbers.

    Returns:
        The slopes, among the seeds that every setting has; none for fewer than two settings. NaN for a seed
        that failed in one setting, with `drop_failed` for one with fewer than two finite numbers.

    >>> slope({5: {0: 1.0}, 10: {0: 2.0}, 20: {0: 3.0}})
    {0: 1.0}
    >>> slope({5: {0: 1.0}, 10: {0: 2.0}, 20: {0: math.nan}})
    {0: nan}
    """
    if len(points) < 2:
        return {}
    seeds = set.intersection(*(set(one) for one in points.values()))
    x = np.log2(list(points))
    numbers = {seed: np.array([one[seed] for one in points.values()]) for seed in sorted(seeds)}
    return {seed: _slope(x, y, drop_failed) for seed, y in numbers.items()}


def _slope(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], drop_failed: bool) -> float:
    """The slope through the finite points, or NaN if one that counts is not."""
    keep = np.isfinite(y)
    enough = keep.sum() >= 2 if drop_failed else keep.all()
    return round(float(np.polyfit(x[keep], y[keep], 1)[0]), 9) if enough else math.nan


def log2_speedup(slow: float, fast: float, never: float) -> float:
    """log2(slow / fast) of two times; inf, an arm that never reached its target, counts as `never`.

    Args:
        slow: the time of one arm.
        fast: the time of the other.
        never: the time that counts for an arm that never reached its target.

    Returns:
        The log2 ratio; NaN if neither arm reached it.

    >>> log2_speedup(80, 20, 200), log2_speedup(math.inf, 25, 200), log2_speedup(math.inf, math.inf, 200)
    (2.0, 3.0, nan)
    """
    if math.isinf(slow) and math.isinf(fast):
        return math.nan
    return math.log2(min(slow, never) / min(fast, never))


def _finite(values: list[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]
