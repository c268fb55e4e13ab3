"""Backpropagation through time: recurrences without gates whose signal explodes or vanishes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import rule
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.context import Chart
from levinthal.clinic.rules.signals import EXPLODING_GRADIENT, GROWN_THROUGH_TIME, VANISHING_GRADIENT
from levinthal.vocabulary import Finding, Severity

FADED_THROUGH_TIME = 1e-4
"""Gain to the power of the length, below which a recurrence vanishes."""
LOUD = 3.0
"""Times the chance level from which on a first loss shows degraded training."""
MOVED = 0.05
"""Distance moved over the weights, above which the steps were large enough to get anywhere."""


@rule(EXPLODING_GRADIENT, VANISHING_GRADIENT)
def recurrence(chart: Chart) -> Iterator[Finding]:
    """A signal that a recurrence without gates multiplies a thousandfold, or loses, on its way."""
    went, steps = chart.went, _lengths(chart.history)
    loud = bool(np.any(chart.history.task_losses[:1] > LOUD * went.chance))
    for name, gain in chart.history.recurrent.items():
        change = float(gain) ** (steps.get(name, 1) - 1)
        evidence = {"gain a step": float(gain), "steps": steps.get(name, 1), "in all": change}
        if change > GROWN_THROUGH_TIME and (went.is_harmed or loud):
            yield found(EXPLODING_GRADIENT, name or "recurrence", 0, evidence)
        elif change < FADED_THROUGH_TIME and not went.has_learnt and _has_moved(chart):
            severity = None if went.is_stuck else Severity.INFO
            yield found(VANISHING_GRADIENT, name or "recurrence", 0, evidence, severity=severity)


def _lengths(history: History) -> dict[str, int]:
    """The longest way through time that was seen of each recurrence."""
    names = {name for sample in history for name in sample.recurrences}
    return {name: max(s.recurrences.get(name, 0) for s in history) for name in names}


def _has_moved(chart: Chart) -> bool:
    """Whether the steps were large enough to get anywhere."""
    weights, updates = (chart.history.tensors(column) for column in ("weight", "update"))
    size = np.nanmedian(updates / np.where(weights > 0, weights, np.nan))
    return bool(size * chart.history.steps[-1] > MOVED)
