"""How many seeds would settle a claim on a share of seeds, by the exact binomial rule.

An interval of Clopper and Pearson excludes a share if so many seeds, or more, would be yes by chance with a
probability below its tail.

agreeing_seeds    where all seeds agree, if the others agree too: a closed form
seeds_of_share    where they do not
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy import special

from levinthal.lab.judging.sizes import LEVEL_AGAIN
from levinthal.lab.judging.statistics import MOST_SEEDS

AIM = 0.65
"""The probability that a plan aims at. Chosen by simulation: then about 8 of 10 studies are settled."""
STEPS = 10
_TAIL = (1 - LEVEL_AGAIN) / 2


def agreeing_seeds(share: float) -> int:
    """Fewest seeds that agree, and whose interval in the next analysis then excludes a share.

    The bound of n seeds that agree is tail^(1/n), so n must exceed log(tail) / log(share).

    Args:
        share: a share of seeds, from 0 to below 1.

    Returns:
        The number of seeds.

    >>> agreeing_seeds(0.5), agreeing_seeds(0.9)
    (8, 51)
    """
    return 1 if share <= 0 else math.floor(math.log(_TAIL) / math.log(share)) + 1


def seeds_of_share(
    yes: int, total: int, null: float, smallest: float, *, ends: tuple[float, float]
) -> int | None:
    """Fewest seeds whose interval will probably exclude the null value or the smallest size.

    Where all seeds agree, it is the number that settles the claim if the others agree too. Else the true
    share is taken to lie anywhere between two ends, and to be as likely as the seeds seen make it.

    Args:
        yes: seeds in which it happened.
        total: all seeds.
        null: the null value of the claim.
        smallest: its smallest size.
        ends: the least and the largest true share that is considered.

    Returns:
        The number of seeds, the present ones included; None for more than 1000.

    >>> seeds_of_share(5, 5, 0.5, 0.7, ends=(0.5, 0.7))
    8
    """
    if yes in (0, total):
        count = agreeing_seeds(null if yes else 1 - smallest)
        return count if count <= MOST_SEEDS else None
    shares = ends[0] + (ends[1] - ends[0]) * (np.arange(STEPS) + 0.5) / STEPS
    logarithms = yes * np.log(shares) + (total - yes) * np.log1p(-shares)
    weights = np.exp(logarithms - logarithms.max())

    def probability(seeds: int) -> float:
        more, least = seeds - total, _least_yes(seeds, null) - yes
        beyond = _at_least(least, more, shares)
        below = _at_least(_least_yes(seeds, 1 - smallest) - (total - yes), more, 1 - shares)
        return float(weights @ np.minimum(beyond + below, 1) / weights.sum())

    low, high = total + 1, MOST_SEEDS
    if low > high or probability(high) < AIM:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if probability(middle) >= AIM else (middle + 1, high)
    return low


@lru_cache(maxsize=1024)
def _least_yes(seeds: int, share: float) -> int:
    """Fewest yes of so many seeds with an interval beyond a share; one more than all where there are none."""
    counts = np.arange(1, seeds + 1)
    beyond = _at_least_each(counts, seeds, share) < _TAIL
    return int(counts[beyond][0]) if beyond.any() else seeds + 1


def _at_least_each(counts: np.ndarray, seeds: int, share: float) -> Float[np.ndarray, " counts"]:
    return np.asarray(special.betainc(counts, seeds - counts + 1, min(max(share, 0.0), 1.0)))


def _at_least(count: int, seeds: int, shares: Float[np.ndarray, " steps"]) -> Float[np.ndarray, " steps"]:
    """The probability of so many yes or more, for each true share."""
    if count <= 0:
        return np.ones_like(shares)
    return np.asarray(special.betainc(count, seeds - count + 1, shares)) if count <= seeds else 0 * shares
