"""Collapse: rows of one direction, attention that chooses nothing.

Seen before the first step and at every detailed sample thereafter; a warning where training is degraded.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found, shown
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.context import Chart
from levinthal.vocabulary import Finding, Severity

FEWEST = 3
"""Detailed samples below which nothing is said."""
ONE = 1.05
"""Effective rank below which rows have one direction."""
ABOUT_ONE = 1.25
"""Median effective rank below which they have about one, in training that has plateaued."""
ONE_AT_LAST = 1e-5
"""Effective rank of the output above one, below which its rows are equal."""
TO_THE_DIGIT = 1e-3
"""Effective rank above one at the first detailed sample, below which rows have one direction exactly."""
MANY = 2.0
"""Effective rank above which rows have many directions."""
SOME = 0.5
"""Effective rank above one of a layer whose rows still differ."""
AT_ONCE = 100.0
"""Factor by which it falls from one layer to the next, if what is between them takes it away."""
SHARP = 0.02
"""Median entropy over its most, below which attention chooses one token."""
ABOUT_SHARP = 0.05
"""The same at every detailed sample."""
EVEN = 1e-2
"""Largest weight over an equal one, less one, below which attention chooses none."""

RANK_COLLAPSE = FindingKind(
    code="RANK_COLLAPSE",
    means="a layer gives the same direction for every input: what tells inputs apart is lost there",
    remedy="no mean over the batch or softmax there; smaller biases, normalisation, residual connections",
    severity=Severity.WARNING,
    area=Area.ACTIVATIONS,
    order=340,
    evidence=(
        "training plateaued, effective rank of a hidden layer's rows below {at_first} at the first "
        "detailed sample and {median} in the median of all; or, of a loss without targets, fallen "
        "from above {many} to below {at_first}. Info: below {at_first} at every detailed sample, or "
        "{exact} at the first"
    ),
    thresholds={"at_first": ONE, "median": ABOUT_ONE, "many": MANY, "exact": 1 + TO_THE_DIGIT},
    source="Roy & Vetterli, Effective rank (2007); Dong et al. (ICML 2021)",
    explains=symptoms.NO_LEARNING,
)

ATTENTION_COLLAPSE = FindingKind(
    code="ATTENTION_COLLAPSE",
    means="attention gives one token all the weight, or every token the same, and stays so",
    remedy="divide scores by the root of the width, normalise before attention, draw query and key weights",
    severity=Severity.WARNING,
    area=Area.ACTIVATIONS,
    order=350,
    evidence=(
        "mean entropy below {sharp:.0%} of its most in the median detailed sample and {every:.0%} at "
        "every one, or no weight {even:.0%} above an equal one at every one; loss not reduced"
    ),
    thresholds={"sharp": SHARP, "every": ABOUT_SHARP, "even": EVEN},
    source="Zhai et al., Stabilizing transformer training (ICML 2023)",
    explains=symptoms.NO_LEARNING,
)


@rule(RANK_COLLAPSE)
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
        yield found(RANK_COLLAPSE, shown(list(lost)), since, evidence, severity=severity)


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


@rule(ATTENTION_COLLAPSE)
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
        yield found(ATTENTION_COLLAPSE, "attention", 0, evidence, severity=severity)
