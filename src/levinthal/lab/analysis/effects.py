"""Effects seed by seed, part of the grid by part: what a claim's evidence is put together from.

present    the parts that have runs            less     the difference of two arms, paired by seed
average    the mean over parts, seed by seed   slope    the effect against the doublings of a factor
doublings  log2 of a ratio of times, where an arm may never have got there
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

BySeed = Mapping[int, float]
"""Seed -> effect."""


def present(parts: Mapping[str, BySeed]) -> dict[str, BySeed]:
    """The parts of the grid that have runs: not every preset, nor a half-finished study, has them all."""
    return {part: effect for part, effect in parts.items() if effect}


def less(parts: Mapping[str, BySeed], others: Mapping[str, BySeed]) -> dict[str, BySeed]:
    """Part -> seed -> difference, where both are known.

    >>> less({"a": {0: 3.0, 1: 5.0}, "b": {0: 1.0}}, {"a": {1: 1.0}})
    {'a': {1: 4.0}}
    """
    both = {part: (one, others[part]) for part, one in parts.items() if part in others}
    return present({p: {s: one[s] - other[s] for s in one if s in other} for p, (one, other) in both.items()})


def average(effects: Iterable[BySeed]) -> dict[int, float]:
    """Seed -> mean over the settings, among the seeds that every setting has.

    >>> average([{0: 1.0, 1: 2.0}, {0: 3.0}])
    {0: 2.0}
    """
    found = [one for one in effects if one]
    if not found:
        return {}
    seeds = set.intersection(*(set(one) for one in found))
    return {seed: _mean([one[seed] for one in found]) for seed in sorted(seeds)}


def slope(points: Mapping[float, BySeed]) -> dict[int, float]:
    """Seed -> least-squares slope of the effect against log2 of the points' keys.

    >>> slope({5: {0: 1.0}, 10: {0: 2.0}, 20: {0: 3.0}})
    {0: 1.0}
    """
    if len(points) < 2:
        return {}
    seeds = set.intersection(*(set(one) for one in points.values()))
    x = np.log2(list(points))
    result = {}
    for seed in sorted(seeds):
        y = np.array([one[seed] for one in points.values()])
        keep = np.isfinite(y)
        enough = keep.sum() >= 2
        result[seed] = round(float(np.polyfit(x[keep], y[keep], 1)[0]), 9) if enough else math.nan
    return result


def doublings(slow: float, fast: float, never: float) -> float:
    """log2(slow / fast); inf, an arm that never got there, counts as `never`; two of them are no number.

    >>> doublings(80, 20, 200), doublings(math.inf, 25, 200), doublings(math.inf, math.inf, 200)
    (2.0, 3.0, nan)
    """
    if math.isinf(slow) and math.isinf(fast):
        return math.nan
    return math.log2(min(slow, never) / min(fast, never))


def _mean(values: list[float]) -> float:
    finite = [v for v in values if math.isfinite(v)]
    return sum(finite) / len(finite) if finite else math.nan
