"""Collapse: rows of one direction, attention that chooses nothing, recurrences that blow up or fade.

Seen before the first step and at every closer look thereafter; a warning where training suffers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from levinthal.clinic.chart import Chart
from levinthal.clinic.finding import found, shown
from levinthal.clinic.sample import History
from levinthal.vocabulary import Finding, Severity

FEWEST = 3
ONE, ONE_AT_LAST = 1.05, 1e-5
SHARP, EVEN = 0.02, 1e-2
GROWN, FADED, LOUD = 1e3, 1e-4, 3.0
MOVED = 0.05


def rank_collapse(chart: Chart) -> Iterator[Finding]:
    """Hidden layers whose rows all lie on one line, from the start to the end. Rows of the output may be
    nearly alike at first; they count where they are alike to the digit.
    """
    lost = collapsed(chart.history)
    if lost:
        severity = None if chart.went.is_stuck else Severity.INFO
        evidence = {"effective rank, at most": max(lost.values()), "layers": len(lost)}
        yield found("RANK_COLLAPSE", shown(list(lost)), 0, evidence, confidence=0.8, severity=severity)


def collapsed(history: History) -> dict[str, float]:
    """Layer -> its largest effective rank, of layers whose rows lie on one line at every closer look."""
    seen = [sample for sample in history if sample.ranks]
    if len(seen) < FEWEST:
        return {}
    names = [name for name in seen[0].ranks if all(name in sample.ranks for sample in seen)]
    most = {name: max(float(sample.ranks[name]) for sample in seen) for name in names}
    return {
        name: most[name] for name in names if most[name] < (1 + ONE_AT_LAST if name == names[-1] else ONE)
    }


def attention_collapse(chart: Chart) -> Iterator[Finding]:
    """All heads of all attention choose one token, or none to the second digit, at every closer look."""
    seen = [sample for sample in chart.history if sample.attention]
    if len(seen) < FEWEST:
        return
    entropies, most, uneven = np.array([np.mean([a.tolist() for a in s.attention], 0) for s in seen]).T
    widest = max(float(a[2]) for s in seen for a in s.attention)
    sharp, even = bool(np.all(entropies < SHARP)), widest < EVEN
    if sharp or even:
        severity = Severity.INFO if chart.went.has_learnt or not chart.went.known else None
        evidence = {
            "entropy of attention / the most": float(entropies[-1]),
            "largest token's share": float(most[-1]),
        }
        evidence |= {"largest weight above an equal one": float(uneven[-1])}
        yield found("ATTENTION_COLLAPSE", "attention", 0, evidence, confidence=0.8, severity=severity)


def recurrence(chart: Chart) -> Iterator[Finding]:
    """A signal that a recurrence without gates multiplies a thousandfold, or loses, on its way."""
    went, steps = chart.went, _lengths(chart.history)
    loud = bool(np.any(chart.history.task_losses[:1] > LOUD * went.chance))
    for name, gain in chart.history.recurrent.items():
        change = float(gain) ** (steps.get(name, 1) - 1)
        evidence = {"gain a step": float(gain), "steps": steps.get(name, 1), "in all": change}
        if change > GROWN and (went.is_harmed or loud):
            yield found("EXPLODING_GRADIENT", name or "recurrence", 0, evidence, confidence=0.9)
        elif change < FADED and went.is_stuck and _has_moved(chart):
            yield found("VANISHING_GRADIENT", name or "recurrence", 0, evidence, confidence=0.8)


def _lengths(history: History) -> dict[str, int]:
    """The longest way through time that was seen of each recurrence."""
    names = {name for sample in history for name in sample.recurrences}
    return {name: max(s.recurrences.get(name, 0) for s in history) for name in names}


def _has_moved(chart: Chart) -> bool:
    """Whether the steps were large enough to get anywhere."""
    weights, updates = (chart.history.tensors(column) for column in ("weight", "update"))
    size = np.nanmedian(updates / np.where(weights > 0, weights, np.nan))
    return bool(size * chart.history.steps[-1] > MOVED)


RULES = (rank_collapse, attention_collapse, recurrence)
