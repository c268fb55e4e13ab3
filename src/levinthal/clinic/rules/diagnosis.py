"""From a history to findings: every rule, then causes before their symptoms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from levinthal.clinic.findings.confidence import confidence
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.training_setup import Patient
from levinthal.clinic.rules.catalogue import CATALOGUE, RULES
from levinthal.clinic.rules.context import Chart
from levinthal.vocabulary import Finding, Severity

RANK = {severity: rank for rank, severity in enumerate(Severity)}


def diagnose(
    patient: Patient, history: History, on_error: Callable[[str], None] = lambda _: None
) -> list[Finding]:
    """All findings, the most important first; a symptom carries its cause in `follows` and comes after it.

    A rule that fails on what it meets is told to `on_error`; the others stand.
    """
    chart = Chart(patient, history)
    return ranked([finding for rule in RULES for finding in _applied(rule, chart, on_error)])


def _applied(
    rule: Callable[[Chart], Iterable[Finding]], chart: Chart, on_error: Callable[[str], None]
) -> list[Finding]:
    try:
        return list(rule(chart))
    except Exception as error:
        on_error(f"{rule.__name__}: {type(error).__name__}: {error}")
        return []


def ranked(found: Sequence[Finding]) -> list[Finding]:
    """Roots by severity and confidence, the order of the catalogue among equals, then what follows from them.

    A finding follows from one that explains it and is more than a remark, a remark from another too; a cause
    is as severe as the worst that follows from it.
    """
    places = {code: place for place, code in enumerate(CATALOGUE)}
    roots = sorted(found, key=lambda f: (f.severity is Severity.INFO, places[f.code]))
    told = [replace(f, follows=_cause(f, roots)) for f in found]
    told = [_as_loud_as(f, _worst(f, told)) for f in told]
    return sorted(told, key=lambda f: (f.follows is not None, RANK[f.severity], -_weight(f), places[f.code]))


def _weight(finding: Finding) -> float:
    """Its confidence, for the order alone; a code that has not been examined stands in the middle."""
    return 0.5 if finding.confidence is None else finding.confidence


def _cause(finding: Finding, roots: Sequence[Finding]) -> str | None:
    """The code of the first root that explains a finding: a remark explains remarks alone."""
    quiet = finding.severity is Severity.INFO
    heard = (root for root in roots if quiet or root.severity is not Severity.INFO)
    return next((root.code for root in heard if finding.code in CATALOGUE[root.code].explains), None)


def _as_loud_as(finding: Finding, severity: Severity) -> Finding:
    return replace(finding, severity=severity, confidence=confidence(finding.code, severity))


def _worst(finding: Finding, told: Sequence[Finding]) -> Severity:
    """The severity of a finding, or that of the worst of its symptoms."""
    return min((f.severity for f in told if f.follows == finding.code or f is finding), key=RANK.__getitem__)
