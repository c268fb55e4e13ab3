"""What a verdict says of itself: one sentence for each thing that decided it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from levinthal.lab.judging.arms import Arm, Seeds, over_parts
from levinthal.lab.judging.statistics import equivalence, sign_test
from levinthal.vocabulary import Claim, Estimate, Outcome


def opening(overall: Arm, claim: Claim) -> str:
    """The effect, in how many seeds, and the smallest effect size of interest."""
    effect = formatted(overall.estimate) if overall.estimate else "no effect"
    words = f"{claim.effect[:1].upper()}{claim.effect[1:]}: {effect} over {overall.n} seeds"
    if claim.smallest_effect is None or not overall.n:
        return f"{words}."
    values = list(overall.values.values())
    positive, p = sum(value > 0 for value in values), sign_test(values).p_value
    signs = f"{positive} of them positive (sign test: p = {p:.2g})"
    size = size_text(claim.smallest_effect, claim.unit)
    return f"{words}, {signs}; the smallest effect size of interest is {size}."


def settle(outcome: Outcome, needed: int | None) -> tuple[str, ...]:
    """How many seeds would settle what is open."""
    if needed is None or outcome not in (Outcome.INCONCLUSIVE, Outcome.PARTIALLY):
        return ()
    return (f"About {needed} seeds would settle it (80 % power at the spread seen).",)


def too_small(outcome: Outcome, overall: Arm, smallest: float, unit: str) -> tuple[str, ...]:
    """Why a claim does not replicate, or is weaker than claimed: the wrong sign, or too small an effect."""
    size = size_text(smallest, unit)
    if outcome is Outcome.WEAKER:
        return (f"The interval lies above zero and below {size}, the smallest effect size of interest.",)
    if outcome is not Outcome.DOES_NOT_REPLICATE:
        return ()
    if overall.interval.high < 0:
        return ("The sign is the opposite of the claimed one.",)
    excluded = f"The interval excludes an effect of {size}"
    if overall.interval.low > 0 or overall.interval.low <= -smallest:
        return (f"{excluded}.",)
    p = equivalence(list(overall.values.values()), smallest).p_value
    return (f"{excluded}, in either direction (two one-sided t-tests: p = {p:.2g}).",)


def non_converged_note(overall: Arm) -> tuple[str, ...]:
    """How many seeds have no finite effect."""
    if not overall.lost:
        return ()
    seeds = f"{overall.lost} of {overall.lost + overall.n} seeds have no finite effect"
    return (f"{seeds}: a run never reached its target, or a measurement is not finite.",)


def incomplete_seeds_note(effects: Mapping[str, Seeds]) -> tuple[str, ...]:
    """How many seeds are left out because a condition lacks them."""
    every = {seed for arm in effects.values() for seed in arm}
    left_out = len(every) - len(over_parts(effects))
    if not left_out:
        return ()
    return (f"{left_out} of {len(every)} seeds have not run in every condition and are left out.",)


def listed(names: Iterable[str], parts: Mapping[str, Arm]) -> str:
    """Conditions with their effects."""
    known = {name: parts[name].estimate for name in names}
    return ", ".join(f"{name} ({formatted(e) if e else 'no finite seed'})" for name, e in known.items())


def formatted(estimate: Estimate) -> str:
    """An estimate with its unit and interval."""
    unit = f" {estimate.unit}" if estimate.unit else ""
    if estimate.interval is None:
        return f"{estimate.value:.3g}{unit}"
    return f"{estimate.value:.3g}{unit} [{estimate.interval.low:.3g}, {estimate.interval.high:.3g}]"


def size_text(size: float, unit: str) -> str:
    """A size with its unit."""
    return f"{size:.3g} {unit}".rstrip()
