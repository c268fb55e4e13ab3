"""The rows of the verdict table: every claim of the study, judged or not, in words, numbers and whiskers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from levinthal.report.formatting import counted, formatted
from levinthal.report.record import NO_RECORD, Record, marks
from levinthal.vocabulary import BADGES, Claim, Estimate, Outcome, Study, Verdict

UNJUDGED = "not judged yet"
LOW, HIGH = -3.0, 5.0
"""The common axis of all whiskers, in multiples of the smallest effect size of interest."""


@dataclass(frozen=True, slots=True)
class Whisker:
    """A dot and its whiskers as shares of the common axis; `cut_*` says that one runs off that end."""

    dot: float | None
    low: float
    high: float
    cut_low: bool
    cut_high: bool


@dataclass(frozen=True, slots=True)
class Line:
    """An estimate as the table shows it."""

    name: str
    value: str
    interval: str
    trust: str
    whisker: Whisker | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One claim of the table."""

    claim: Claim
    label: str
    effect: Line | None
    control: Line | None
    seeds: int
    settles: str
    reasons: tuple[str, ...]
    parts: tuple[Line, ...]
    marks: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """The outcome's name in the style sheet."""
        return self.label.replace(" ", "-")


def share(multiple: float) -> float:
    """The place of a multiple of the smallest effect on the common axis, 0 to 1, clipped.

    >>> share(-3.0), share(1.0), share(99.0)
    (0.0, 0.5, 1.0)
    """
    return min(max((multiple - LOW) / (HIGH - LOW), 0.0), 1.0)


def whisker(estimate: Estimate, smallest: float | None) -> Whisker | None:
    """Where the estimate lies on the common axis, or None where there is no smallest effect to count in."""
    if smallest is None or smallest <= 0 or math.isnan(estimate.value):
        return None
    value = estimate.value / smallest
    interval = estimate.interval
    low, high = (interval.low / smallest, interval.high / smallest) if interval else (value, value)
    low, high = (value if math.isnan(low) else low), (value if math.isnan(high) else high)
    dot = share(value) if LOW <= value <= HIGH else None
    return Whisker(dot, share(low), share(high), min(low, value) < LOW, max(high, value) > HIGH)


def entries(study: Study, verdicts: Sequence[Verdict], record: Record = NO_RECORD) -> list[Entry]:
    """A row for each claim of the study in its order; a claim without a verdict says that it has none."""
    by_id = {verdict.claim.id: verdict for verdict in verdicts}
    claims = {claim.id: claim for claim in (*study.claims, *(v.claim for v in verdicts))}
    return [
        replace(_entry(claim, by_id.get(claim.id)), marks=marks(claim, by_id.get(claim.id), record))
        for claim in claims.values()
    ]


def _entry(claim: Claim, verdict: Verdict | None) -> Entry:
    if verdict is None:
        return Entry(claim, UNJUDGED, None, None, 0, "", (), ())
    control = _line("control", verdict.control, claim)
    parts = tuple(_line(name, part, claim) for name, part in verdict.parts.items())
    return Entry(
        claim,
        str(verdict.outcome),
        _line("effect", verdict.effect, claim),
        control,
        verdict.seeds,
        _settles(verdict),
        _reasons(verdict),
        tuple(part for part in parts if part),
    )


def _line(name: str, estimate: Estimate | None, claim: Claim) -> Line | None:
    if estimate is None:
        return None
    return Line(name, *formatted(estimate), str(estimate.trust), whisker(estimate, claim.smallest_effect))


def _settles(verdict: Verdict) -> str:
    if verdict.seeds_needed is None or verdict.seeds_needed <= verdict.seeds:
        return ""
    return f"{counted(verdict.seeds_needed, 'seed')} would settle it"


def _reasons(verdict: Verdict) -> tuple[str, ...]:
    trust = verdict.effect.reasons if verdict.effect else ()
    return tuple(dict.fromkeys((*verdict.reasons, *trust)))


def tally(rows: Sequence[Entry]) -> list[tuple[str, str, int]]:
    """How many claims came out how: slug, word, count, in the order of the outcomes.

    >>> tally([])
    []
    """
    counts = Counter(row.label for row in rows)
    words = [*map(str, Outcome), UNJUDGED]
    return [(word.replace(" ", "-"), word, counts[word]) for word in words if counts[word]]


def glyph(word: str) -> str:
    """The character of an outcome, for a terminal."""
    return BADGES.get(word, "·")


def answer(study: Study, verdicts: Sequence[Verdict]) -> str:
    """The study's answer in its own words, or one line that says why there is none."""
    if not verdicts:
        return "No answer yet: no claim has been judged."
    by_id: Mapping[str, Verdict] = {verdict.claim.id: verdict for verdict in verdicts}
    try:
        return study.answer(by_id)
    except Exception as error:  # a study's own code: its failure is a line on the page, not a crash
        return f"No answer: the study's own answer failed ({type(error).__name__}: {error})."
