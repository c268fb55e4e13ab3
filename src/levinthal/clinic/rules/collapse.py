"""Collapse: rows of one direction, attention that chooses nothing, recurrences that blow up or fade.

Seen before the first step and at every closer look thereafter; a warning where training suffers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from levinthal.clinic.chart import Chart
from levinthal.clinic.finding import found, shown
from levinthal.clinic.sample import History, Sample
from levinthal.vocabulary import Finding, Severity

FEWEST = 3
ONE, ONE_AT_LAST = 1.02, 1e-5
SHARP, EVEN = 0.02, 1e-3
GROWN, FADED, LOUD = 1e3, 1e-4, 3.0
MOVED = 0.05


def rank_collapse(chart: Chart) -> Iterator[Finding]:
    """Hidden layers whose rows all lie on one line, from the start to the end. Rows of the output may be
    nearly alike at first; they count where they are alike to the digit.
    """
    seen = _looked(chart.history)
    names = (
        [name for name in seen[0].ranks if all(name in s.ranks for s in seen)] if len(seen) >= FEWEST else []
    )
    last = [name for name in chart.history.layer_names if name in seen[0].ranks][-1:] if seen else []
    ranks = {name: np.array([float(s.ranks[name]) for s in seen]) for name in names}
    least = {name: 1 + ONE_AT_LAST if name in last else ONE for name in names}
    lost = [name for name in names if np.all(ranks[name] < least[name])]
    if lost:
        severity = None if chart.went.is_stuck else Severity.INFO
        evidence = {"effective rank": float(ranks[lost[0]].max()), "layers": len(lost), "of": len(names)}
        yield found("RANK_COLLAPSE", shown(lost), 0, evidence, confidence=0.8, severity=severity)


def _looked(history: History) -> list[Sample]:
    return [sample for sample in history if sample.ranks or sample.attention]


def attention_collapse(chart: Chart) -> Iterator[Finding]:
    """All heads of all attention choose one token for good, or none at all to the third digit."""
    seen = [s for s in _looked(chart.history) if s.attention]
    if len(seen) < FEWEST:
        return
    entropies, most, uneven = np.array([np.mean([a.tolist() for a in s.attention], 0) for s in seen]).T
    widest = max(float(a[2]) for s in seen for a in s.attention)
    sharp, even = bool(np.all(entropies < SHARP)), widest < EVEN
    if sharp or even:
        severity = None if chart.went.is_stuck else Severity.INFO
        evidence = {
            "entropy of attention / the most": float(entropies[-1]),
            "largest token's share": float(most[-1]),
        }
        evidence |= {"largest weight above an equal one": float(uneven[-1])}
        yield found("ATTENTION_COLLAPSE", "attention", 0, evidence, confidence=0.8, severity=severity)


def recurrence(chart: Chart) -> Iterator[Finding]:
    """A signal that a recurrence without gates multiplies a thousandfold, or loses, on its way."""
    went, steps = chart.went, _lengths(chart.history)
    for name, gain in chart.history.recurrent.items():
        change = float(gain) ** (steps.get(name, 1) - 1)
        evidence = {"gain a step": float(gain), "steps": steps.get(name, 1), "in all": change}
        if change > GROWN and (went.is_harmed or went.start > LOUD * went.chance):
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
