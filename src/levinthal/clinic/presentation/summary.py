"""The answer in one sentence: healthy and why, the cause, or that too little was seen to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from levinthal.clinic.presentation.signs import CLEAR, NOT_JUDGED, Sign, loss_in_words
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.clinic.rules.loss_trend import FEWEST, LossTrend, loss_trend
from levinthal.report.spoken import counted, listed, number, sentence, share
from levinthal.vocabulary import Estimate, Finding, Severity

HEALTHY, FAULTY, UNKNOWN = "healthy", "sick", "unknown"
LONGER = "Train for longer, or sample more often: watch(..., every=1)."


@dataclass(frozen=True, slots=True)
class Answer:
    """`word` is healthy, sick or unknown; headline and reason are a sentence or two each."""

    word: str
    headline: str
    because: str


def causes(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that follow from no other and are more than remarks."""
    return [f for f in findings if not f.follows and f.severity is not Severity.INFO]


def symptoms(cause: Finding, findings: Sequence[Finding]) -> list[Finding]:
    """What a cause explains away."""
    return [finding for finding in findings if finding.follows == cause.code]


def info_findings(findings: Sequence[Finding]) -> list[Finding]:
    """What was noted, harms nobody, and follows from nothing."""
    return [f for f in findings if not f.follows and f.severity is Severity.INFO]


def answer_of_run(findings: Sequence[Finding], history: History, read_signs: Sequence[Sign]) -> Answer:
    """What is said first of a run that was watched."""
    roots, trend = causes(findings), loss_trend(history)
    trend_of = f"{sentence(loss_in_words(history, trend))}."
    if roots:
        return Answer(FAULTY, _cause(roots[0]), _others(roots, trend_of))
    if len(history) >= FEWEST and trend.known and not trend.is_degraded:
        noted = listed([info.code for info in info_findings(findings)])
        why = _signs(read_signs) + f" Noted, without harm so far: {noted}." * bool(noted)
        return Answer(HEALTHY, f"Healthy: {_fall(trend)}.", why)
    if len(history) < 2 * FEWEST:
        head = "Nothing was found, and little was seen." if len(history) else "Nothing was seen."
        few = f"{counted(len(history), 'sampled step')}, and {2 * FEWEST} tell how a loss goes."
        return Answer(UNKNOWN, head, f"{few} {LONGER}")
    head = "No cause was found, and yet it does not train." if trend.known else "No cause was found."
    return Answer(UNKNOWN, head, f"{trend_of} {_signs(read_signs)}")


def answer_of_checkup(findings: Sequence[Finding], numbers: Mapping[str, Estimate]) -> Answer:
    """What is said first of a network that was checked before training."""
    roots = causes(findings)
    loss = numbers.get("first loss / ln K")
    chance_level = f" The first loss is {share(loss.value)} of that of a guess." if loss is not None else ""
    if roots:
        return Answer(FAULTY, _cause(roots[0]), _others(roots, chance_level.strip()))
    why = "Model, loss and batch fit together, and signal and gradient go through every layer."
    return Answer(HEALTHY, "Healthy before training: no cause was found.", f"{why}{chance_level}")


def _cause(first: Finding) -> str:
    return f"{sentence(CATALOGUE[first.code].means)}."


def _others(roots: Sequence[Finding], trend_of: str) -> str:
    codes = [root.code for root in roots[1:]]
    more = f"{'Another cause' if len(codes) == 1 else 'Other causes'}: {listed(codes)}." if codes else ""
    return f"{more} {trend_of}".strip()


def _fall(trend: LossTrend) -> str:
    """How far the loss came down, against a guess where one is known."""
    if trend.end < trend.chance:
        return f"the loss came down to {share(trend.end / trend.chance)} of what a guess loses"
    if trend.end < trend.start:
        return f"the loss came down from {number(trend.start)} to {number(trend.end)}"
    return f"the loss moves about {number(trend.end)}, and nothing is in its way"


def _signs(read_signs: Sequence[Sign]) -> str:
    """How many signs are sound, and which could not be judged."""
    clear = [sign for sign in read_signs if sign.word == CLEAR]
    blind = [sign.name.lower() for sign in read_signs if sign.word == NOT_JUDGED]
    looked = sum(len(sign.codes) for sign in clear)
    said = f"{len(clear)} of {len(read_signs)} signs show nothing wrong: {looked} causes were looked for."
    return f"{said} Not judged: {listed(blind)}." if blind else said
