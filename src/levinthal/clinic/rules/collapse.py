"""Collapse: all rows point in one direction, or attention does not discriminate.

Read before the first step and at every detailed sample after it; a warning where training has plateaued.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import abbreviated, found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.context import Context
from levinthal.vocabulary import Finding, Severity

FEWEST = 3
"""Detailed samples below which collapse is not judged."""
ONE = 1.05
"""Effective rank below which rows point in one direction."""
ABOUT_ONE = 1.25
"""Median effective rank below which they point in about one, in training that has plateaued."""
ONE_AT_LAST = 1e-5
"""Effective rank of the output, less one, below which its rows are equal."""
EXACTLY = 1e-3
"""Effective rank at the first detailed sample, less one, below which rows point in exactly one direction."""
MANY = 2.0
"""Effective rank above which rows point in many directions."""
SOME = 0.5
"""Effective rank, less one, of a layer whose rows still differ."""
AT_ONCE = 100.0
"""Factor by which it falls between two layers, if the operation between them removes it."""
SHARP = 0.02
"""Median entropy over its maximum, below which attention selects one token."""
ABOUT_SHARP = 0.05
"""The same at every detailed sample."""
EVEN = 1e-2
"""Largest weight over a uniform one, less one, below which attention is uniform."""

OF_TARGETS = 1e-4
"""Variance that the inputs cause in the outputs over that of the targets, below which all are the same."""
FALLEN_TO = 0.1
"""Its share of the early one, above which it was so from the start."""

RANK_COLLAPSE = FindingKind(
    code="RANK_COLLAPSE",
    means="a layer gives the same direction for every input: the differences between inputs are lost there",
    remedy="no mean over the batch or softmax there; smaller biases, normalisation, residual connections",
    severity=Severity.WARNING,
    area=Area.ACTIVATIONS,
    order=340,
    evidence=(
        "training plateaued, effective rank of a hidden layer's rows below {at_first} at the first "
        "detailed sample and {median} in the median of all; or, of a loss without targets, fallen "
        "from above {many} to below {at_first}; or, in evaluation mode, a variance that the inputs cause in "
        "the outputs below {of_targets} of that of the targets, and {fallen} of that after an early step (of "
        "other targets, {of_targets} of it at chance level, or none at all). Info: below {at_first} at every "
        "detailed sample, or {exact} at the first"
    ),
    thresholds={
        "at_first": ONE,
        "median": ABOUT_ONE,
        "many": MANY,
        "exact": 1 + EXACTLY,
        "of_targets": OF_TARGETS,
        "fallen": FALLEN_TO,
    },
    source="Roy & Vetterli, Effective rank (2007); Dong et al. (ICML 2021)",
    explains=symptoms.NO_LEARNING,
)

ATTENTION_COLLAPSE = FindingKind(
    code="ATTENTION_COLLAPSE",
    means="attention gives one token all the weight, or every token the same, and this does not change",
    remedy="divide scores by the root of the width, normalise before attention, initialise queries and keys",
    severity=Severity.WARNING,
    area=Area.ACTIVATIONS,
    order=350,
    evidence=(
        "mean entropy below {sharp:.0%} of its maximum in the median detailed sample and {every:.0%} in "
        "every one; or no weight {even:.0%} above a uniform one in every one; with scores that are not "
        "constant; a warning with degraded training, with a sharp one of a network that has not learnt, or "
        "with an even one at chance level"
    ),
    thresholds={"sharp": SHARP, "every": ABOUT_SHARP, "even": EVEN},
    source="Zhai et al., Stabilizing transformer training (ICML 2023)",
    explains=symptoms.NO_LEARNING,
)


@rule(RANK_COLLAPSE)
def rank_collapse(context: Context) -> Iterator[Finding]:
    """Hidden layers whose rows point in one direction from the start to the end. Rows of the output may be
    similar at first; they count only where they are equal.
    """
    history, trend = context.history, context.trend
    lost, since = collapsed(history, plateaued=trend.has_plateaued), 0
    severity = None if trend.has_plateaued else Severity.INFO
    if not lost and not trend.has_learnt:
        lost = {n: ranks[0] for n, ranks in _ranks(history).items() if ranks[0] < 1 + EXACTLY}
        severity = Severity.INFO
    if not lost and not history.calls():  # a loss without targets may be low where all rows are equal
        lost, severity = _fallen(history), None
        since = int(history.steps[-1]) if lost else 0
    if lost:
        evidence = {"effective rank": max(lost.values()), "layers": len(lost)}
        yield found(RANK_COLLAPSE, abbreviated(list(lost)), since, evidence, severity=severity)


def _ranks(history: History) -> dict[str, np.ndarray]:
    """Layer -> its effective rank at each detailed sample, for layers that are called at every one."""
    seen = [sample.effective_ranks for sample in history if sample.effective_ranks]
    if len(seen) < FEWEST:
        return {}
    names = [name for name in seen[0] if all(name in ranks for ranks in seen)]
    return {name: np.array([float(ranks[name]) for ranks in seen]) for name in names}


def collapsed(history: History, *, plateaued: bool) -> dict[str, float]:
    """Layer -> its median effective rank, for layers whose rows point in one direction at every detailed
    sample. In training that has plateaued: at the first one, and in about one direction after it.
    """
    ranks = _ranks(history)
    last, usual = list(ranks)[-1:], np.median if plateaued else np.max
    return {
        name: float(np.median(seen))
        for name, seen in ranks.items()
        if (
            max(seen) < 1 + ONE_AT_LAST
            if name in last
            else seen[0] < ONE and usual(seen) < (ABOUT_ONE if plateaued else ONE)
        )
    }


def _fallen(history: History) -> dict[str, float]:
    """Layer -> its last effective rank, for layers whose rows pointed in many directions and now in one."""
    return {n: seen[-1] for n, seen in _ranks(history).items() if seen[0] > MANY and max(seen[-2:]) < ONE}


def falls_at_once(history: History, *, plateaued: bool) -> bool:
    """Whether rows that point in many directions in one layer point in one direction in the next: then the
    operation between the two causes it, and not a signal that vanishes from layer to layer.
    """
    ranks, lost = _ranks(history), collapsed(history, plateaued=plateaued)
    hidden = list(ranks)[:-1]
    left = [(ranks[a][0] - 1, max(ranks[b][0] - 1, 0.0)) for a, b in pairwise(hidden) if b in lost]
    return any(before > SOME and before > AT_ONCE * after for before, after in left)


@rule(ATTENTION_COLLAPSE)
def attention_collapse(context: Context) -> Iterator[Finding]:
    """Every head of every attention selects one token, or none, at every detailed sample."""
    seen = [sample for sample in context.history if sample.attention]
    if len(seen) < FEWEST:
        return
    entropies, most, uneven = np.array([np.mean([a.tolist() for a in s.attention], 0) for s in seen]).T
    widest = max(float(a[2]) for s in seen for a in s.attention)
    sharp = bool(np.median(entropies) < SHARP and np.max(entropies) < ABOUT_SHARP)
    even = widest < EVEN
    if sharp or even:
        poor = not context.trend.has_learnt if sharp else context.trend.is_at_chance
        severity = None if context.trend.is_degraded or (context.trend.known and poor) else Severity.INFO
        evidence = {
            "entropy of attention / maximum": float(entropies[-1]),
            "largest mean weight of a token": float(most[-1]),
        }
        evidence |= {"largest weight above a uniform one": float(uneven[-1])}
        yield found(ATTENTION_COLLAPSE, "attention", 0, evidence, severity=severity)
