"""The conditions of a claim: where it holds, where it does not, and which ones the control excludes."""

from __future__ import annotations

from collections.abc import Mapping

from levinthal.lab.judging.arms import Arm, estimate_of
from levinthal.lab.judging.reasons import Ruling, listed
from levinthal.lab.judging.sizes import Sizes
from levinthal.lab.judging.statistics import FEWEST_SEEDS
from levinthal.lab.judging.wording import seeds_text
from levinthal.vocabulary import Outcome


def weigh_parts(outcome: Outcome, parts: Mapping[str, Arm], overall: Arm, sizes: Sizes) -> Ruling:
    """What is left of an outcome of the whole beside the single conditions."""
    if outcome is Outcome.PARTIALLY:
        size = f"{sizes.smallest:.3g}, the smallest effect size"
        return outcome, (f"It lies beyond {sizes.zero}, but not surely beyond {size}.",)
    open_ = _open_note(overall, sizes) if outcome is Outcome.INCONCLUSIVE else ()
    if len(parts) < 2:
        return outcome, open_
    if outcome is Outcome.REPLICATES:
        lacking = _not_beyond_null(parts, sizes)
        if not lacking:
            return outcome, (f"It holds in each of {len(parts)} conditions.",)
        return Outcome.PARTIALLY, (f"It is not beyond {sizes.zero} in {listed(lacking, parts)}.",)
    holding = _holm(parts, sizes)
    if not holding:
        return outcome, (*open_, *_beside_null(outcome, parts, sizes))
    why = f"It holds in {listed(holding, parts)}, by Holm's procedure over {len(parts)} conditions."
    mean = overall.estimate.value if overall.estimate else sizes.null
    wrong_sign = outcome is Outcome.DOES_NOT_REPLICATE and mean < sizes.null
    return (outcome if wrong_sign else Outcome.PARTIALLY), (why,)


def _open_note(overall: Arm, sizes: Sizes) -> tuple[str, ...]:
    """That the interval decides nothing, where that is so."""
    if not sizes.is_open(overall.interval):
        return ()
    return (f"The interval holds both {sizes.zero} and {sizes.smallest:.3g}, the smallest effect size.",)


def weigh_excluded(
    outcome: Outcome, reasons: tuple[str, ...], excluded: Mapping[str, Arm], retained: Mapping[str, Arm]
) -> Ruling:
    """A claim that holds where the control is clean holds in some conditions only."""
    if not excluded or excluded.keys() & retained.keys():
        return outcome, reasons
    words = f"Excluded, because the control shows the same there: {listed(excluded, excluded)}."
    if outcome is Outcome.REPLICATES:
        return Outcome.PARTIALLY, (words, *reasons)
    return outcome, (*reasons, words)


def weigh_doubtful(
    outcome: Outcome, reasons: tuple[str, ...], doubtful: Mapping[str, Arm], seeds: int
) -> Ruling:
    """A claim does not hold in conditions that cannot be distinguished from their control."""
    if not doubtful:
        return outcome, reasons
    controls = listed(doubtful, doubtful)
    some = f"With {seeds_text(seeds)} some conditions cannot be distinguished from their control"
    words = f"{some}: {controls}."
    if outcome is Outcome.REPLICATES:
        return Outcome.PARTIALLY, (words, *reasons)
    return outcome, (*reasons, words)


def _not_beyond_null(parts: Mapping[str, Arm], sizes: Sizes) -> list[str]:
    return [part for part, arm in parts.items() if not sizes.beyond_null(arm.interval)]


def _beside_null(outcome: Outcome, parts: Mapping[str, Arm], sizes: Sizes) -> tuple[str, ...]:
    """The conditions that are not beyond the null value, where the mean over conditions is weaker."""
    lacking = _not_beyond_null(parts, sizes)
    if outcome is not Outcome.WEAKER or not lacking:
        return ()
    return (f"It is not beyond {sizes.zero} in {listed(lacking, parts)}.",)


def _holm(parts: Mapping[str, Arm], sizes: Sizes) -> list[str]:
    """The conditions beyond the smallest size, by Holm's step-down at half the error in one tail."""
    held: list[str] = []
    while len(held) < len(parts):
        stricter = sizes.at(1 - (1 - sizes.level) / (len(parts) - len(held)))
        new = [part for part, arm in parts.items() if part not in held and _beyond(arm, stricter)]
        if not new:
            break
        held += new
    return [part for part in parts if part in held]


def _beyond(arm: Arm, sizes: Sizes) -> bool:
    """Whether a condition lies beyond the smallest size; its failed seeds count as null."""
    with_failed = [*arm.values.values(), *[sizes.null] * arm.failed]
    if arm.n < FEWEST_SEEDS:
        return False
    interval = estimate_of(with_failed, sizes).interval
    return interval is not None and interval.low >= sizes.smallest
