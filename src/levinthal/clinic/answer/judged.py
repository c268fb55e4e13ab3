"""Decisions from the loss: impossible values, then the chance level, then a reference learner."""

from __future__ import annotations

import math

from levinthal.clinic.answer.comparisons import (
    has_learnt,
    is_as_good_as_reference,
    is_at_chance,
    is_below_floor,
    is_hardly_predictable,
    is_raised_by_dropout,
    is_short,
    is_validation_at_chance,
    is_validation_at_chance_at_last,
    is_well_below_chance,
    may_be_memorised,
    was_low_from_the_start,
)
from levinthal.clinic.answer.seen import NONE_FOUND, NOT_MEASURED, Seen, did_badly, healthy, not_judged
from levinthal.clinic.answer.standing import Standing
from levinthal.clinic.answer.states import Answer, Reason
from levinthal.clinic.answer.unjudged import LONGER
from levinthal.clinic.answer.wording import loss_in_words
from levinthal.clinic.rules.loss_trend import MIN_STEPS
from levinthal.report.formatting import counted, number, share

HARDLY = (
    "Neither predicts the targets well: they may be noise, or an input that they depend on may be missing."
)
WITH_VALIDATION = "watch(..., validation=...) also evaluates training rows without dropout."


def not_finite(seen: Seen) -> Answer | None:
    """The loss is nan or infinite, on validation rows too, or the weights are when the watch ends."""
    held = seen.history.not_finite
    if held and not seen.standing.trend.broken:
        what = f"{counted(len(held), 'parameter')}, {held[0]} first, not finite at the end"
        return did_badly(seen, Reason.NOT_FINITE, f"Does not train: {what}.")
    if seen.standing.trend.broken:
        return did_badly(seen, Reason.NOT_FINITE, f"Does not train: {loss_in_words(seen.history)}.")
    validation = seen.history.validation
    if (
        validation is None
        or not validation.evaluations
        or math.isfinite(validation.evaluations[-1].held_out.loss)
    ):
        return None
    return did_badly(seen, Reason.NOT_FINITE, "Does not generalise: the validation loss is not finite.")


def below_floor(seen: Seen) -> Answer | None:
    """The loss is lower than any prediction allows."""
    standing = seen.standing
    if not is_below_floor(standing) or standing.call is None:
        return None
    low = f"{standing.call.kind} is {number(standing.trend.end)}, below its floor {number(standing.floor)}"
    because = "Its inputs or targets are not of the kind that it is made for."
    return did_badly(seen, Reason.BELOW_FLOOR, f"The loss means nothing: {low}.", because)


def at_chance(seen: Seen) -> Answer | None:
    """The loss ends at chance level."""
    standing = seen.standing
    if not is_at_chance(standing):
        return None
    if standing.pace:
        return _unfinished(seen)
    if seen.history.steps[-1] < MIN_STEPS:
        why = f"{standing.what} is at chance level after {counted(int(seen.history.steps[-1]) + 1, 'step')}"
        return not_judged(seen, Reason.FEW_SAMPLES, why, LONGER)
    end, chance = number(standing.trend.end), number(standing.chance)
    where = (
        f"at chance level ({chance})" if standing.trend.end < 1.2 * standing.chance else "above chance level"
    )
    return did_badly(
        seen, Reason.AT_CHANCE, f"Does not train: {standing.what}, {end}, is {where}.", _reference(seen)
    )


def _reference(seen: Seen) -> str:
    """Whether the targets can be predicted at all."""
    found = seen.standing.reference
    if found is not None:
        return f"The targets can be predicted: {found.name} reaches {number(found.loss)}."
    return ""


