"""From a history to findings: apply every rule, then put causes before their symptoms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from levinthal.clinic.findings.confidence import confidence
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.rules.catalogue import CATALOGUE, RULES
from levinthal.clinic.rules.context import Context
from levinthal.errors import said_by
from levinthal.vocabulary import Finding, Severity

RANK = {severity: rank for rank, severity in enumerate(Severity)}


def diagnose(
    setup: TrainingSetup, history: History, on_error: Callable[[str], None] = lambda _: None
) -> list[Finding]:
    """All findings, the most important first. A symptom names its cause in `follows` and comes after it.

    Args:
        setup: The model, its optimisers and its parameters.
        history: The sampled steps.
        on_error: Is called with one line for every rule that raises; the other rules still count.

    Returns:
        Causes by severity and confidence, then symptoms.
    """
    context = Context(setup, history)
    return ranked([finding for rule in RULES for finding in _applied(rule, context, on_error)])


def _applied(
    rule: Callable[[Context], Iterable[Finding]], context: Context, on_error: Callable[[str], None]
) -> list[Finding]:
    try:
        return list(rule(context))
    except Exception as error:
        on_error(f"{rule.__name__}: {said_by(error)}")
        return []


def ranked(found: Sequence[Finding]) -> list[Finding]:
    """Causes by severity and confidence, then in the order of the catalogue; then their symptoms.

    A finding follows from a finding that explains it and is a warning or critical. An info finding may also
    follow from another info finding. A cause is as severe as its worst symptom.
    """
    places = {code: place for place, code in enumerate(CATALOGUE)}
    roots = sorted(found, key=lambda f: (f.severity is Severity.INFO, places[f.code]))
    linked = [replace(f, follows=_cause(f, roots)) for f in found]
    linked = [_with_severity(f, _worst(f, linked)) for f in linked]
    return sorted(
        linked, key=lambda f: (f.follows is not None, RANK[f.severity], -_weight(f), places[f.code])
    )


def _weight(finding: Finding) -> float:
    """Its confidence, for the order alone; one half for a code that has not been evaluated."""
    return 0.5 if finding.confidence is None else finding.confidence


def _cause(finding: Finding, roots: Sequence[Finding]) -> str | None:
    """The code of the first finding that explains this one; an info finding explains info findings alone."""
    is_info = finding.severity is Severity.INFO
    possible = (root for root in roots if is_info or root.severity is not Severity.INFO)
    return next((root.code for root in possible if finding.code in CATALOGUE[root.code].explains), None)


def _with_severity(finding: Finding, severity: Severity) -> Finding:
    known = None if finding.confidence is None else confidence(finding.code, severity)
    return replace(finding, severity=severity, confidence=known)


def _worst(finding: Finding, linked: Sequence[Finding]) -> Severity:
    """The severity of a finding, or that of the worst of its symptoms."""
    return min(
        (f.severity for f in linked if f.follows == finding.code or f is finding), key=RANK.__getitem__
    )
