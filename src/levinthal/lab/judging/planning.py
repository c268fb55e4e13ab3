"""How many seeds would settle what is open."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy import special

from levinthal.lab.judging.arms import Arm
from levinthal.lab.judging.failing import FEWEST_TO_REPLICATE, seeds_to_replicate, survives_unseen
from levinthal.lab.judging.sizes import LEVEL_AGAIN, Sizes
from levinthal.lab.judging.statistics import FEWEST_SEEDS, MOST_SEEDS
from levinthal.vocabulary import Outcome

AIM = 0.65
"""The probability that a plan aims at. Chosen by simulation: then about 8 of 10 studies are settled."""
STEPS = 10


def seeds_to_settle(
    outcome: Outcome, overall: Arm, parts: Mapping[str, Arm], control: Arm, sizes: Sizes
) -> int | None:
    """Seeds that would settle what is open: the effect, its weakest condition, or the control."""
    if overall.estimate is None or outcome not in (Outcome.INCONCLUSIVE, Outcome.PARTIALLY):
        return None
    if overall.n < FEWEST_SEEDS:
        return _with_few(overall, sizes)
    arms = [overall, *parts.values(), *([control] if outcome is Outcome.INCONCLUSIVE else [])]
    counts = [_to_settle(arm, sizes) for arm in arms if arm.estimate and sizes.is_open(arm.interval)]
    known = [count for count in counts if count is not None]
    return max(known) if known and len(known) == len(counts) else None


def seeds_if_withheld(outcome: Outcome, overall: Arm, parts: Mapping[str, Arm], sizes: Sizes) -> int | None:
    """Seeds that 'replicates' needs, where nothing but their number stands between it and 'partially'."""
    withheld = overall.interval.low >= sizes.smallest and not survives_unseen(overall, sizes)
    lacking = [arm for arm in parts.values() if not sizes.beyond_null(arm.interval)]
    if (
        outcome is not Outcome.PARTIALLY
        or not withheld
        or not all(sizes.is_open(a.interval) for a in lacking)
    ):
        return None
    return seeds_to_replicate(overall, sizes)


def larger(one: int | None, other: int | None) -> int | None:
    """The larger of two numbers of seeds, of which either may be missing."""
    return max((count for count in (one, other) if count is not None), default=None)


def _with_few(overall: Arm, sizes: Sizes) -> int | None:
    """Below five seeds: the fewest that the rules ask for, and more only where the seeds leave it open."""
    fewest = FEWEST_SEEDS if sizes.deterministic else FEWEST_TO_REPLICATE
    interval = overall.estimate and overall.estimate.interval
    if not interval or not sizes.is_open(interval):
        return fewest
    count = _to_settle(overall, sizes, beyond=True)
    return count and max(fewest, count)


def _to_settle(arm: Arm, sizes: Sizes, *, beyond: bool = False) -> int | None:
    """Seeds that would close an open interval, the present ones included."""
    if arm.estimate is None or arm.n < 2:
        return FEWEST_SEEDS
    mean = (arm.estimate.value - sizes.null) / sizes.counts
    count = seeds_to_close(mean, arm.estimate.details["sd"] / sizes.counts, arm.n, beyond=beyond)
    return count and max(count, arm.n + 1)


def seeds_to_close(mean: float, sd: float, n: int, *, beyond: bool = False) -> int | None:
    """Fewest seeds whose interval will probably exclude 0 or 1, after `n` seeds with this mean and spread.

    Adding seeds makes a second analysis, so its level is that of one. The true effect is taken to lie
    anywhere between 0 and 1, and effect and spread to be as likely as the seeds seen make them. With `beyond`
    it may also lie anywhere up to the mean seen, where that is outside of 0 to 1.

    >>> seeds_to_close(0.5, 1.0, 8) < seeds_to_close(0.5, 2.0, 8)
    True
    """
    if sd <= 0:
        return None
    ends = (min(0.0, mean), max(1.0, mean)) if beyond else (0.0, 1.0)
    effects, spreads, weights = _plausible(mean, sd, n, ends)
    farther = np.maximum(effects, 1 - effects) / spreads

    def probability(seeds: int) -> float:
        critical = float(special.stdtrit(seeds - 1, (1 + LEVEL_AGAIN) / 2))
        return float(weights @ special.ndtr(math.sqrt(seeds) * farther - critical))

    low, high = FEWEST_SEEDS, MOST_SEEDS
    if probability(high) < AIM:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if probability(middle) >= AIM else (middle + 1, high)
    return low


def _plausible(
    mean: float, sd: float, n: int, ends: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True effects between two ends, true spreads, and the weight that the seeds seen give to each pair."""
    steps = (np.arange(STEPS) + 0.5) / STEPS
    spreads = np.repeat(sd * np.sqrt((n - 1) / special.chdtri(n - 1, steps)), STEPS)
    effects = np.tile(ends[0] + (ends[1] - ends[0]) * steps, STEPS)
    logarithms = -np.log(spreads) - n * ((mean - effects) / spreads) ** 2 / 2
    weights = np.exp(logarithms - logarithms.max())
    return effects, spreads, weights / weights.sum()
