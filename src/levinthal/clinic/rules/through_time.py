"""Backpropagation through time: recurrences without gates whose signal explodes or vanishes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import rule
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.gradient_flow import EXPLODING_GRADIENT, GROWN_THROUGH_TIME, VANISHING_GRADIENT
from levinthal.vocabulary import Finding, Severity

FADED_THROUGH_TIME = 1e-4
"""Gain to the power of the length, below which a recurrence vanishes."""
FAR_ABOVE = 3.0
"""Times the chance level above which a first loss shows degraded training."""
SHIFTED = 0.05
"""All steps together over the weights, above which the network had a chance to learn."""


@rule(EXPLODING_GRADIENT, VANISHING_GRADIENT)
def recurrence(context: Context) -> Iterator[Finding]:
    """A recurrence without gates multiplies its signal a thousandfold over its length, or loses it."""
    trend, steps = context.trend, _lengths(context.history)
    far_above = bool(np.any(context.history.task_losses[:1] > FAR_ABOVE * trend.chance))
    for name, gain in context.history.recurrent_gains.items():
        change = float(gain) ** (steps.get(name, 1) - 1)
        evidence = {"gain per step": float(gain), "steps": steps.get(name, 1), "gain over all steps": change}
        if change > GROWN_THROUGH_TIME and (trend.is_degraded or far_above):
            severity = Severity.INFO if trend.has_learnt or not trend.known else None
            yield found(EXPLODING_GRADIENT, name or "recurrence", 0, evidence, severity=severity)
        elif change < FADED_THROUGH_TIME and not trend.has_learnt and _has_moved(context):
            severity = None if trend.has_plateaued else Severity.INFO
            yield found(VANISHING_GRADIENT, name or "recurrence", 0, evidence, severity=severity)


def _lengths(history: History) -> dict[str, int]:
    """The longest sequence that each recurrence was seen to process."""
    names = {name for sample in history for name in sample.sequence_lengths}
    return {name: max(s.sequence_lengths.get(name, 0) for s in history) for name in names}


def _has_moved(context: Context) -> bool:
    """Whether the steps were large enough for the network to learn."""
    weights, updates = (context.history.tensors(column) for column in ("weight", "update"))
    size = np.nanmedian(updates / np.where(weights > 0, weights, np.nan))
    return bool(size * context.history.steps[-1] > SHIFTED)
