"""One function that judges a claim on its evidence. docs/verdicts.md says the rules in plain words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from levinthal.errors import InputError
from levinthal.lab.judging.arms import Arm, Seeds, arm_of, over_parts
from levinthal.lab.judging.reasons import (
    formatted,
    incomplete_seeds_note,
    listed,
    non_converged_note,
    opening,
    settle,
    size_text,
    too_small,
)
from levinthal.lab.judging.statistics import FEWEST_SEEDS, mean_interval, seeds_needed
from levinthal.vocabulary import Claim, Evidence, Interval, Outcome, Verdict

LEVEL = 0.95
UNCHANGED = "Counting them against the verdict does not change it."
Ruling = tuple[Outcome, tuple[str, ...]]


def judge(claim: Claim, evidence: Evidence) -> Verdict:
    """Judge a claim by the rules of docs/verdicts.md.

    The effect of a seed is its mean over the conditions; the interval is over seeds, at 95 %.

    - replicates: the interval lies beyond `claim.smallest_effect`, every condition lies beyond zero, and the
      control shows no such effect;
    - partially: beyond zero only, or only in some conditions (by Holm's procedure);
    - weaker than claimed: beyond zero and beyond the control, but the interval excludes the smallest size;
    - does not replicate: wrong sign, or an interval that excludes the smallest size;
    - reported: the claim sets no smallest size;
    - inconclusive: everything else, and whenever there are fewer than five seeds, the best learning rate sits
      on the edge of its grid, or the control is missing, undecided, or shows the same effect.

    A condition whose own control shows the effect too is excluded; the claim can then hold only partially.
    A seed whose effect is not finite (it never reached its target) is counted against the verdict.

    Args:
        claim: its smallest effect size of interest and its unit are used.
        evidence: the effect of each condition and seed in that unit, and the same in the control arm.

    Returns:
        Outcome, effect and control with 95 % intervals, the effect of each condition, the seeds that would
        settle an open claim, and the reasons, one sentence each.

    Raises:
        InputError: a smallest size that is not positive.

    >>> claim = Claim("X", "rises", "a book", "rise", "bits", 0.1, "", lambda rows: Evidence({}))
    >>> judge(claim, Evidence({"all": dict(enumerate([0.4, 0.5, 0.6, 0.5, 0.4, 0.6]))})).outcome.value
    'replicates'
    """
    if claim.smallest_effect is not None and not claim.smallest_effect > 0:
        raise InputError(f"claim {claim.id} has smallest_effect={claim.smallest_effect}: it must be above 0")
    parts = {part: arm_of(effects, claim.unit) for part, effects in evidence.effects.items()}
    excluded = _explained_by_control(claim, evidence, parts)
    retained = {part: arm for part, arm in parts.items() if part not in excluded} or parts
    overall = arm_of(over_parts({part: evidence.effects[part] for part in retained}), claim.unit)
    control = arm_of(over_parts(_controls(evidence, retained)), claim.unit)
    if claim.smallest_effect is None or overall.estimate is None:
        outcome, reasons = _unjudged(claim, overall, parts)
        needed = None
    else:
        outcome, reasons = _rule(claim, claim.smallest_effect, evidence, overall, retained, control)
        outcome, reasons = _weigh_excluded(outcome, reasons, excluded, retained)
        needed = (
            None
            if evidence.grid_edge
            else _needed(outcome, claim.smallest_effect, overall, retained, control)
        )
        reasons = (*reasons, *settle(outcome, needed), opening(overall, claim))
    shown = {part: arm.estimate for part, arm in parts.items() if arm.estimate is not None}
    reasons = (*reasons, *incomplete_seeds_note(evidence.effects), *evidence.notes)
    return Verdict(claim, outcome, overall.estimate, overall.n, control.estimate, shown, needed, reasons)


def _unjudged(claim: Claim, overall: Arm, parts: Mapping[str, Arm]) -> Ruling:
    if overall.estimate is not None:
        return Outcome.REPORTED, (opening(overall, claim), "The claim sets no size to be judged by.")
    if overall.lost:
        return Outcome.INCONCLUSIVE, (f"None of {overall.lost} seeds has a finite effect.",)
    if any(arm.n or arm.lost for arm in parts.values()):
        return Outcome.INCONCLUSIVE, ("No seed has run in every condition yet.",)
    return Outcome.INCONCLUSIVE, ("No runs yet.",)


def _controls(evidence: Evidence, parts: Iterable[str]) -> dict[str, Seeds]:
    """The control of each part: its own, or the one that stands for all."""
    common = evidence.control.get("")
    if common is not None and not evidence.control.keys() & set(parts):
        return {"": common}
    return {part: evidence.control.get(part, common or {}) for part in parts}


def _explained_by_control(claim: Claim, evidence: Evidence, parts: Mapping[str, Arm]) -> dict[str, Arm]:
    """The controls of those conditions beyond zero whose own control shows the effect too."""
    found = {}
    for part, arm in parts.items():
        control = arm_of(evidence.control.get(part, {}), claim.unit)
        counts = control.interval.low > 0 and control.interval.high >= (claim.smallest_effect or math.inf)
        if claim.control and arm.interval.low > 0 and control.n >= FEWEST_SEEDS and counts:
            found[part] = control
    return found


def _weigh_excluded(
    outcome: Outcome, reasons: tuple[str, ...], excluded: Mapping[str, Arm], retained: Mapping[str, Arm]
) -> Ruling:
    """What holds only where the control is clean holds in some conditions."""
    if not excluded or excluded.keys() & retained.keys():
        return outcome, reasons
    words = f"Excluded, because the control shows the same there: {listed(excluded, excluded)}."
    if outcome is Outcome.REPLICATES:
        return Outcome.PARTIALLY, (words, *reasons)
    return outcome, (*reasons, words)


def _rule(
    claim: Claim, smallest: float, evidence: Evidence, overall: Arm, parts: Mapping[str, Arm], control: Arm
) -> Ruling:
    if evidence.grid_edge:
        why = "The best learning rate sits on the edge of its grid: widen the grid before comparing."
        return Outcome.INCONCLUSIVE, (why,)
    if overall.n < FEWEST_SEEDS:
        why = f"Too few seeds to decide: {overall.n}, and {FEWEST_SEEDS} are the fewest that can."
        return Outcome.INCONCLUSIVE, (*non_converged_note(overall), why)
    outcome, reasons = _count_lost(_by_size(overall.interval, smallest), overall, smallest)
    outcome, more = _by_parts(outcome, parts, smallest)
    reasons += more
    if outcome in (Outcome.REPLICATES, Outcome.PARTIALLY) and claim.control:
        clean, why = _control_is_clean(overall, control, smallest, claim.unit)
        return (outcome, (*reasons, why)) if clean else (Outcome.INCONCLUSIVE, (why, *reasons))
    if outcome is Outcome.WEAKER:
        outcome, more = _beyond_control(claim, overall, control)
        reasons += more
    return outcome, (*reasons, *too_small(outcome, overall, smallest, claim.unit))


def _by_size(interval: Interval, smallest: float) -> Outcome:
    if interval.low >= smallest:
        return Outcome.REPLICATES
    if interval.high < smallest:
        return Outcome.WEAKER if interval.low > 0 else Outcome.DOES_NOT_REPLICATE
    return Outcome.PARTIALLY if interval.low > 0 else Outcome.INCONCLUSIVE


def _count_lost(outcome: Outcome, overall: Arm, smallest: float) -> Ruling:
    """Count non-converged seeds against it: as 0 if it favours the claim, else as twice the size."""
    if overall.lost == 0 or outcome is Outcome.INCONCLUSIVE:
        return outcome, non_converged_note(overall)
    if overall.lost > overall.n:
        why = "More seeds were lost than have an effect, and that decides nothing."
        return Outcome.INCONCLUSIVE, (*non_converged_note(overall), why)
    stands = _with_lost(outcome, overall, smallest)
    if stands is outcome:
        return outcome, (
            *non_converged_note(overall),
            UNCHANGED,
        )
    why = f"Without them it would read '{outcome}'; counted against it, they weaken it."
    return stands, (*non_converged_note(overall), why)


def _with_lost(outcome: Outcome, overall: Arm, smallest: float) -> Outcome:
    """What is left of an outcome when every non-converged seed counts against it."""
    too_small = (Outcome.WEAKER, Outcome.DOES_NOT_REPLICATE)
    fill = 2 * smallest if outcome in too_small else 0.0
    filled = _by_size(mean_interval([*overall.values.values(), *[fill] * overall.lost]), smallest)
    if filled is outcome or (filled in too_small and outcome in too_small):
        return outcome
    weaker = (outcome, filled) == (Outcome.REPLICATES, Outcome.PARTIALLY)
    return Outcome.PARTIALLY if weaker else Outcome.INCONCLUSIVE


def _by_parts(outcome: Outcome, parts: Mapping[str, Arm], smallest: float) -> Ruling:
    if outcome is Outcome.PARTIALLY:
        return outcome, (
            f"It lies beyond zero, but not surely beyond {smallest:.3g}, the smallest effect size.",
        )
    if len(parts) < 2:
        return outcome, ()
    if outcome is Outcome.REPLICATES:
        lacking = [part for part, arm in parts.items() if arm.interval.low <= 0]
        if not lacking:
            return outcome, (f"It holds in each of {len(parts)} conditions.",)
        return Outcome.PARTIALLY, (f"It is not beyond zero in {listed(lacking, parts)}.",)
    holding = _holm(parts, smallest)
    if not holding:
        return outcome, _beside_zero(outcome, parts)
    why = f"It holds in {listed(holding, parts)} (Holm over {len(parts)} conditions)."
    wrong_sign = outcome is Outcome.DOES_NOT_REPLICATE and _mean(parts) < 0
    return (outcome if wrong_sign else Outcome.PARTIALLY), (why,)


def _beside_zero(outcome: Outcome, parts: Mapping[str, Arm]) -> tuple[str, ...]:
    """The conditions that are not beyond zero, where the mean over conditions is weaker."""
    lacking = [part for part, arm in parts.items() if arm.interval.low <= 0]
    if outcome is not Outcome.WEAKER or not lacking:
        return ()
    return (f"It is not beyond zero in {listed(lacking, parts)}.",)


def _mean(parts: Mapping[str, Arm]) -> float:
    return math.fsum(float(arm.estimate) for arm in parts.values() if arm.estimate) / len(parts)


def _holm(parts: Mapping[str, Arm], smallest: float) -> list[str]:
    """The conditions beyond the smallest size, by Holm's step-down at 2.5 % in one tail."""
    held: list[str] = []
    while len(held) < len(parts):
        level = 1 - (1 - LEVEL) / (len(parts) - len(held))
        new = [p for p, arm in parts.items() if p not in held and _beyond(arm, smallest, level)]
        if not new:
            break
        held += new
    return [part for part in parts if part in held]


def _beyond(arm: Arm, size: float, level: float) -> bool:
    """Whether a condition lies beyond a size; its non-converged seeds count as nil."""
    with_lost = [*arm.values.values(), *[0.0] * arm.lost]
    return arm.n >= FEWEST_SEEDS and mean_interval(with_lost, level=level).low >= size


def _control_is_clean(overall: Arm, control: Arm, smallest: float, unit: str) -> tuple[bool, str]:
    if control.estimate is None:
        return False, "The control arm has no runs, and without it nothing replicates."
    if control.n < FEWEST_SEEDS:
        return False, f"The control arm has too few seeds to decide: {control.n}, not {FEWEST_SEEDS}."
    words = formatted(control.estimate)
    if control.interval.high < smallest:
        return True, f"The control shows no such effect: {words}."
    if control.interval.low > 0:
        return False, f"The control shows the same effect: {words}."
    excess = _excess(overall, control)
    if excess.interval.low >= smallest:
        return True, f"The control is nil within its noise ({words}), and the effect exceeds it seed by seed."
    return False, f"The control does not exclude {size_text(smallest, unit)}: {words}."


def _beyond_control(claim: Claim, overall: Arm, control: Arm) -> Ruling:
    """A weaker effect counts as one only if it exceeds the control; the smallest size is excluded anyway."""
    if not claim.control:
        return Outcome.WEAKER, ()
    if control.estimate is None or control.n < FEWEST_SEEDS:
        why = (
            f"Whether the rest is an effect is open: the control arm has {control.n} of {FEWEST_SEEDS} seeds."
        )
        return Outcome.DOES_NOT_REPLICATE, (why,)
    words = formatted(control.estimate)
    apart = control.interval.high < overall.interval.low or _excess(overall, control).interval.low > 0
    if apart:
        return Outcome.WEAKER, (f"The effect exceeds that of the control: {words}.",)
    return Outcome.DOES_NOT_REPLICATE, (f"The effect does not surely exceed that of the control: {words}.",)


def _excess(overall: Arm, control: Arm) -> Arm:
    common = overall.values.keys() & control.values.keys()
    return arm_of({seed: overall.values[seed] - control.values[seed] for seed in common}, "")


def _needed(
    outcome: Outcome, smallest: float, overall: Arm, parts: Mapping[str, Arm], control: Arm
) -> int | None:
    """Seeds that would settle what is open: the effect, its weakest part, or the control."""
    if overall.estimate is None or outcome not in (Outcome.INCONCLUSIVE, Outcome.PARTIALLY):
        return None
    if overall.n < FEWEST_SEEDS:
        return max(FEWEST_SEEDS, _to_settle(overall, smallest) or 0)
    undecided = [arm for arm in (overall, control, *parts.values()) if arm.estimate and _open(arm, smallest)]
    counts = [_to_settle(arm, smallest) for arm in undecided]
    known = [count for count in counts if count is not None]
    return max(known) if known and len(known) == len(counts) else None


def _open(arm: Arm, smallest: float) -> bool:
    return arm.interval.low <= 0 and arm.interval.high >= smallest


def _to_settle(arm: Arm, smallest: float) -> int | None:
    """An interval is open while it reaches both zero and the smallest size: the farther one is left first."""
    if arm.estimate is None or arm.n < 2:
        return FEWEST_SEEDS
    count = seeds_needed(max(arm.estimate.value, smallest - arm.estimate.value), arm.estimate.details["sd"])
    return count and max(count, arm.n + 1)
