"""How many seeds would settle what is open."""

from __future__ import annotations

import math
from collections.abc import Mapping

from scipy import special

from levinthal.lab.judging.arms import Arm
from levinthal.lab.judging.failing import FEWEST_TO_REPLICATE, seeds_to_replicate, survives_unseen
from levinthal.lab.judging.sizes import LEVEL_AGAIN, Sizes
from levinthal.lab.judging.statistics import FEWEST_SEEDS, seeds_needed
from levinthal.vocabulary import Outcome

CONFIDENCE = 0.8
"""The spread that a plan assumes is the upper end of its one-sided interval at this level."""


def seeds_to_settle(
    outcome: Outcome, overall: Arm, parts: Mapping[str, Arm], control: Arm, sizes: Sizes
) -> int | None:
    """Seeds that would settle what is open: the effect, its weakest condition, or the control."""
    if overall.estimate is None or outcome not in (Outcome.INCONCLUSIVE, Outcome.PARTIALLY):
        return None
    if overall.n < FEWEST_SEEDS:
        fewest = FEWEST_SEEDS if sizes.deterministic else FEWEST_TO_REPLICATE
        return max(fewest, _to_settle(overall, sizes) or 0)
    arms = [overall, *parts.values(), *([control] if outcome is Outcome.INCONCLUSIVE else [])]
    counts = [_to_settle(arm, sizes) for arm in arms if arm.estimate and sizes.is_open(arm.interval)]
    known = [count for count in counts if count is not None]
    return max(known) if known and len(known) == len(counts) else None


def seeds_if_withheld(outcome: Outcome, overall: Arm, sizes: Sizes) -> int | None:
    """Seeds that 'replicates' needs, where nothing but their number stands between it and 'partially'."""
    withheld = overall.interval.low >= sizes.smallest and not survives_unseen(overall.n, overall, sizes)
    return seeds_to_replicate(overall, sizes) if withheld and outcome is Outcome.PARTIALLY else None


def larger(one: int | None, other: int | None) -> int | None:
    """The larger of two numbers of seeds, of which either may be missing."""
    return max((count for count in (one, other) if count is not None), default=None)


def _to_settle(arm: Arm, sizes: Sizes) -> int | None:
    """An open interval reaches both the null and the smallest size: the farther one is left first.

    More seeds make a second analysis, whose intervals have a higher level.
    """
    if arm.estimate is None or arm.n < 2:
        return FEWEST_SEEDS
    farther = max(arm.estimate.value - sizes.null, sizes.smallest - arm.estimate.value)
    count = seeds_needed(farther, upper_spread(arm.estimate.details["sd"], arm.n), level=LEVEL_AGAIN)
    return count and max(count, arm.n + 1)


def upper_spread(sd: float, n: int) -> float:
    """The upper end of the one-sided interval of a standard deviation seen in n normal values.

    >>> round(upper_spread(1.0, 5), 2), round(upper_spread(1.0, 8), 2)
    (1.56, 1.35)
    """
    return sd * math.sqrt((n - 1) / float(special.chdtri(n - 1, CONFIDENCE)))
