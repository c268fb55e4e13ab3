"""The answer in one sentence: healthy and why, the cause, or that too little was seen to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from levinthal.clinic.presentation.signs import CLEAR, NOT_JUDGED, Vital, loss_in_words
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.clinic.rules.loss_trend import FEWEST, Progress, progress
from levinthal.report.spoken import counted, listed, number, sentence, share
from levinthal.vocabulary import Estimate, Finding, Severity

HEALTHY, SICK, UNKNOWN = "healthy", "sick", "unknown"
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


def remarks(findings: Sequence[Finding]) -> list[Finding]:
    """What was noted, harms nobody, and follows from nothing."""
    return [f for f in findings if not f.follows and f.severity is Severity.INFO]


def answer_of_run(findings: Sequence[Finding], history: History, vitals: Sequence[Vital]) -> Answer:
    """What is said first of a run that was watched."""
    roots, went = causes(findings), progress(history)
    course = f"{sentence(loss_in_words(history, went))}."
    if roots:
        return Answer(SICK, _cause(roots[0]), _others(roots, course))
    if len(history) >= FEWEST and went.known and not went.is_harmed:
        noted = listed([remark.code for remark in remarks(findings)])
        why = _signs(vitals) + f" Noted, without harm so far: {noted}." * bool(noted)
        return Answer(HEALTHY, f"Healthy: {_fall(went)}.", why)
    if len(history) < 2 * FEWEST:
        head = "Nothing was found, and little was seen." if len(history) else "Nothing was seen."
        few = f"{counted(len(history), 'sampled step')}, and {2 * FEWEST} tell how a loss goes."
        return Answer(UNKNOWN, head, f"{few} {LONGER}")
    head = "No cause was found, and yet it does not train." if went.known else "No cause was found."
    return Answer(UNKNOWN, head, f"{course} {_signs(vitals)}")


def answer_of_checkup(findings: Sequence[Finding], numbers: Mapping[str, Estimate]) -> Answer:
    """What is said first of a network that was checked before training."""
    roots = causes(findings)
    loss = numbers.get("first loss / ln K")
    guess = f" The first loss is {share(loss.value)} of that of a guess." if loss is not None else ""
    if roots:
        return Answer(SICK, _cause(roots[0]), _others(roots, guess.strip()))
    why = "Model, loss and batch fit together, and signal and gradient go through every layer."
    return Answer(HEALTHY, "Healthy before training: no cause was found.", f"{why}{guess}")


def _cause(first: Finding) -> str:
    return f"{sentence(CATALOGUE[first.code].means)}."


def _others(roots: Sequence[Finding], course: str) -> str:
    codes = [root.code for root in roots[1:]]
    more = f"{'Another cause' if len(codes) == 1 else 'Other causes'}: {listed(codes)}." if codes else ""
    return f"{more} {course}".strip()


def _fall(went: Progress) -> str:
    """How far the loss came down, against a guess where one is known."""
    if went.end < went.chance:
        return f"the loss came down to {share(went.end / went.chance)} of what a guess loses"
    if went.end < went.start:
        return f"the loss came down from {number(went.start)} to {number(went.end)}"
    return f"the loss moves about {number(went.end)}, and nothing is in its way"


def _signs(vitals: Sequence[Vital]) -> str:
    """How many signs are sound, and which could not be judged."""
    clear = [vital for vital in vitals if vital.word == CLEAR]
    blind = [vital.name.lower() for vital in vitals if vital.word == NOT_JUDGED]
    looked = sum(len(vital.codes) for vital in clear)
    said = f"{len(clear)} of {len(vitals)} signs show nothing wrong: {looked} causes were looked for."
    return f"{said} Not judged: {listed(blind)}." if blind else said
