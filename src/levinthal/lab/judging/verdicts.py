"""One function that judges a claim on its evidence. docs/verdicts.md says the rules in plain words."""

from __future__ import annotations

from collections.abc import Mapping

from levinthal.lab.judging.arms import Arm, Seeds, arm_of, beside, over_parts, refuse_other_than_zero_and_one
from levinthal.lab.judging.control import Controlled, beside_controls, hold_against_control
from levinthal.lab.judging.failing import count_failed, failed_share, withhold
from levinthal.lab.judging.parts import weigh_doubtful, weigh_excluded, weigh_parts
from levinthal.lab.judging.planning import Plan, plan_of
from levinthal.lab.judging.reasons import (
    failed_note,
    incomplete_seeds_note,
    level_note,
    no_control_note,
    opening,
    rival_note,
    spread_note,
    too_small,
)
from levinthal.lab.judging.sizes import Sizes, sizes_of
from levinthal.lab.judging.statistics import FEWEST_SEEDS
from levinthal.vocabulary import Claim, Evidence, Outcome, Verdict

Ruling = tuple[Outcome, tuple[str, ...]]


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

    The control shows the same effect if it does not exclude the smallest size (lies beyond the null value and
    reaches that size, for a condition's own control) and the effect does not exceed it, seed by seed, by what
    counts: the distance from the null value to the smallest size. A condition whose
    own control surely shows the effect is excluded. One that cannot be told from its control is retained. In
    both cases the claim can hold only partially. A seed whose effect is not finite failed: its share is
    shown, and it is counted against the verdict. A rival treatment is shown beside the effect and decides
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
    parts = {part: arm_of(effects, sizes) for part, effects in evidence.effects.items()}
    beside_own = beside_controls(evidence, parts, sizes) if claim.control else Controlled({}, {})
    retained = {part: arm for part, arm in parts.items() if part not in beside_own.excluded} or parts
    overall = arm_of(over_parts({part: evidence.effects[part] for part in retained}), sizes)
    control = arm_of(over_parts(beside(evidence.control, retained)), sizes.beside())
    rival = arm_of(over_parts(_present(beside(evidence.rival, retained))), sizes.beside())
    plan = Plan()
    if claim.smallest_effect is None or overall.estimate is None:
        outcome, reasons = _unjudged(claim, overall, parts, sizes)
    else:
        outcome, reasons = _rule(claim, evidence, overall, retained, control, sizes)
        outcome, reasons = weigh_doubtful(outcome, reasons, beside_own.doubtful, overall.n)
        outcome, reasons = weigh_excluded(outcome, reasons, beside_own.excluded, retained)
        if not evidence.grid_edge:
            plan = plan_of(outcome, overall, retained, control, beside_own.excluded, sizes)
        reasons = (*reasons, *no_control_note(claim), opening(overall, claim, sizes))
    more = (
        *rival_note(claim, overall, rival, sizes),
        *spread_note(overall, sizes),
        *level_note(analyses, sizes),
    )
    return Verdict(
        claim,
        outcome,
        overall.estimate,
        overall.n,
        control.estimate,
        {part: arm.estimate for part, arm in parts.items() if arm.estimate is not None},
        plan.seeds,
        (
            *reasons,
            *more,
            *incomplete_seeds_note({part: evidence.effects[part] for part in retained}),
            *evidence.notes,
        ),
        rival=rival.estimate,
        failed=failed_share(overall, sizes),
        analyses=analyses,
        why_no_seeds=plan.why_none,
    )


def _present(effects: Mapping[str, Seeds]) -> dict[str, Seeds]:
    """The conditions that a rival ran in."""
    return {part: by_seed for part, by_seed in effects.items() if by_seed}


def _unjudged(claim: Claim, overall: Arm, parts: Mapping[str, Arm], sizes: Sizes) -> Ruling:
    if overall.estimate is not None:
        words = (opening(overall, claim, sizes), *failed_note(overall, failed_share(overall, sizes)))
        return Outcome.REPORTED, (*words, "The claim sets no size to be judged by.")
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
        return Outcome.INCONCLUSIVE, (why, *failed_note(overall, failed_share(overall, sizes)))
    if overall.n < FEWEST_SEEDS:
        why = f"Too few seeds to decide: {overall.n}, and {FEWEST_SEEDS} are the fewest that can."
        return Outcome.INCONCLUSIVE, (*failed_note(overall, failed_share(overall, sizes)), why)
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
