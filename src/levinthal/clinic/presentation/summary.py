"""The parts of a presentation: causes, symptoms and info, and what was checked in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from levinthal.clinic.answer.seen import causes
from levinthal.clinic.answer.states import Answer, State
from levinthal.clinic.presentation.signs import CLEAR, NOT_JUDGED, Sign
from levinthal.report.formatting import listed
from levinthal.vocabulary import Finding, Severity

__all__ = ["LABELS", "causes", "checked", "info_findings", "paragraph", "symptoms"]

LABELS = {State.CAUSE: "faulty", State.HEALTHY: "healthy"}
"""State -> the style of the answer on a page; "unknown" for the others."""


def symptoms(cause: Finding, findings: Sequence[Finding]) -> list[Finding]:
    """The findings that follow from a cause."""
    return [finding for finding in findings if finding.follows == cause.code]


def info_findings(findings: Sequence[Finding]) -> list[Finding]:
    """The info findings that follow from no other finding."""
    return [f for f in findings if not f.follows and f.severity is Severity.INFO]


def paragraph(answer: Answer, findings: Sequence[Finding], signs: Sequence[Sign]) -> str:
    """The reason of an answer, and where no cause was found, what was checked and the info findings."""
    if answer.state is State.CAUSE or not signs:
        return answer.because
    noted = listed([finding.code for finding in info_findings(findings)])
    return f"{answer.because} {checked(signs)}".strip() + f" Info: {noted}." * bool(noted)


def checked(signs: Sequence[Sign]) -> str:
    """How many signs are clear, and which could not be judged."""
    clear = [sign for sign in signs if sign.label == CLEAR]
    blind = [sign.name.lower() for sign in signs if sign.label == NOT_JUDGED]
    count = sum(len(sign.codes) for sign in clear)
    said = f"{len(clear)} of {len(signs)} areas show no fault ({count} kinds of finding checked)."
    return f"{said} Not judged: {listed(blind)}." if blind else said
