"""Collapse: rows of one direction, attention that chooses nothing, recurrences that blow up or fade.

Seen before the first step and at every closer look thereafter; a warning where training suffers.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from levinthal.clinic.findings.finding import found, shown
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.context import Chart
from levinthal.vocabulary import Finding, Severity

FEWEST = 3
ONE, ABOUT_ONE, ONE_AT_LAST, TO_THE_DIGIT, MANY = 1.05, 1.25, 1e-5, 1e-3, 2.0
SOME, AT_ONCE = 0.5, 100.0
SHARP, ABOUT_SHARP, EVEN = 0.02, 0.05, 1e-2
GROWN, FADED, LOUD = 1e3, 1e-4, 3.0
MOVED = 0.05


def rank_collapse(chart: Chart) -> Iterator[Finding]:
    """Hidden layers whose rows all lie on one line, from the start to the end. Rows of the output may be
    nearly alike at first; they count where they are alike to the digit.
    """
    history, went = chart.history, chart.went
    lost, since = collapsed(history, stuck=went.is_stuck), 0
    severity = None if went.is_stuck else Severity.INFO
    if not lost and not went.has_learnt:
        lost = {n: ranks[0] for n, ranks in _ranks(history).items() if ranks[0] < 1 + TO_THE_DIGIT}
        severity = Severity.INFO
    if not lost and not history.calls():  # a loss without targets, which rows all alike may well please
        lost, severity = _fallen(history), None
        since = int(history.steps[-1]) if lost else 0
    if lost:
        evidence = {"effective rank": max(lost.values()), "layers": len(lost)}
        yield found("RANK_COLLAPSE", shown(list(lost)), since, evidence, severity=severity)


def _ranks(history: History) -> dict[str, np.ndarray]:
    """Layer -> its effective rank at each closer look; of hidden layers that are called at every one."""
    seen = [sample.ranks for sample in history if sample.ranks]
    if len(seen) < FEWEST:
        return {}
    names = [name for name in seen[0] if all(name in ranks for ranks in seen)]
    return {name: np.array([float(ranks[name]) for ranks in seen]) for name in names}


def collapsed(history: History, *, stuck: bool) -> dict[str, float]:
    """Layer -> its usual effective rank, of layers whose rows lie on one line at every closer look; in a run
    that is stuck, from the first look on and about so thereafter.
    """
    ranks = _ranks(history)
    last, usual = list(ranks)[-1:], np.median if stuck else np.max
    return {
        name: float(np.median(seen))
        for name, seen in ranks.items()
        if (
            max(seen) < 1 + ONE_AT_LAST
            if name in last
            else seen[0] < ONE and usual(seen) < (ABOUT_ONE if stuck else ONE)
        )
    }


def _fallen(history: History) -> dict[str, float]:
    """Layer -> its effective rank at last, of layers whose rows pointed many ways and now one."""
    return {n: seen[-1] for n, seen in _ranks(history).items() if seen[0] > MANY and max(seen[-2:]) < ONE}


def falls_at_once(history: History, *, stuck: bool) -> bool:
    """Whether rows that still point many ways in one layer all lie on a line in the next: what is between the
    two does it, and no signal that fades from layer to layer.
    """
    ranks, lost = _ranks(history), collapsed(history, stuck=stuck)
    hidden = list(ranks)[:-1]
    left = [(ranks[a][0] - 1, max(ranks[b][0] - 1, 0.0)) for a, b in pairwise(hidden) if b in lost]
    return any(before > SOME and before > AT_ONCE * after for before, after in left)


def attention_collapse(chart: Chart) -> Iterator[Finding]:
    """All heads of all attention choose one token, or none to the second digit, at every closer look."""
    seen = [sample for sample in chart.history if sample.attention]
    if len(seen) < FEWEST:
        return
    entropies, most, uneven = np.array([np.mean([a.tolist() for a in s.attention], 0) for s in seen]).T
    widest = max(float(a[2]) for s in seen for a in s.attention)
    sharp = bool(np.median(entropies) < SHARP and np.max(entropies) < ABOUT_SHARP)
    even = widest < EVEN
    if sharp or even:
        severity = Severity.INFO if chart.went.has_learnt or not chart.went.known else None
        evidence = {
            "entropy of attention / the most": float(entropies[-1]),
            "largest token's share": float(most[-1]),
        }
        evidence |= {"largest weight above an equal one": float(uneven[-1])}
        yield found("ATTENTION_COLLAPSE", "attention", 0, evidence, severity=severity)


def recurrence(chart: Chart) -> Iterator[Finding]:
    """A signal that a recurrence without gates multiplies a thousandfold, or loses, on its way."""
    went, steps = chart.went, _lengths(chart.history)
    loud = bool(np.any(chart.history.task_losses[:1] > LOUD * went.chance))
    for name, gain in chart.history.recurrent.items():
        change = float(gain) ** (steps.get(name, 1) - 1)
        evidence = {"gain a step": float(gain), "steps": steps.get(name, 1), "in all": change}
        if change > GROWN and (went.is_harmed or loud):
            yield found("EXPLODING_GRADIENT", name or "recurrence", 0, evidence)
        elif change < FADED and not went.has_learnt and _has_moved(chart):
            severity = None if went.is_stuck else Severity.INFO
            yield found("VANISHING_GRADIENT", name or "recurrence", 0, evidence, severity=severity)


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
