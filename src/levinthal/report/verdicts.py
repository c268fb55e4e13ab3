"""The rows of the verdict table: every claim of the study, judged or not, in words, numbers and whiskers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from levinthal.lab.execution.kinds import SENTENCE, shown
from levinthal.lab.execution.own_code import in_one_line, own_code
from levinthal.lab.judging.sizes import LEVEL
from levinthal.report.explained import reasons, ruling, settles
from levinthal.report.formatting import formatted
from levinthal.report.formatting import share as share_text
from levinthal.report.record import NO_RECORD, Record, marks, over_blocks
from levinthal.vocabulary import BADGES, Claim, Estimate, Outcome, Study, Verdict

UNJUDGED = "not judged yet"
LOW, HIGH = -3.0, 5.0
"""The common axis of all whiskers: 0 is the null value, 1 the smallest effect size of interest."""


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
    level: float | None = None


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
    rival: Line | None = None
    failed: Line | None = None
    marks: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    stability: str = ""
    ruling: str = ""

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


def whisker(estimate: Estimate, smallest: float | None, null: float = 0.0) -> Whisker | None:
    """Where the estimate lies on the common axis, or None where there is no smallest effect to count in."""
    if smallest is None or smallest <= null or math.isnan(estimate.value):
        return None
    interval = estimate.interval
    ends = (interval.low, interval.high) if interval else (estimate.value, estimate.value)
    value, low, high = ((end - null) / (smallest - null) for end in (estimate.value, *ends))
    low, high = (value if math.isnan(low) else low), (value if math.isnan(high) else high)
    dot = share(value) if LOW <= value <= HIGH else None
    return Whisker(dot, share(low), share(high), min(low, value) < LOW, max(high, value) > HIGH)


def entries(study: Study, verdicts: Sequence[Verdict], record: Record = NO_RECORD) -> list[Entry]:
    """A row for each claim of the study in its order; a claim without a verdict says that it has none."""
    by_id = {verdict.claim.id: verdict for verdict in verdicts}
    claims = {claim.id: claim for claim in (*study.claims, *(v.claim for v in verdicts))}
    return [
        replace(
            _entry(claim, by_id.get(claim.id)),
            marks=marks(claim, by_id.get(claim.id), record),
            differences=record.differences(claim.id),
        )
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
        settles(verdict),
        reasons(verdict),
        tuple(part for part in parts if part),
        _line("rival", verdict.rival, claim),
        _failed(verdict.failed),
        stability=over_blocks(verdict),
        ruling=ruling(verdict),
    )


def _line(name: str, estimate: Estimate | None, claim: Claim) -> Line | None:
    if estimate is None:
        return None
    value, interval = formatted(estimate)
    if estimate.interval is not None and estimate.interval.level != LEVEL:
        interval = f"{interval} ({share_text(estimate.interval.level)})"
    placed = whisker(estimate, claim.smallest_effect, claim.null)
    level = estimate.interval.level if estimate.interval else None
    return Line(name, value, interval, str(estimate.trust), placed, level)


def _failed(estimate: Estimate | None) -> Line | None:
    """The share of seeds that failed, in per cent."""
    if estimate is None or estimate.interval is None:
        return None
    ends = f"[{share_text(estimate.interval.low)}, {share_text(estimate.interval.high)}]"
    return Line("failed", share_text(estimate.value), f"{ends} of seeds", str(estimate.trust), None)


def level_of(rows: Sequence[Entry]) -> str:
    """The level of all intervals of the effects, for the head of a table; empty where they differ.

    >>> level_of([])
    ''
    """
    levels = {
        line.level
        for row in rows
        for line in (row.effect, row.control, row.rival, *row.parts)
        if line and line.level is not None
    }
    return share_text(levels.pop()) if len(levels) == 1 else ""


def origin(claim: Claim) -> str:
    """The sentence of the source that the claim tests, with its source; or that there is none.

    >>> origin(Claim("X", "rises", "a book", "rise", "", 0.1, "", lambda rows: None, quote="It rises."))
    '“It rises.” (a book)'
    >>> origin(Claim("X", "rises", "a book", "rise", "", 0.1, "", lambda rows: None))
    'in words of this study (a book)'
    """
    words = f"“{claim.quote}”" if claim.quote else "in words of this study"
    return f"{words} ({claim.source})" if claim.source else words


def control_text(claim: Claim) -> str:
    """The control arm, or why there is none.

    >>> control_text(Claim("X", "x", "", "", "", 0.1, "", lambda rows: None, why_no_control="an identity"))
    'none: an identity'
    """
    return claim.control or ": ".join(filter(None, ("none", claim.why_no_control)))


def null_text(claim: Claim) -> str:
    """The null value with its unit; empty where it is 0.

    >>> null_text(Claim("X", "x", "", "", "of runs", 0.7, "", lambda rows: None, null=0.5))
    '0.5 of runs'
    """
    return f"{claim.null:.3g} {claim.unit}".rstrip() if claim.null else ""


def rival_and_failed(entry: Entry) -> str:
    """The rival treatment and the share of seeds that failed; empty where there is neither."""
    rival, failed = entry.rival, entry.failed
    lines = (
        f"rival treatment: {rival.value} {rival.interval}".rstrip() if rival else "",
        f"failed: {failed.value} {failed.interval}" if failed else "",
    )
    return "; ".join(filter(None, lines))


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
    text, fault = _own_answer(study, verdicts)
    return f"No answer: {fault}." if fault else text


def answer_fault(study: Study, verdicts: Sequence[Verdict]) -> str:
    """Why the study's own answer failed, in one line; empty where it did not."""
    return _own_answer(study, verdicts)[1] if verdicts else ""


def _own_answer(study: Study, verdicts: Sequence[Verdict]) -> tuple[str, str]:
    """The study's answer, and what is wrong with it: its code may raise or return anything."""
    by_id: Mapping[str, Verdict] = {verdict.claim.id: verdict for verdict in verdicts}
    try:
        with own_code():
            found = study.answer(by_id)
    except Exception as error:
        return "", f"the study's own answer failed: {in_one_line(error)}"
    if not SENTENCE.holds(found):
        return "", f"the study's own answer is {shown(found)}: {SENTENCE.words}"
    return found, ""
