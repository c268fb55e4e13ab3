"""Severity says how bad the run is: the cause of a network at chance level is critical."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from levinthal.clinic.answer.seen import NAMES_NO_CAUSE, causes
from levinthal.clinic.answer.states import Answer, Reason, State
from levinthal.clinic.findings.confidence import confidence
from levinthal.clinic.findings.kind import Area
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.clinic.rules.loss_trend import FEWEST, MIN_STEPS, SURE, LossTrend, loss_trend
from levinthal.vocabulary import Finding, Severity

UNDECIDED = (Reason.NO_REFERENCE, Reason.HARDLY_PREDICTABLE, Reason.MEMORISED)
"""Reasons for which a loss below chance level is neither called low nor high."""


def as_severe_as_the_run(findings: Sequence[Finding], history: History) -> list[Finding]:
    """The findings; the first cause is critical where the run stays at chance level or breaks down.

    Args:
        findings: Causes before their symptoms.
        history: The sampled steps.

    Returns:
        The findings in the same order.
    """
    first = next(iter(causes(findings)), None)
    if first is None or not _explains_chance_level(first) or not _is_lost(loss_trend(history), history):
        return list(findings)
    worst = _changed(first, Severity.CRITICAL)
    return [worst if finding is first else finding for finding in findings]


def as_the_answer_says(findings: Sequence[Finding], answer: Answer) -> list[Finding]:
    """The findings; one that says that a run did badly, and names no cause, is info where the answer says
    that it did not, or that this cannot be known: the loss is below chance level, and how low it can be is
    unknown.

    Args:
        findings: Causes before their symptoms.
        answer: The answer that they lead to.

    Returns:
        The findings in the same order.
    """
    is_unknown = answer.reason in UNDECIDED and math.isfinite(answer.ground("chance level"))
    if not (is_unknown or answer.state is State.HEALTHY):
        return list(findings)
    return [_changed(f, Severity.INFO) if f.code in NAMES_NO_CAUSE else f for f in findings]


def _changed(finding: Finding, severity: Severity) -> Finding:
    known = None if finding.confidence is None else confidence(finding.code, severity)
    return replace(finding, severity=severity, confidence=known)


def _explains_chance_level(cause: Finding) -> bool:
    """Whether a finding names a cause, and one of the training rather than of its validation rows."""
    return cause.code not in NAMES_NO_CAUSE and CATALOGUE[cause.code].area is not Area.VALIDATION


def _is_lost(trend: LossTrend, history: History) -> bool:
    """Whether enough steps were seen to say that the loss stays at chance level, or whether it is broken."""
    enough = trend.samples >= 2 * FEWEST and history.steps[-1] >= MIN_STEPS
    return trend.broken or (enough and trend.is_at_chance and trend.falling < SURE)
