"""A gain that is not confirmed: how many seeds would decide about it, where it is large enough to matter."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from levinthal.clinic.problem.scores import WORST
from levinthal.clinic.treatment.comparison import NO_EFFECT, Comparison
from levinthal.lab.judging.statistics import seeds_needed

COUNTS = 0.01
"""Share of the score from which on a gain counts, so that more seeds are worth their time."""
MOST_SEEDS = 50


def seeds_that_decide(score_name: str, scores: Sequence[float], comparisons: Sequence[Comparison]) -> str:
    """A sentence about the remedy with the largest gain, of those that are not confirmed.

    Args:
        score_name: The name of the score.
        scores: Scores of the untreated problem, one a seed.
        comparisons: The remedies that were compared with it.

    Returns:
        How many seeds would decide; empty where the gain is too small to count, or no number up to 50 would.
    """
    whole = [c for c in comparisons if c.outcome == NO_EFFECT and not c.base and len(c.scores) == len(scores)]
    best = max(whole, key=lambda c: c.gain.value, default=None)
    if best is None or best.gain.value < what_counts(score_name, scores):
        return ""
    deviation = statistics.stdev(b - a for a, b in zip(scores, best.scores, strict=True))
    needed = seeds_needed(best.gain.value, deviation)
    more = needed is not None and len(scores) < needed <= MOST_SEEDS
    return f" About {needed} seeds would decide about: {best.name}." if more else ""


def what_counts(score_name: str, scores: Sequence[float]) -> float:
    """The smallest gain that counts: 1 % of a score that ends at 1, and of the largest score else.

    >>> what_counts("accuracy", [0.2, 0.3]), what_counts("minus loss", [-200.0, -100.0])
    (0.01, 2.0)
    """
    return COUNTS * (1.0 if score_name in WORST else max(map(abs, scores)))
