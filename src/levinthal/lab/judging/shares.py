"""Shares of seeds: exact intervals, and the seeds that have not been seen.

share_interval    k of n seeds: Clopper and Pearson
bounded_interval  the mean of effects that have a floor and a ceiling; for 0 and 1 the same as above
lower_bound       the mean of effects that have a floor, from below
unseen_share      the share of seeds that may behave otherwise where n seeds agree
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy import special

from levinthal.errors import InputError
from levinthal.lab.judging.sizes import LEVEL
from levinthal.vocabulary import Interval

DRAWS = 4000


def share_interval(count: int, total: int, *, level: float = LEVEL) -> Interval:
    """The exact interval of a share, `count` of `total` (Clopper & Pearson 1934).

    Args:
        count: seeds in which it happened.
        total: all seeds, at least 1.
        level: of the two-sided interval.

    Returns:
        The interval; it covers the true share at least as often as its level says.

    Raises:
        InputError: a count outside of 0 to total, or no seeds.

    >>> interval = share_interval(8, 8)
    >>> round(interval.low, 3), interval.high  # 0.025 ** (1 / 8)
    (0.631, 1.0)
    """
    if not 0 <= count <= total or total < 1:
        raise InputError(f"a share needs 0 <= count <= total and 1 seed or more; got {count} of {total}")
    tail = (1 - level) / 2
    low = float(special.betaincinv(count, total - count + 1, tail)) if count else 0.0
    high = float(special.betaincinv(count + 1, total - count, 1 - tail)) if count < total else 1.0
    return Interval(low, high, level, "Clopper and Pearson")


def bounded_interval(
    values: Sequence[float], floor: float, ceiling: float, *, level: float = LEVEL
) -> Interval:
    """An interval for the mean of values that cannot leave [floor, ceiling].

    Gaffke's bound (Learned-Miller & Thomas 2020): the lower end is a quantile of the mean of the n values and
    one unseen value at the floor, under uniform random weights; the upper end the same with the ceiling. For
    values that are all at the floor or at the ceiling it is the interval of Clopper and Pearson.

    Args:
        values: n values, at least 1.
        floor: the least value that is possible.
        ceiling: the largest.
        level: of the two-sided interval.

    Returns:
        The interval.

    Raises:
        InputError: no values, or a value outside of the bounds.

    >>> bounded_interval([1.0] * 8, 0.0, 1.0) == share_interval(8, 8)
    True
    """
    x = np.sort(np.asarray(values, dtype=float))
    if len(x) == 0 or not (x[0] >= floor and x[-1] <= ceiling):
        raise InputError(f"{len(x)} values for bounds {floor:g} and {ceiling:g}: they must lie between them")
    top = int(np.sum(x == ceiling))
    if top + int(np.sum(x == floor)) == len(x):
        share, width = share_interval(top, len(x), level=level), ceiling - floor
        return Interval(floor + width * share.low, floor + width * share.high, level, share.method)
    tail = (1 - level) / 2
    low, high = lower_bound(x, floor, tail=tail), -lower_bound(-x, -ceiling, tail=tail)
    return Interval(low, high, level, "Gaffke's bound")


def lower_bound(
    values: Sequence[float] | Float[np.ndarray, " n"],
    floor: float,
    *,
    tail: float = 0.025,
    seeds: int | None = None,
) -> float:
    """A lower bound for the mean of values that cannot lie below a floor (Gaffke's bound, one-sided).

    The values have no ceiling. Where all n agree at v, the bound is floor + (v - floor) tail^(1/n): the mean
    if the largest share of values that may be at the floor without being seen is there. Where k are at the
    floor and the others agree, it is Clopper and Pearson's bound of their share.

    Args:
        values: n values, at least 1.
        floor: the least value that is possible.
        tail: the probability that the bound lies above the true mean, at most.
        seeds: the number of values, in the proportions of those given; all of them by default.

    Returns:
        The bound.

    Raises:
        InputError: no values, or one below the floor.

    >>> bound = lower_bound([2.0] * 8, 0.0)
    >>> abs(bound - 2 * 0.025 ** (1 / 8)) < 1e-5
    True
    """
    x = np.sort(np.asarray(values, dtype=float))
    if len(x) == 0 or x[0] < floor:
        raise InputError(f"{len(x)} values for the floor {floor:g}: none of them may lie below it")
    unseen, weights = _weights(len(x), seeds or len(x))
    # Hazen's quantile of the even steps is exact where the values agree.
    return float(np.quantile(unseen * floor + (1 - unseen) * (weights @ x), tail, method="hazen"))


@lru_cache(maxsize=8)
def _weights(n: int, seeds: int) -> tuple[Float[np.ndarray, " draws"], Float[np.ndarray, "draws n"]]:
    """Uniform weights of `seeds` values in n equal groups; the weight of one unseen in even steps."""
    generator = np.random.default_rng(0)
    steps = generator.permutation((np.arange(DRAWS) + 0.5) / DRAWS)
    return 1 - steps ** (1 / seeds), generator.dirichlet(np.full(n, seeds / n), size=DRAWS)


def unseen_share(agreeing: int, others: int = 0, *, level: float = LEVEL) -> float:
    """The largest share of seeds that may behave otherwise where `agreeing` seeds agree and `others` do not.

    The upper end of Clopper and Pearson's one-sided interval. Where all agree: a share p stays unseen in n
    seeds with probability (1 - p)^n, and the bound is where that is 1 - level.

    Args:
        agreeing: seeds that agree.
        others: seeds that do not.
        level: one-sided.

    Returns:
        The share, between others / (agreeing + others) and 1; without others 1 - (1 - level)^(1 / agreeing).

    >>> [round(unseen_share(n), 2) for n in (5, 8, 12, 32)]
    [0.45, 0.31, 0.22, 0.09]
    """
    return float(special.betaincinv(others + 1, agreeing, level)) if agreeing else 1.0
