"""One function that judges a claim on its evidence. docs/verdicts.md says the rules in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from levinthal.lab.judging.arms import Arm, arm_of, effects_of, over_parts, refuse_other_than_zero_and_one
from levinthal.lab.judging.control import Controlled, beside_controls, hold_against_control
from levinthal.lab.judging.failing import count_failed, failed_share, withhold
from levinthal.lab.judging.parts import weigh_doubtful, weigh_excluded, weigh_parts
from levinthal.lab.judging.planning import Plan, plan_of
from levinthal.lab.judging.reasons import (
    Ruling,
    failed_note,
    incomplete_seeds_note,
    level_note,
    missing_controls_note,
    no_control_note,
    opening,
    rival_note,
    spread_note,
    too_small,
)
from levinthal.lab.judging.sizes import Sizes, sizes_of
from levinthal.lab.judging.statistics import FEWEST_SEEDS
from levinthal.vocabulary import Claim, Evidence, Outcome, Verdict


def judge(claim: Claim, evidence: Evidence, *, analyses: int = 1) -> Verdict:
    """Judge a claim by the rules of docs/verdicts.md.

    The effect of a seed is its mean over the conditions. The interval is over seeds, at 95 %, and at 99 %
    from the second analysis on.

    - replicates: the interval lies beyond `claim.smallest_effect`, and so does the mean if failing and low
      seeds are more frequent than seen; every condition lies beyond `claim.null`, and the control shows no
      such effect;
    - partially: beyond the null value only, or only in some conditions (by Holm's procedure);
    - weaker than claimed: beyond the null value and the control, but the interval excludes the smallest size;
    - does not replicate: the wrong side of the null value, or an interval that excludes the smallest size;
    - reported: the claim sets no smallest size;
    - inconclusive: everything else, and whenever there are fewer than five seeds, the best learning rate sits
      on the edge of its grid, or the control is missing, undecided, or shows the same effect.

    What counts is the distance from the null value to the smallest size. The excess is the effect less that
    of the control, seed by seed. The control is clean if it excludes the smallest size, or if the excess is
    surely as large as what counts. Else it may show the same effect.

    A control shows the effect of its condition if its interval lies beyond the null value and reaches the
    smallest size. If the excess is not surely as large as what counts, the control may explain the condition.
    A condition that its control surely explains is excluded. A condition that cannot be distinguished from
    its control is retained. In both cases the claim can hold only partially.

    A seed whose effect is not finite failed. It is counted against the verdict, and the share of such seeds
    is shown. A rival treatment is shown beside the effect, over the conditions that both ran in, and decides
    nothing.

    Args:
        claim: its sizes, its unit, and whether its effect is deterministic or binary are used.
        evidence: the effect of each condition and seed in that unit, and the same of control and rival.
        analyses: how often this claim was judged while seeds were added, this time included.

    Returns:
        Outcome, effect, control and rival with their intervals, the effect of each condition, the share of
        seeds that failed, the seeds that would settle an open claim, and the reasons, one sentence each.

    Raises:
        InputError: a smallest size that is not above the null value; an effect of a binary claim that is
            neither 0 nor 1; fewer analyses than this one.

    >>> claim = Claim("X", "rises", "a book", "rise", "bits", 0.1, "", lambda rows: Evidence({}))
    >>> effects = dict(enumerate([0.4, 0.5, 0.6, 0.5, 0.4, 0.6, 0.5, 0.5]))
    >>> judge(claim, Evidence({"all": effects})).outcome.value
    'replicates'
    """
    sizes = sizes_of(claim, analyses)
    if claim.binary:
        arms = {"effect": evidence.effects, "control": evidence.control, "rival": evidence.rival}
        refuse_other_than_zero_and_one(claim.id, arms)
    found = _arms_of(claim, evidence, sizes)
    outcome, reasons, plan = _judged(claim, evidence, found, sizes)
    return Verdict(
        claim,
        outcome,
        found.overall.estimate,
        found.overall.n,
        found.control.estimate,
        {part: arm.estimate for part, arm in found.parts.items() if arm.estimate is not None},
        plan.seeds,
        tuple(dict.fromkeys((*reasons, *_notes(claim, evidence, found, sizes, analyses)))),
        rival=found.rival.estimate,
        failed=failed_share(found.overall, sizes),
        analyses=analyses,
        why_no_seeds=plan.why_none,
    )


@dataclass(frozen=True, slots=True)
class _Arms:
    """The effects of a claim, by condition and over the conditions that its controls leave."""

    parts: Mapping[str, Arm]
    beside_own: Controlled
    retained: Mapping[str, Arm]
    overall: Arm
    control: Arm
    rival: Arm
    beside_rival: Arm
    rival_only_in: tuple[str, ...]


def _arms_of(claim: Claim, evidence: Evidence, sizes: Sizes) -> _Arms:
    """The rival is held against the effect over the conditions that both ran in."""
    effects, other = evidence.effects, sizes.for_other_arm()
    parts = {part: arm_of(by_seed, sizes) for part, by_seed in effects.items()}
    beside_own = beside_controls(evidence, parts, sizes) if claim.control else Controlled({}, {})
    retained = {part: arm for part, arm in parts.items() if part not in beside_own.excluded} or parts
    overall = arm_of(over_parts({part: effects[part] for part in retained}), sizes)
    control = arm_of(over_parts(effects_of(evidence.control, retained)), other)
    rivals = {part: by_seed for part, by_seed in effects_of(evidence.rival, retained).items() if by_seed}
    rival, shared = (
        arm_of(over_parts(rivals), other),
        {part: effects[part] for part in rivals if part in effects},
    )
    some = 0 < len(shared) < len(retained)
    beside_rival = arm_of(over_parts(shared), sizes) if some else overall
    only = tuple(shared) if some else ()
    return _Arms(parts, beside_own, retained, overall, control, rival, beside_rival, only)


def _judged(
    claim: Claim, evidence: Evidence, found: _Arms, sizes: Sizes
) -> tuple[Outcome, tuple[str, ...], Plan]:
    """The outcome, its reasons, and the seeds that would settle it."""
    overall, retained, own = found.overall, found.retained, found.beside_own
    if claim.smallest_effect is None or overall.estimate is None:
        return *_unjudged(claim, evidence, overall, found.parts, sizes), Plan()
    outcome, reasons = _rule(claim, evidence, overall, retained, found.control, sizes)
    outcome, reasons = weigh_doubtful(outcome, reasons, own.doubtful, overall.n)
    outcome, reasons = weigh_excluded(outcome, reasons, own.excluded, retained)
    excluded = {part: arm for part, arm in own.excluded.items() if part not in retained}
    plan = plan_of(outcome, overall, retained, found.control, excluded, sizes)
    reasons = (*reasons, *no_control_note(claim), opening(overall, claim, sizes))
    return outcome, reasons, Plan() if evidence.grid_edge else plan


def _notes(claim: Claim, evidence: Evidence, found: _Arms, sizes: Sizes, analyses: int) -> tuple[str, ...]:
    """The sentences that stand beside every outcome."""
    return (
        *rival_note(claim, found.beside_rival, found.rival, sizes, found.rival_only_in),
        *missing_controls_note(effects_of(evidence.control, found.retained)),
        *spread_note(found.overall, sizes),
        *level_note(analyses, sizes),
        *incomplete_seeds_note({part: evidence.effects[part] for part in found.retained}),
        *evidence.notes,
    )


def _unjudged(
    claim: Claim, evidence: Evidence, overall: Arm, parts: Mapping[str, Arm], sizes: Sizes
) -> Ruling:
    if overall.estimate is not None:
        words = (opening(overall, claim, sizes), *failed_note(overall))
        edge = "The best learning rate sits on the edge of its grid: a wider grid may change the number."
        why = ("The claim sets no size to be judged by.", *([edge] if evidence.grid_edge else []))
        return Outcome.REPORTED, (*words, *why)
    if overall.failed:
        return Outcome.INCONCLUSIVE, (f"None of {overall.failed} seeds has a finite effect.",)
    if any(arm.n or arm.failed for arm in parts.values()):
        return Outcome.INCONCLUSIVE, ("No seed has run in every condition yet.",)
    return Outcome.INCONCLUSIVE, ("No seed has a number for this claim yet.",)


def _rule(
    claim: Claim, evidence: Evidence, overall: Arm, parts: Mapping[str, Arm], control: Arm, sizes: Sizes
) -> Ruling:
    """The rules in their order; each can only take from what the one before has left."""
    if evidence.grid_edge:
        why = "The best learning rate sits on the edge of its grid: widen the grid before comparing."
        return Outcome.INCONCLUSIVE, (why, *failed_note(overall))
    if overall.n < FEWEST_SEEDS:
        why = f"Too few seeds to decide: {overall.n}, and {FEWEST_SEEDS} are the fewest that can."
        return Outcome.INCONCLUSIVE, (*failed_note(overall), why)
    outcome, reasons = count_failed(sizes.outcome(overall.interval), overall, sizes)
    if overall.failed > overall.n:
        return outcome, reasons
    outcome, by_parts = weigh_parts(outcome, parts, overall, sizes)
    outcome, unseen = withhold(outcome, overall, sizes)
    reasons = (*reasons, *by_parts, *unseen)
    beside_control: tuple[str, ...] = ()
    if claim.control:
        outcome, beside_control = hold_against_control(outcome, overall, control, sizes)
    if outcome is Outcome.INCONCLUSIVE:
        return outcome, (*beside_control, *reasons)
    return outcome, (*reasons, *beside_control, *too_small(outcome, overall, sizes))