def _unfinished(seen: Seen) -> Answer:
    """The loss still falls, and is not yet where it should be."""
    standing = seen.standing
    left, found = standing.steps_left(), standing.reference
    goal = f"the reference ({found.name}: {number(found.loss)})" if found else "well below chance level"
    if left:
        falls = f"{standing.what}, {number(standing.trend.end)}, still falls"
        head = f"{falls}; at this pace at least {left:,} more steps"
        return did_badly(seen, Reason.UNFINISHED, f"Unfinished: {head} to {goal}.")
    steps = counted(int(seen.history.steps[-1]) + 1, "step")
    head = f"{standing.what} has fallen to {number(standing.trend.end)} in {steps}, not yet to {goal}"
    return did_badly(seen, Reason.UNFINISHED, f"Unfinished: {head}.")


def rises(seen: Seen) -> Answer | None:
    """The loss is higher than at the start."""
    if not seen.standing.trend.is_worse:
        return None
    return did_badly(seen, Reason.RISES, f"Trains badly: {loss_in_words(seen.history)}.")


def validation_at_chance(seen: Seen) -> Answer | None:
    """The training rows are learnt, and the validation rows are not predicted."""
    is_at_best, standing = is_validation_at_chance(seen.standing), seen.standing
    if not (is_at_best or is_validation_at_chance_at_last(standing)):
        return None
    low, end = number(standing.validation), number(standing.validation_end)
    which = f"{low} at best" if is_at_best else f"{end} at the end"
    head = f"Does not generalise: the validation loss, {which}, is at chance level."
    return did_badly(seen, Reason.VALIDATION_AT_CHANCE, head)


def against_reference(seen: Seen) -> Answer | None:
    """The loss against that of a reference learner."""
    standing, found = seen.standing, seen.standing.reference
    if found is None:
        return None
    if is_hardly_predictable(standing):
        ends, chance = number(standing.end), number(standing.chance)
        both = f"{standing.what} ends at {ends}, {found.name} at {number(found.loss)}"
        why = f"{both}, and chance level is {chance}"
        return not_judged(seen, Reason.HARDLY_PREDICTABLE, why, f"{NONE_FOUND} {HARDLY}")
    if is_as_good_as_reference(standing):
        both = f"{_fall(standing)}; the reference ({found.name}) reaches {number(found.loss)}"
        return healthy(seen, Reason.AS_GOOD_AS_REFERENCE, both)
    if is_raised_by_dropout(standing):
        why = f"dropout raises the training loss, {number(standing.end)}, and its size without is not known"
        return not_judged(seen, Reason.DROPOUT, why, f"{NONE_FOUND} {WITH_VALIDATION}")
    if standing.pace or is_short(standing):
        return _unfinished(seen)
    both = f"{standing.what} ends at {number(standing.end)}, and {found.name} reaches {number(found.loss)}"
    return did_badly(seen, Reason.WORSE_THAN_REFERENCE, f"Trains badly: {both}.")


def against_chance(seen: Seen) -> Answer:
    """The loss against its chance level, where there is no reference learner."""
    standing = seen.standing
    if was_low_from_the_start(standing):
        start, end = number(standing.trend.start), number(standing.trend.end)
        why = f"{standing.what} was low from the start and hardly fell: {start} at first, {end} at the end"
        return not_judged(seen, Reason.NO_REFERENCE, why, NONE_FOUND)
    if may_be_memorised(standing):
        why = "the training rows may be memorised: no quick learner predicts one from the others"
        return not_judged(seen, Reason.MEMORISED, why, f"{NONE_FOUND} {NOT_MEASURED}")
    is_low = has_learnt(standing) if standing.is_chance_guessed else is_well_below_chance(standing)
    if is_low:
        return healthy(seen, Reason.BELOW_CHANCE, _fall(standing))
    if standing.pace:
        return _unfinished(seen)
    why = f"{standing.what} ends at {share(standing.trend.end / standing.chance)} of the chance level"
    return not_judged(
        seen,
        Reason.NO_REFERENCE,
        f"{why}, and how low it can be is not known",
        f"{NONE_FOUND} {NOT_MEASURED}",
    )


def _fall(standing: Standing) -> str:
    """How far the loss fell."""
    part = share(standing.trend.end / standing.chance)
    return f"{standing.what} fell to {number(standing.trend.end)}, {part} of the chance level"
