"""A treated arm against the one it was built on, paired by seed: the gain, its interval, and its word."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from levinthal.clinic.treatment.remedies import Remedy
from levinthal.lab.judging.statistics import mean_interval
from levinthal.report.spoken import counted
from levinthal.vocabulary import Estimate, Trust

PROVED, NO_EFFECT, WORSE = "proved here", "no effect here", "made it worse"
NOT_PURSUED = "not pursued"
WORDS = (PROVED, NO_EFFECT, WORSE, NOT_PURSUED)
LEVEL = 0.95
LEAST = 1e-3
"""Share of the score's own size below which a gain is none."""


@dataclass(frozen=True, slots=True)
class Arm:
    """A treated arm against the one it was built on: `gain` is the mean over seeds of paired differences."""

    code: str
    remedy: Remedy
    on: str
    gain: Estimate
    outcome: str
    scores: tuple[float, ...]

    @property
    def name(self) -> str:
        """The remedy, and what it was added to."""
        return f"{self.on} + {self.remedy.name}" if self.on else self.remedy.name

    @property
    def line(self) -> str:
        """The remedy as code."""
        return self.remedy.line


def judged(
    code: str, remedy: Remedy, on: str, before: Sequence[float], after: Sequence[float], arms: int = 1
) -> Arm:
    """An arm with its gain over another, paired by seed; `arms` are judged at once.

    A score that is no number counts as the worst number among the two arms.
    """
    worst = min((s for s in (*before, *after) if math.isfinite(s)), default=0.0)
    x, y = ([s if math.isfinite(s) else worst for s in side] for side in (before, after))
    gain = paired_gain([b - a for a, b in zip(x, y, strict=True)], arms)
    assert gain.interval is not None
    least = LEAST * max(map(abs, (*x, *y)))
    low, high = gain.interval.low, gain.interval.high
    outcome = PROVED if low > 0 and gain.value > least else WORSE if high < 0 else NO_EFFECT
    return Arm(code, remedy, on, gain, outcome, tuple(after))


def paired_gain(differences: Sequence[float], arms: int = 1) -> Estimate:
    """The mean of paired differences with its interval at level 1 - .05 / arms (Bonferroni).

    >>> paired_gain([0.5, 0.5, 0.5]).interval.low
    0.5
    """
    level = 1 - (1 - LEVEL) / arms
    found = mean_interval(differences, level=level)
    method = f"{found.method}, {len(differences)} paired seeds, {counted(arms, 'arm')} at once"
    return Estimate(statistics.mean(differences), "", replace(found, method=method), trust=Trust.CALIBRATED)


def not_pursued(code: str, remedy: Remedy, on: str, gain: float) -> Arm:
    """An arm that had a first glance only."""
    seen = Estimate(gain, trust=Trust.ORDINAL, reasons=("a glance at two seeds, not a trial",))
    return Arm(code, remedy, on, seen, NOT_PURSUED, ())


def signed(gain: Estimate) -> str:
    """A gain with its sign and interval."""
    span = f" [{gain.interval.low:+.3g}, {gain.interval.high:+.3g}]" if gain.interval else ""
    return f"{gain.value:+.3g}{span}"
