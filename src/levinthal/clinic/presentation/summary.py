"""The answer in one sentence: healthy and why, or the cause, or that too few steps were seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from levinthal.clinic.presentation.signs import CLEAR, NOT_JUDGED, Sign, loss_in_words
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.clinic.rules.loss_trend import FEWEST, LossTrend, loss_trend
from levinthal.report.formatting import counted, listed, number, sentence, share
from levinthal.vocabulary import Estimate, Finding, Severity

HEALTHY, FAULTY, UNKNOWN = "healthy", "faulty", "unknown"
LONGER = "Train for longer, or sample more often: watch(..., every=1)."


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a run or a checkup.

    Attributes:
        label: HEALTHY, FAULTY or UNKNOWN.
        headline: One sentence.
        because: The reason, in one to three sentences.
    """

    label: str
    headline: str
    because: str


def causes(findings: Sequence[Finding]) -> list[Finding]:
    """The warnings and critical findings that follow from no other finding."""
    return [f for f in findings if not f.follows and f.severity is not Severity.INFO]


def symptoms(cause: Finding, findings: Sequence[Finding]) -> list[Finding]:
    """The findings that follow from a cause."""
    return [finding for finding in findings if finding.follows == cause.code]


def info_findings(findings: Sequence[Finding]) -> list[Finding]:
    """The info findings that follow from no other finding."""
    return [f for f in findings if not f.follows and f.severity is Severity.INFO]


def answer_of_run(findings: Sequence[Finding], history: History, signs: Sequence[Sign]) -> Answer:
    """The answer of a run that was watched."""
    roots, trend = causes(findings), loss_trend(history)
    loss = f"{sentence(loss_in_words(history, trend))}."
    if roots:
        return Answer(FAULTY, _cause(roots[0]), _others(roots, loss))
    if len(history) >= FEWEST and trend.known and not trend.is_degraded:
        noted = listed([finding.code for finding in info_findings(findings)])
        why = _signs(signs) + f" Info: {noted}." * bool(noted)
        return Answer(HEALTHY, f"Healthy: {_fall(trend)}.", why)
    if len(history) < 2 * FEWEST:
        head = (
            "No cause was found, but few steps were seen." if len(history) else "No training step was seen."
        )
        few = f"{counted(len(history), 'step')} sampled; the trend of a loss needs {2 * FEWEST}."
        return Answer(UNKNOWN, head, f"{few} {LONGER}")
    head = "No cause was found, but the loss does not improve." if trend.known else "No cause was found."
    return Answer(UNKNOWN, head, f"{loss} {_signs(signs)}")


def answer_of_checkup(findings: Sequence[Finding], numbers: Mapping[str, Estimate]) -> Answer:
    """The answer of a network that was checked before training."""
    roots = causes(findings)
    loss = numbers.get("first loss / ln K")
    first = f" The first loss is {share(loss.value)} of the chance level ln K." if loss is not None else ""
    if roots:
        return Answer(FAULTY, _cause(roots[0]), _others(roots, first.strip()))
    why = "Model, loss and batch fit together. Signal and gradient pass through every layer."
    return Answer(HEALTHY, "Healthy before training: no cause was found.", f"{why}{first}")


def _cause(first: Finding) -> str:
    """The meaning of a cause as a sentence."""
    return f"{sentence(CATALOGUE[first.code].means)}."


def _others(roots: Sequence[Finding], loss: str) -> str:
    codes = [root.code for root in roots[1:]]
    more = f"{'Another cause' if len(codes) == 1 else 'Other causes'}: {listed(codes)}." if codes else ""
    return f"{more} {loss}".strip()


def _fall(trend: LossTrend) -> str:
    """How far the loss fell, relative to the chance level where that is known."""
    if trend.end < trend.chance:
        return f"the loss fell to {share(trend.end / trend.chance)} of the chance level"
    if trend.end < trend.start:
        return f"the loss fell from {number(trend.start)} to {number(trend.end)}"
    return f"the loss stays near {number(trend.end)}, and no fault was found"


def _signs(signs: Sequence[Sign]) -> str:
    """How many signs are clear, and which could not be judged."""
    clear = [sign for sign in signs if sign.label == CLEAR]
    blind = [sign.name.lower() for sign in signs if sign.label == NOT_JUDGED]
    checked = sum(len(sign.codes) for sign in clear)
    said = f"{len(clear)} of {len(signs)} areas show no fault ({checked} kinds of finding checked)."
    return f"{said} Not judged: {listed(blind)}." if blind else said
