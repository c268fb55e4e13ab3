"""A remedy compared with the same training without it, paired by seed: gain, interval, outcome."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from levinthal.clinic.treatment.remedies import Remedy
from levinthal.lab.judging.statistics import mean_interval
from levinthal.report.formatting import counted
from levinthal.vocabulary import Estimate, Trust, rounded

CONFIRMED, NO_EFFECT, WORSE = "confirmed here", "no effect here", "made it worse"
STILL_AT_CHANCE = "still at chance"
NOT_PURSUED = "not pursued"
OUTCOMES = (CONFIRMED, STILL_AT_CHANCE, NO_EFFECT, WORSE, NOT_PURSUED)
LEVEL = 0.95
SMALLEST_GAIN = 1e-3
"""Share of the largest score's magnitude up to which a gain counts as no effect."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A remedy compared with the same training without it.

    Attributes:
        code: The finding that the remedy treats.
        remedy: What was changed.
        base: The remedies that both sides share; "" where the remedy was added to the untreated problem.
        gain: Mean over seeds of the paired differences of the score, with its interval.
        outcome: One of OUTCOMES.
        scores: The scores with the remedy, one a seed; empty for a remedy that was only screened.
        line: The code that was run, as it is printed.
    """

    code: str
    remedy: Remedy
    base: str
    gain: Estimate
    outcome: str
    scores: tuple[float, ...]
    line: str = ""

    @property
    def is_gain(self) -> bool:
        """Whether the remedy gains, be it that the score stays at chance level."""
        return self.outcome in (CONFIRMED, STILL_AT_CHANCE)

    @property
    def name(self) -> str:
        """The remedy, after the remedies that it was added to."""
        return f"{self.base} + {self.remedy.name}" if self.base else self.remedy.name


def compared(
    code: str,
    remedy: Remedy,
    base: str,
    before: Sequence[float],
    after: Sequence[float],
    at_once: int = 1,
    *,
    chance: float = -math.inf,
    line: str = "",
) -> Comparison:
    """Scores with a remedy (`after`) and without (`before`), paired by seed; one of `at_once` comparisons.

    A score that is not finite counts as the lowest finite score of the two sides. A gain is confirmed where
    the score with the remedy is also above `chance`, the score of the best constant output. Else it may be a
    part of a cure, and is none by itself.
    """
    lowest = min((s for s in (*before, *after) if math.isfinite(s)), default=0.0)
    x, y = ([s if math.isfinite(s) else lowest for s in side] for side in (before, after))
    gain = paired_gain([b - a for a, b in zip(x, y, strict=True)], at_once)
    assert gain.interval is not None
    low, high = gain.interval.low, gain.interval.high
    gains = low > 0 and gain.value > SMALLEST_GAIN * max(map(abs, (*x, *y)))
    if gains:
        outcome = CONFIRMED if is_above(y, chance) else STILL_AT_CHANCE
    else:
        outcome = WORSE if high < 0 else NO_EFFECT
    return Comparison(code, remedy, base, gain, outcome, tuple(after), line)


def is_above(scores: Sequence[float], chance: float) -> bool:
    """Whether the interval of the mean score lies above chance level."""
    if chance == -math.inf:
        return True
    span = paired_gain([score - chance for score in scores]).interval
    return span is not None and span.low > 0


def paired_gain(differences: Sequence[float], at_once: int = 1) -> Estimate:
    """The mean of paired differences with its interval at level 1 - .05 / at_once (Bonferroni).

    >>> paired_gain([0.5, 0.5, 0.5]).interval.low
    0.5
    """
    level = 1 - (1 - LEVEL) / at_once
    found = mean_interval(differences, level=level)
    method = f"{found.method}, {len(differences)} paired seeds, {counted(at_once, 'comparison')} at once"
    return Estimate(statistics.mean(differences), "", replace(found, method=method), trust=Trust.CALIBRATED)


def not_pursued(code: str, remedy: Remedy, base: str, gain: float, line: str = "") -> Comparison:
    """A remedy that was screened and not compared."""
    screened = Estimate(gain, trust=Trust.ORDINAL, reasons=("screened with two seeds, not compared",))
    return Comparison(code, remedy, base, screened, NOT_PURSUED, (), line)


def signed(gain: Estimate) -> str:
    """A gain with its sign and interval."""
    span = f" [{_signed(gain.interval.low)}, {_signed(gain.interval.high)}]" if gain.interval else ""
    return f"{_signed(gain.value)}{span}"


def _signed(value: float) -> str:
    return f"{'+' if value >= 0 else ''}{rounded(value)}"
