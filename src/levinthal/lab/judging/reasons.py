"""What a verdict says of itself: one sentence for each thing that decided it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scipy import special

from levinthal.lab.judging.arms import Arm, Seeds, excess_of, over_parts
from levinthal.lab.judging.sizes import Sizes
from levinthal.lab.judging.statistics import FEWEST_SEEDS, equivalence, sign_test
from levinthal.lab.judging.wording import estimate_text, percent, seeds_text, size_text
from levinthal.vocabulary import Claim, Outcome

Ruling = tuple[Outcome, tuple[str, ...]]
"""An outcome, and the sentences that decided it."""


def opening(overall: Arm, claim: Claim, sizes: Sizes) -> str:
    """The effect, in how many seeds, and the smallest effect size of interest.

    Args:
        overall: the effect over the conditions.
        claim: its words for the effect and its smallest size are used.
        sizes: what the effect is held against.

    Returns:
        One sentence.
    """
    effect = estimate_text(overall.estimate) if overall.estimate else "no effect"
    words = f"{claim.effect[:1].upper()}{claim.effect[1:]}: {effect} over {seeds_text(overall.n)}"
    if claim.smallest_effect is None or not overall.n:
        return f"{words}."
    size = size_text(claim.smallest_effect, claim.unit)
    return f"{words}, {_signs(overall, sizes)}; the smallest effect size of interest is {size}."


def _signs(overall: Arm, sizes: Sizes) -> str:
    """How many seeds go the claimed way, and how likely that is at the null value."""
    values = list(overall.values.values())
    if sizes.binary and set(values) <= {0.0, 1.0}:
        ones = int(sum(values))
        if not 0 < sizes.null < 1:
            return f"{ones} of them yes"
        p = float(special.bdtrc(ones - 1, len(values), sizes.null)) if ones else 1.0
        return f"{ones} of them yes (binomial test against {sizes.zero}: p = {p:.2g})"
    beyond = sum(value > sizes.null for value in values)
    p = sign_test([value - sizes.null for value in values]).p_value
    way = f"beyond {sizes.zero}" if sizes.null else "positive"
    return f"{beyond} of them {way} (sign test: p = {p:.2g})"


def level_note(analyses: int, sizes: Sizes) -> tuple[str, ...]:
    """That the intervals are stricter because seeds were added after an analysis.

    Args:
        analyses: how often the claim was judged, this time included.
        sizes: their level is named.

    Returns:
        One sentence; none in the first analysis.
    """
    if analyses < 2:
        return ()
    return (f"This is analysis {analyses} of this claim: its intervals are at {percent(sizes.level)}.",)


def too_small(outcome: Outcome, overall: Arm, sizes: Sizes) -> tuple[str, ...]:
    """Why a claim does not replicate, or is weaker than claimed: the wrong sign, or too small an effect.

    Args:
        outcome: the word of the verdict.
        overall: the effect over the conditions.
        sizes: what the effect is held against.

    Returns:
        One sentence; none for other outcomes.
    """
    size = size_text(sizes.smallest, sizes.unit)
    if outcome is Outcome.WEAKER:
        between = f"above {sizes.zero} and below {size}"
        return (f"The interval lies {between}, the smallest effect size of interest.",)
    if outcome is not Outcome.DOES_NOT_REPLICATE:
        return ()
    if overall.interval.high < sizes.null:
        opposite = f"The effect lies below {sizes.zero}, opposite to the claim."
        return (opposite if sizes.null else "The sign is the opposite of the claimed one.",)
    excluded = f"The interval excludes an effect of {size}"
    if sizes.beyond_null(overall.interval) or overall.interval.low <= sizes.null - sizes.counts:
        return (f"{excluded}.",)
    p = equivalence([value - sizes.null for value in overall.values.values()], sizes.counts).p_value
    around = f", in either direction from {sizes.zero}" if sizes.null else ", in either direction"
    return (f"{excluded}{around} (two one-sided t-tests: p = {p:.2g}).",)


def failed_note(overall: Arm) -> tuple[str, ...]:
    """How many seeds failed, beside the effect of the others.

    Args:
        overall: the effect over the conditions.

    Returns:
        One sentence; none where no seed failed. The share of failed seeds is `Verdict.failed`.
    """
    if not overall.failed:
        return ()
    seeds = f"{overall.failed} of {overall.failed + overall.n} seeds failed"
    known = overall.estimate
    others = f"of the others the effect is {estimate_text(known)}" if known else "no effect is left"
    return (f"{seeds}: no finite effect, or a target never reached; {others}.",)


def rival_note(
    claim: Claim, effect: Arm, rival: Arm, sizes: Sizes, only: Iterable[str] = ()
) -> tuple[str, ...]:
    """The effect of the rival treatment, and by how much the effect exceeds it.

    Args:
        claim: its name of the rival is used.
        effect: the effect over the conditions that the rival ran in.
        rival: the rival over the same conditions.
        sizes: what the effects are held against.
        only: these conditions, where the rival ran in some of them only.

    Returns:
        One sentence; none where the claim has no rival.
    """
    name = f"The rival treatment{f', {claim.rival},' if claim.rival else ''}"
    if rival.estimate is None:
        has = "no finite seed" if rival.failed else "no runs"
        return (f"{name} has {has}.",) if claim.rival else ()
    where = ", ".join(only)
    ran, there = (f", in {where} only", " there") if where else ("", "")
    words = f"{name} reaches {estimate_text(rival.estimate)} over {seeds_text(rival.n)}{ran}"
    excess = excess_of(effect, rival, sizes)
    if excess.estimate is None or excess.n < FEWEST_SEEDS:
        return (f"{words}.",)
    less = f"the effect{there} less the rival's, seed by seed"
    return (f"{words}; {less}, is {estimate_text(excess.estimate)}.",)


def no_control_note(claim: Claim) -> tuple[str, ...]:
    """That a claim has no control and does not say why; a study with such a claim is refused.

    Args:
        claim: the claim.

    Returns:
        One sentence, or none.
    """
    return () if claim.control or claim.why_no_control else ("The claim has no control arm.",)


def missing_controls_note(controls: Mapping[str, Seeds]) -> tuple[str, ...]:
    """In which conditions the control has not run, where it has run in others.

    Args:
        controls: condition -> seed -> effect of the control.

    Returns:
        One sentence, or none.
    """
    missing = [part for part, by_seed in controls.items() if not by_seed]
    if not missing or len(missing) == len(controls):
        return ()
    return (
        f"The control has not run in {len(missing)} of {len(controls)} conditions: {', '.join(missing)}.",
    )


def incomplete_seeds_note(effects: Mapping[str, Seeds]) -> tuple[str, ...]:
    """How many seeds are left out because a condition lacks them.

    Args:
        effects: condition -> seed -> effect.

    Returns:
        One sentence; none where every seed ran in every condition.
    """
    every = {seed for arm in effects.values() for seed in arm}
    left_out = len(every) - len(over_parts(effects))
    if not left_out:
        return ()
    has, is_ = ("has", "is") if left_out == 1 else ("have", "are")
    return (f"{left_out} of {len(every)} seeds {has} not run in every condition and {is_} left out.",)


def spread_note(overall: Arm, sizes: Sizes) -> tuple[str, ...]:
    """That a claim declares to be deterministic, and its seeds differ all the same.

    Args:
        overall: the effect over the conditions.
        sizes: they say whether the claim is deterministic.

    Returns:
        One sentence, or none.
    """
    if not sizes.deterministic or overall.estimate is None or overall.n < FEWEST_SEEDS:
        return ()
    if overall.interval.low == overall.interval.high:
        return ()
    spread = size_text(overall.estimate.details["sd"], sizes.unit)
    return (f"The claim is declared an identity or not random; its seeds differ by sd {spread}.",)


def listed(names: Iterable[str], parts: Mapping[str, Arm]) -> str:
    """Conditions with their effects.

    Args:
        names: the conditions.
        parts: condition -> its effect.

    Returns:
        The conditions in one phrase.
    """
    known = {name: parts[name].estimate for name in names}
    return ", ".join(f"{name} ({estimate_text(e) if e else 'no finite seed'})" for name, e in known.items())
