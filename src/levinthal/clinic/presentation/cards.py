"""Findings and tried remedies as texts and numbers for a page or a notebook, without markup."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.report.formatting import formatted, number, sentence
from levinthal.vocabulary import Estimate, Finding

OUTCOME_BADGES = {
    "confirmed here": "replicates",
    "still at chance": "inconclusive",
    "no effect here": "inconclusive",
    "made it worse": "does-not-replicate",
}
"""Outcome of a tried remedy -> the badge of the verdict that it shares."""


class TriedRemedy(Protocol):
    """A remedy that was tried, and what it gained."""

    @property
    def code(self) -> str:
        """The finding it treats."""

    @property
    def name(self) -> str:
        """The name of the remedy."""

    @property
    def line(self) -> str:
        """The remedy as the code that was run."""

    @property
    def outcome(self) -> str:
        """One of OUTCOME_BADGES, or another word for a remedy that was not compared."""

    @property
    def gain(self) -> Estimate:
        """The score with the remedy minus the score without it, over paired seeds."""


@dataclass(frozen=True, slots=True)
class Card:
    """A finding as it is shown.

    Attributes:
        code: Its code.
        severity: Its severity.
        means: Its meaning, as a sentence.
        place: Where, since when, and its confidence.
        evidence: Names and numbers.
        notes: Names and longer texts.
        remedy: Pieces of text, and whether each is code.
        confirmation: The measured confirmation of the remedy; empty where none was tried.
        explains: Its symptoms.
    """

    code: str
    severity: str
    means: str
    place: str
    evidence: tuple[tuple[str, str], ...]
    notes: tuple[tuple[str, str], ...]
    remedy: tuple[tuple[str, bool], ...]
    confirmation: str
    explains: tuple[Card, ...] = ()


@dataclass(frozen=True, slots=True)
class Tried:
    """A tried remedy as it is shown; `low`, `dot`, `high` and `zero` are places on an axis from 0 to 1."""

    code: str
    name: str
    line: str
    label: str
    mark: str
    value: str
    interval: str
    trust: str
    low: float
    dot: float
    high: float
    zero: float


def card(finding: Finding, explains: Sequence[Finding] = ()) -> Card:
    """A finding as a card, with the findings that it explains."""
    shown = [(name, in_numbers(value)) for name, value in finding.evidence.items()]
    short = [(name, text) for name, text in shown if len(text) <= 24]
    return Card(
        finding.code,
        str(finding.severity),
        sentence(CATALOGUE[finding.code].means) if finding.code in CATALOGUE else finding.code,
        _place(finding),
        tuple(short),
        tuple(pair for pair in shown if pair not in short),
        tuple(code_and_words(finding.remedy)),
        finding.confirmation,
        tuple(card(other) for other in explains),
    )


def _place(finding: Finding) -> str:
    """Where, since when, and with which confidence."""
    when = f"since step {finding.step:,}" if finding.step else "from the start"
    where = f"layer {finding.where}" if not finding.where.strip("0123456789.") else finding.where
    known = finding.confidence is not None
    confidence = f"confidence {finding.confidence:.0%}" if known else "confidence not measured yet"
    return f"{where} · {when} · {confidence}".replace("%", "\u202f%")


def in_numbers(value: Any) -> str:
    """A piece of evidence as a text.

    >>> in_numbers(0.012345), in_numbers(12), in_numbers("(64, 1)"), in_numbers(2e-9)
    ('0.0123', '12', '(64, 1)', '2.0e−9')
    """
    if isinstance(value, Estimate):
        return " ".join(filter(None, formatted(value)))
    if isinstance(value, float):
        return "nan" if math.isnan(value) else number(value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def code_and_words(text: str) -> Iterable[tuple[str, bool]]:
    """A text in pieces: what is between backticks is code.

    >>> list(code_and_words("call `f()` once"))
    [('call ', False), ('f()', True), (' once', False)]
    """
    pieces = ((piece, i % 2 == 1) for i, piece in enumerate(text.split("`")))
    return (pair for pair in pieces if pair[0])


def tried_remedies(trials: Sequence[TriedRemedy]) -> list[Tried]:
    """Tried remedies on one axis that contains zero and every finite end; the best one comes first."""
    trials = sorted(trials, key=_merit)
    ends = [0.0, *(end for trial in trials for end in _ends(trial.gain) if math.isfinite(end))]
    low, high = min(ends), max(ends)
    pad = 0.06 * (high - low) or 1.0

    def place(value: float) -> float:
        return (value - low + pad) / (high - low + 2 * pad) if math.isfinite(value) else place(0.0)

    return [_tried(trial, tuple(map(place, _ends(trial.gain))), place(0.0)) for trial in trials]


def _merit(trial: TriedRemedy) -> tuple[int, float]:
    """Confirmed, then without effect, then worse, then not compared; the larger gain first."""
    order = list(OUTCOME_BADGES)
    gain = trial.gain.value if math.isfinite(trial.gain.value) else -math.inf
    return order.index(trial.outcome) if trial.outcome in order else len(order), -gain


def _ends(gain: Estimate) -> tuple[float, float, float]:
    """Lower end, value and upper end."""
    span = gain.interval
    return (gain.value, gain.value, gain.value) if span is None else (span.low, gain.value, span.high)


def _tried(trial: TriedRemedy, places: tuple[float, ...], zero: float) -> Tried:
    """One row of the table."""
    (value, interval), (low, dot, high) = formatted(trial.gain), places
    shown = f"+{value}" if trial.gain.value > 0 else value
    texts = (trial.code, trial.name, trial.line, trial.outcome, OUTCOME_BADGES.get(trial.outcome, "reported"))
    return Tried(*texts, shown, interval, str(trial.gain.trust), low, dot, high, zero)


def numbers_table(numbers: Mapping[str, Estimate]) -> list[tuple[str, str, str, str, str]]:
    """Name, value, interval, trust and reasons of every number of a checkup."""
    return [(name, *formatted(e), str(e.trust), "; ".join(e.reasons)) for name, e in numbers.items()]
