"""How many seeds would settle what is open, or why more seeds cannot.

plan_of             the plan of a verdict           Plan    a number of seeds, or a sentence
seeds_to_settle     the seeds that close an interval which is open
seeds_if_withheld   the seeds that *replicates* lacks
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from levinthal.lab.judging.arms import Arm, excess_of
from levinthal.lab.judging.failing import (
    FEWEST_TO_REPLICATE,
    counted_mean,
    seeds_to_replicate,
    survives_unseen,
)
from levinthal.lab.judging.reasons import listed
from levinthal.lab.judging.share_plans import AIM, STEPS, seeds_of_share
from levinthal.lab.judging.sizes import LEVEL_AGAIN, Sizes
from levinthal.lab.judging.statistics import FEWEST_SEEDS, MOST_SEEDS
from levinthal.lab.judging.wording import size_text
from levinthal.vocabulary import Outcome

_MORE = "More seeds like these cannot"


@dataclass(frozen=True, slots=True)
class Plan:
    """How many seeds would settle a claim, the present ones included; or why more seeds cannot."""

    seeds: int | None = None
    why_none: str = ""


def plan_of(
    outcome: Outcome,
    overall: Arm,
    parts: Mapping[str, Arm],
    control: Arm,
    excluded: Mapping[str, Arm],
    sizes: Sizes,
) -> Plan:
    """How many seeds would settle a claim that is open or holds partially.

    Args:
        outcome: the word of the verdict.
        overall: the effect over the conditions.
        parts: the effect of each condition that is not excluded.
        control: the control over the same conditions.
        excluded: the controls of the conditions that are excluded.
        sizes: what the effects are held against.

    Returns:
        A number of seeds, in the proportions of those seen. No number where the claim is settled, where 1000
        seeds are not enough, and where more seeds cannot settle it: then a sentence says why.
    """
    if overall.estimate is None or outcome not in (Outcome.INCONCLUSIVE, Outcome.PARTIALLY):
        return Plan()
    for arm, seeds in ((overall, "seeds"), (control, "seeds of the control")):
        if arm.failed > arm.n:
            return Plan(why_none=f"{_MORE} settle it: more {seeds} failed than have an effect.")
    to_settle = seeds_to_settle(outcome, overall, parts, control, sizes)
    count = larger(to_settle, seeds_if_withheld(outcome, overall, parts, sizes))
    if count is None and sizes.is_open(overall.interval):
        return Plan(why_none=f"Not even {MOST_SEEDS} seeds would probably settle it.")
    why = _why_none(outcome, overall, control, excluded, sizes, named=count is not None)
    return Plan(why_none=why) if why else Plan(count)


def _why_none(
    outcome: Outcome, overall: Arm, control: Arm, excluded: Mapping[str, Arm], sizes: Sizes, *, named: bool
) -> str:
    """Why seeds in the proportions of those seen cannot make a claim replicate that holds partially."""
    withheld = _is_withheld(overall, sizes)
    if outcome is not Outcome.PARTIALLY or not (named or withheld):
        return ""
    size, more = size_text(sizes.counts, sizes.unit), f"{_MORE} make it replicate"
    excess = excess_of(overall, control, sizes).estimate if sizes.beyond_null(control.interval) else None
    if excess is not None and excess.value < sizes.counts:
        less = size_text(excess.value, sizes.unit)
        return f"{more}: the effect less that of the control is {less}, below {size}."
    if excluded:
        return f"{more}: the control shows the same effect in {listed(excluded, excluded)}."
    mean = counted_mean(overall, sizes)
    if overall.failed and mean < sizes.smallest:
        small = size_text(mean, sizes.unit)
        null = f"a failed seed counts as {sizes.zero}, and with it the mean is {small}"
        return f"{more}: {null}, below {size_text(sizes.smallest, sizes.unit)}."
    return "" if named else f"Not even {MOST_SEEDS} seeds like these would be enough to replicate."


def seeds_to_settle(
    outcome: Outcome, overall: Arm, parts: Mapping[str, Arm], control: Arm, sizes: Sizes
) -> int | None:
    """Seeds that would settle what is open: the effect, its weakest condition, or the control.

    Args:
        outcome: the word of the verdict.
        overall: the effect over the conditions.
        parts: the effect of each condition that is not excluded.
        control: the control over the same conditions.
        sizes: what the effects are held against.

    Returns:
        The number of seeds, the present and the failing ones included; None where nothing is open, or where
        1000 seeds are not enough.
    """
    if overall.estimate is None or outcome not in (Outcome.INCONCLUSIVE, Outcome.PARTIALLY):
        return None
    if overall.n < FEWEST_SEEDS:
        return _with_few(overall, sizes)
    arms = [overall, *parts.values(), *([control] if outcome is Outcome.INCONCLUSIVE else [])]
    counts = [_to_settle(arm, sizes) for arm in arms if arm.estimate and sizes.is_open(arm.interval)]
    known = [count for count in counts if count is not None]
    return max(known) if known and len(known) == len(counts) else None


def seeds_if_withheld(outcome: Outcome, overall: Arm, parts: Mapping[str, Arm], sizes: Sizes) -> int | None:
    """Seeds that 'replicates' needs, where nothing but their number stands between it and 'partially'.

    Args:
        outcome: the word of the verdict.
        overall: the effect over the conditions.
        parts: the effect of each condition that is not excluded.
        sizes: what the effects are held against.

    Returns:
        The number of seeds by rule 6 of docs/verdicts.md; None where something else is lacking.
    """
    if outcome is not Outcome.PARTIALLY or not _is_withheld(overall, sizes):
        return None
    lacking = [arm for arm in parts.values() if not sizes.beyond_null(arm.interval)]
    settled = not all(sizes.is_open(arm.interval) for arm in lacking)
    return None if settled else seeds_to_replicate(overall, sizes)


def _is_withheld(overall: Arm, sizes: Sizes) -> bool:
    """Whether the interval lies beyond the smallest size, and unseen seeds may take the mean below it."""
    return overall.interval.low >= sizes.smallest and not survives_unseen(overall, sizes)


def larger(one: int | None, other: int | None) -> int | None:
    """The larger of two numbers of seeds, of which either may be missing.

    Args:
        one: a number of seeds.
        other: another one.

    Returns:
        The larger; the one that is there; or None.

    >>> larger(3, None), larger(3, 4)
    (3, 4)
    """
    return max((count for count in (one, other) if count is not None), default=None)


def _with_few(overall: Arm, sizes: Sizes) -> int | None:
    """Below five seeds: the fewest that the rules ask for, and more only where the seeds leave it open."""
    fewest = FEWEST_SEEDS if sizes.deterministic else FEWEST_TO_REPLICATE
    interval = overall.estimate and overall.estimate.interval
    if not interval or not sizes.is_open(interval):
        return _with_failing(fewest, overall)
    count = _to_settle(overall, sizes, beyond=True)
    return count and max(_with_failing(fewest, overall), count)


def _to_settle(arm: Arm, sizes: Sizes, *, beyond: bool = False) -> int | None:
    """Seeds that would close an open interval, the present ones included."""
    if arm.estimate is None or arm.n < 2:
        return _with_failing(FEWEST_SEEDS, arm)
    if sizes.binary and set(arm.values.values()) <= {0.0, 1.0}:
        count = _of_share(arm, sizes, beyond=beyond)
    else:
        mean = (arm.estimate.value - sizes.null) / sizes.counts
        count = seeds_to_close(mean, arm.estimate.details["sd"] / sizes.counts, arm.n, beyond=beyond)
    return count and _with_failing(max(count, arm.n + 1), arm)


def _of_share(arm: Arm, sizes: Sizes, *, beyond: bool) -> int | None:
    """The same for a share of seeds, by the exact binomial rule."""
    yes = sum(value == 1 for value in arm.values.values())
    ends = [sizes.null, sizes.smallest, *([yes / arm.n] if beyond else [])]
    return seeds_of_share(yes, arm.n, sizes.null, sizes.smallest, ends=(min(ends), max(ends)))


def _with_failing(count: int, arm: Arm) -> int:
    """So many seeds with an effect, and those that fail beside them as often as they did."""
    return math.ceil(count * (arm.n + arm.failed) / arm.n) if arm.n else count


def seeds_to_close(mean: float, sd: float, n: int, *, beyond: bool = False) -> int | None:
    """Fewest seeds whose interval will probably exclude 0 or 1, after `n` seeds with this mean and spread.

    Adding seeds makes a second analysis, so its level is that of one. The true effect is taken to lie
    anywhere between 0 and 1, and effect and spread to be as likely as the seeds seen make them. With `beyond`
    it may also lie anywhere up to the mean seen, where that is outside of 0 to 1.

    Args:
        mean: of the seeds seen, in multiples of what counts beyond the null value.
        sd: their standard deviation, in the same unit.
        n: how many they are.
        beyond: whether the true effect may lie as far out as the mean.

    Returns:
        The number of seeds, the present ones included; None for more than 1000.

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
