"""The words of an answer: the course of a loss, and the grounds, as sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from levinthal.clinic.answer.states import Ground
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.loss_trend import LossTrend, judged_losses, loss_trend
from levinthal.report.formatting import listed, number

MOVED = 0.8
"""Share of the first loss below which the loss has moved, even if it ends at chance level."""
PEAK = 10.0
"""Highest loss over the loss at both ends, above which the peak is reported."""


def loss_in_words(history: History, trend: LossTrend | None = None) -> str:
    """The trend of the loss, as a sentence without its full stop.

    >>> loss_in_words(History())
    'no loss was seen'
    """
    trend = trend or loss_trend(history)
    losses = judged_losses(history)[0]
    if not trend.samples or not np.isfinite(trend.start):
        return "the loss was never finite" if len(losses) and trend.broken else "no loss was seen"
    start, end = number(float(losses[np.isfinite(losses)][0])), number(trend.end)
    chance = f"; chance level {number(trend.chance)}" if math.isfinite(trend.chance) else ""
    if trend.broken:
        step = int(history.steps[_first_broken(losses)])
        return f"the loss is not finite from step {step} on; before that it went from {start} to {end}"
    if not trend.known:
        return f"the loss is {start} at first and {end} at the end{chance}"
    top = float(losses[np.isfinite(losses)].max())
    peak = f", with a peak of {number(top)}" if top > PEAK * max(abs(trend.start), abs(trend.end)) else ""
    if trend.is_at_chance and trend.end < MOVED * float(losses[np.isfinite(losses)][0]):
        return f"the loss falls from {start} to {end}{peak}, not below chance level ({number(trend.chance)})"
    if trend.has_plateaued and not trend.is_worse:
        return f"the loss has plateaued: {start} at first, {end} at the end{peak}{chance}"
    if trend.is_worse and trend.start < trend.end < losses[np.isfinite(losses)][0]:
        return f"the loss falls from {start} to {number(trend.start)} and rises again to {end}{peak}{chance}"
    return f"the loss {'rises' if trend.is_worse else 'falls'} from {start} to {end}{peak}{chance}"


def _first_broken(losses: np.ndarray) -> int:
    """The first sample without a finite loss after one with a finite loss."""
    first = int(np.isfinite(losses).argmax())
    return first + int((~np.isfinite(losses[first:])).argmax())


def held_against(grounds: Sequence[Ground]) -> str:
    """The grounds as one sentence; empty where there is nothing but the loss itself.

    >>> held_against([Ground("chance level", 2.0, "ln K"), Ground("floor", 0.0)])
    'Held against: chance level 2.00 (ln K) and floor 0.'
    """
    others = [ground for ground in grounds if not ground.name.startswith("loss at")]
    said = [f"{g.name} {number(g.loss)}" + f" ({g.how})" * bool(g.how) for g in others]
    return f"Held against: {listed(said)}." if said else ""
