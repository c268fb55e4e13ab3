"""The control arm: where it shows the effect too, and whether the effect goes beyond it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from levinthal.lab.judging.arms import Arm, arm_of, effects_of, estimate_of, excess_of
from levinthal.lab.judging.failing import most
from levinthal.lab.judging.reasons import Ruling
from levinthal.lab.judging.sizes import Sizes
from levinthal.lab.judging.statistics import FEWEST_SEEDS
from levinthal.lab.judging.wording import estimate_text, size_text
from levinthal.vocabulary import Evidence, Interval, Outcome

_SHARED = "The effect does not surely exceed that of the control: {}."


@dataclass(frozen=True, slots=True)
class Controlled:
    """The controls of those conditions that they surely explain, and of those that they may explain."""

    excluded: Mapping[str, Arm]
    doubtful: Mapping[str, Arm]


def beside_controls(evidence: Evidence, parts: Mapping[str, Arm], sizes: Sizes) -> Controlled:
    """Which conditions their own control explains.

    A control may explain its condition if it shows the effect and the condition does not surely exceed it. It
    surely does if the control counts, or the excess does not, by intervals that hold for all conditions at
    once (Bonferroni). So a control below the smallest size counts by chance in one study of forty at most.
    """
    excluded: dict[str, Arm] = {}
    doubtful: dict[str, Arm] = {}
    controls = effects_of(evidence.control, parts)
    for part, arm in parts.items():
        control = arm_of(controls.get(part, {}), sizes.for_other_arm())
        if _may_explain(arm, control, sizes):
            at_once = sizes.at(1 - (1 - sizes.level) / len(parts))
            surely = _explains(arm, arm_of(control.values, at_once.for_other_arm()), at_once)
            (excluded if surely else doubtful)[part] = control
    return Controlled(excluded, doubtful if len(parts) > 1 else {})


def _may_explain(arm: Arm, control: Arm, sizes: Sizes) -> bool:
    """Whether the control shows the effect, and the condition does not surely exceed it by what counts."""
    shows = sizes.beyond_null(control.interval) and control.interval.high >= sizes.smallest
    return shows and sizes.beyond_null(arm.interval) and not _exceeds(arm, control, sizes)


def _explains(arm: Arm, control: Arm, sizes: Sizes) -> bool:
    """Whether the control surely counts, or the excess of the effect surely does not."""
    return (
        control.interval.low >= sizes.smallest or excess_of(arm, control, sizes).interval.high < sizes.counts
    )


def hold_against_control(outcome: Outcome, overall: Arm, control: Arm, sizes: Sizes) -> Ruling:
    """The outcome that is left beside the control."""
    if outcome is Outcome.WEAKER:
        return _weaker_beside_control(overall, control, sizes)
    if outcome not in (Outcome.REPLICATES, Outcome.PARTIALLY):
        return outcome, ()
    clean, why = _is_clean(overall, control, sizes)
    if not clean:
        return Outcome.INCONCLUSIVE, (why,)
    if control.estimate and sizes.beyond_null(overall.interval) and not _apart(overall, control, sizes):
        return Outcome.INCONCLUSIVE, (_SHARED.format(_words(control)),)
    excess = excess_of(overall, control, sizes).estimate if sizes.beyond_null(control.interval) else None
    if outcome is Outcome.REPLICATES and excess is not None and excess.value < sizes.counts:
        less = f"Less that of the control, seed by seed, the effect is {estimate_text(excess)}"
        return Outcome.PARTIALLY, (f"{less}, below {size_text(sizes.counts, sizes.unit)}.", why)
    return outcome, (why,)


def _exceeds(arm: Arm, control: Arm, sizes: Sizes) -> bool:
    """Whether the effect exceeds that of the control, seed by seed, by as much as counts."""
    return _excess_interval(arm, control, sizes).low >= sizes.counts


def _excess_interval(arm: Arm, control: Arm, sizes: Sizes) -> Interval:
    """The interval of the excess; it is zero in every seed whose control failed."""
    excess = excess_of(arm, control, sizes)
    return _with_failed(excess, control.failed, 0.0, sizes, floor=-1.0)


def _control_interval(control: Arm, sizes: Sizes) -> Interval:
    """The interval of a control; every seed of it that failed has twice what counts."""
    return _with_failed(control, control.failed, most(sizes), sizes.for_other_arm())


def _with_failed(arm: Arm, failed: int, fill: float, sizes: Sizes, floor: float = 0.0) -> Interval:
    if arm.n < FEWEST_SEEDS:
        return arm.interval
    counted = estimate_of([*arm.values.values(), *[fill] * failed], sizes, floor)
    return Arm(arm.values, 0, counted).interval


def _apart(arm: Arm, control: Arm, sizes: Sizes) -> bool:
    """Whether the effect surely exceeds that of the control, whole against whole or seed by seed."""
    whole = _control_interval(control, sizes).high < arm.interval.low
    return whole or _excess_interval(arm, control, sizes).low > 0


def _is_clean(overall: Arm, control: Arm, sizes: Sizes) -> tuple[bool, str]:
    if control.estimate is None:
        has = "no finite seed" if control.failed else "no runs"
        return False, f"The control arm has {has}, and without it nothing replicates."
    if control.n < FEWEST_SEEDS:
        return False, f"The control arm has too few seeds to decide: {control.n}, not {FEWEST_SEEDS}."
    if control.failed > control.n:
        return False, f"{_failed(control)}, and that decides nothing."
    words = _words(control)
    # There are two ways to be clean: they share the error of one.
    each = sizes.at(1 - (1 - sizes.level) / 2)
    if _control_interval(control, each).high < sizes.smallest:
        return True, f"The control shows no such effect: {words}."
    if _exceeds(overall, control, each):
        return True, f"{_excess(overall, control, sizes)}; the control is {words}."
    if sizes.beyond_null(control.interval):
        shows = "shows" if _explains(overall, control, sizes) else "may show"
        return False, f"The control {shows} the same effect: {words}."
    return False, f"The control does not exclude {size_text(sizes.smallest, sizes.unit)}: {words}."


def _words(control: Arm) -> str:
    """The effect of a control, and how many of its seeds failed."""
    words = estimate_text(control.estimate) if control.estimate else "no finite seed"
    total = control.n + control.failed
    return f"{words} ({control.failed} of {total} seeds failed)" if control.failed else words


def _failed(control: Arm) -> str:
    return f"More seeds of the control failed ({control.failed}) than have an effect ({control.n})"


def _excess(overall: Arm, control: Arm, sizes: Sizes) -> str:
    """By how much the effect exceeds the control, where it does so by what counts."""
    found = excess_of(overall, control, sizes).estimate
    by = f"by {estimate_text(found)}, seed by seed" if found else "seed by seed"
    return f"The effect exceeds the control {by}, more than {size_text(sizes.counts, sizes.unit)}"


def _weaker_beside_control(overall: Arm, control: Arm, sizes: Sizes) -> Ruling:
    """A weaker effect counts as one only if it exceeds the control; the smallest size is excluded anyway."""
    if control.estimate is None or control.n < FEWEST_SEEDS:
        missing = f"the control arm has {control.n} of {FEWEST_SEEDS} seeds"
        return Outcome.DOES_NOT_REPLICATE, (f"Whether the rest is an effect is open: {missing}.",)
    if control.failed > control.n:
        return Outcome.DOES_NOT_REPLICATE, (f"Whether the rest is an effect is open. {_failed(control)}.",)
    words = _words(control)
    if _apart(overall, control, sizes):
        return Outcome.WEAKER, (f"The effect exceeds that of the control: {words}.",)
    return Outcome.DOES_NOT_REPLICATE, (_SHARED.format(words),)
