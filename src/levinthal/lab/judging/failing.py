"""Seeds that failed, which count against a verdict, and seeds that may fail and have not been seen."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy import special

from levinthal.lab.judging.arms import Arm, estimate_of
from levinthal.lab.judging.reasons import Ruling, failed_note
from levinthal.lab.judging.shares import lower_bound, share_interval
from levinthal.lab.judging.sizes import LEVEL_AGAIN, Sizes
from levinthal.lab.judging.statistics import MOST_SEEDS
from levinthal.lab.judging.wording import size_text
from levinthal.vocabulary import Estimate, Outcome, Trust

FEWEST_TO_REPLICATE = 8
UNCHANGED = "Counting them against the verdict does not change it."
STILL_SMALL = "Counted against the verdict, they leave the smallest effect size excluded."
TOO_SMALL = (Outcome.WEAKER, Outcome.DOES_NOT_REPLICATE)


def failed_share(overall: Arm, sizes: Sizes) -> Estimate | None:
    """The share of seeds that failed in some condition, with its exact interval; None where none did."""
    if not overall.failed:
        return None
    total = overall.failed + overall.n
    interval = share_interval(overall.failed, total, level=sizes.level)
    return Estimate(
        overall.failed / total, "of seeds", interval, trust=Trust.CALIBRATED, details={"n": total}
    )


def count_failed(outcome: Outcome, overall: Arm, sizes: Sizes) -> Ruling:
    """Count failed seeds against it: as null if it favours the claim, else as twice what counts."""
    notes = failed_note(overall)
    if overall.failed > overall.n:
        why = "More seeds failed than have an effect, and that decides nothing."
        return Outcome.INCONCLUSIVE, (*notes, why)
    if overall.failed == 0 or outcome is Outcome.INCONCLUSIVE:
        return outcome, notes
    stands = _with_failed(outcome, overall, sizes)
    if stands is outcome:
        return outcome, (*notes, STILL_SMALL if outcome in TOO_SMALL else UNCHANGED)
    why = f"{_without_failed(outcome, overall, sizes)}; counted against it, they weaken it."
    return stands, (*notes, why)


def _without_failed(outcome: Outcome, overall: Arm, sizes: Sizes) -> str:
    """The word of the other seeds, as far as their interval and their number decide it."""
    others = replace(overall, failed=0)
    if outcome is Outcome.REPLICATES and not survives_unseen(others, sizes):
        beyond = f"Without them the interval lies beyond {size_text(sizes.smallest, sizes.unit)}"
        return f"{beyond}, but {others.n} seeds would be too few to replicate"
    return f"Without them the interval alone would read '{outcome}'"


def _with_failed(outcome: Outcome, overall: Arm, sizes: Sizes) -> Outcome:
    """What is left of an outcome when every failed seed counts against it."""
    fill = most(sizes) if outcome in TOO_SMALL else sizes.null
    counted = estimate_of([*overall.values.values(), *[fill] * overall.failed], sizes).interval
    if counted is None:
        return Outcome.INCONCLUSIVE
    filled = sizes.outcome(counted)
    if filled is outcome or (filled in TOO_SMALL and outcome in TOO_SMALL):
        return outcome
    weaker = (outcome, filled) == (Outcome.REPLICATES, Outcome.PARTIALLY)
    return Outcome.PARTIALLY if weaker else Outcome.INCONCLUSIVE


def most(sizes: Sizes) -> float:
    """The effect of a failed seed that would favour the claim."""
    return 1.0 if sizes.binary else sizes.smallest + sizes.counts


def least_mean(overall: Arm, sizes: Sizes, seeds: int | None = None) -> float:
    """How small the mean may be if failing and low seeds are more frequent than among those seen.

    Gaffke's bound at the level of the interval. Its floor is the null value, which a failing seed has, or the
    lowest seed if that lies below. The unit is what counts, from the null value on: 1 is the smallest size.
    With `seeds`, for so many of them in the proportions of those seen.
    """
    seen = [(value - sizes.null) / sizes.counts for value in overall.values.values()]
    values = [*seen, *[0.0] * overall.failed]
    return lower_bound(values, min(0.0, *values), tail=(1 - sizes.level) / 2, seeds=seeds)


def survives_unseen(overall: Arm, sizes: Sizes, seeds: int | None = None) -> bool:
    """Whether there are seeds enough for the mean to survive failing or low seeds that were not seen."""
    if sizes.deterministic or overall.estimate is None:
        return True
    enough = (seeds or overall.n) >= FEWEST_TO_REPLICATE
    return enough and least_mean(overall, sizes, seeds) >= 1


def seeds_to_replicate(overall: Arm, sizes: Sizes) -> int | None:
    """How many seeds 'replicates' would need in the next analysis, in the proportions seen; or None.

    So many seeds survive those that have not been seen, and the failed ones among them, counted against it.
    """
    stricter = sizes.at(LEVEL_AGAIN)
    fewest, most = FEWEST_TO_REPLICATE - 1, FEWEST_TO_REPLICATE
    while not _enough(overall, stricter, most):
        if most > MOST_SEEDS:
            return None
        fewest, most = most, 2 * most
    while most - fewest > 1:
        middle = (fewest + most) // 2
        enough = _enough(overall, stricter, middle)
        fewest, most = (fewest, middle) if enough else (middle, most)
    return most if most <= MOST_SEEDS else None


def _enough(overall: Arm, sizes: Sizes, seeds: int) -> bool:
    """Whether so many seeds, in the proportions seen, survive unseen seeds and those that failed."""
    if not survives_unseen(overall, sizes, seeds):
        return False
    if not overall.failed:
        return True
    spread = float(np.std(_counted(overall, sizes)))
    reach = float(special.stdtrit(seeds - 1, (1 + sizes.level) / 2)) / math.sqrt(seeds - 1)
    return counted_mean(overall, sizes) - reach * spread >= sizes.smallest


def counted_mean(overall: Arm, sizes: Sizes) -> float:
    """The mean effect, with every failed seed at the null value."""
    return float(np.mean(_counted(overall, sizes)))


def _counted(overall: Arm, sizes: Sizes) -> list[float]:
    return [*overall.values.values(), *[sizes.null] * overall.failed]


def withhold(outcome: Outcome, overall: Arm, sizes: Sizes) -> Ruling:
    """Withhold 'replicates' where it has too few seeds to survive those that have not been seen."""
    if outcome is not Outcome.REPLICATES or survives_unseen(overall, sizes):
        return outcome, ()
    return Outcome.PARTIALLY, (_too_few(overall, sizes),)


def _too_few(overall: Arm, sizes: Sizes) -> str:
    beyond = f"It lies beyond {size_text(sizes.smallest, sizes.unit)}, but"
    if overall.n < FEWEST_TO_REPLICATE:
        return f"{beyond} {overall.n} seeds are too few to replicate."
    least = size_text(sizes.null + sizes.counts * least_mean(overall, sizes), sizes.unit)
    return f"{beyond} its mean may be only {least} if failing or low seeds are more frequent than here."
