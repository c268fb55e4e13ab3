"""Findings as text for a terminal: the cause first, its evidence, its symptoms, the remedy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.vocabulary import BADGES, Finding, rounded


def formatted(findings: Sequence[Finding]) -> str:
    """Causes with their evidence, their symptoms and their remedy, as text.

    >>> formatted([])
    'Healthy.'
    """
    roots = [f for f in findings if not f.follows]
    if not roots:
        return "Healthy."
    return "\n\n".join(_block(root, [f for f in findings if f.follows == root.code]) for root in roots)


def _block(root: Finding, symptoms: Sequence[Finding]) -> str:
    """One cause."""
    head = f"{BADGES[root.severity]} {root.severity}  {root.code} in {root.where}"
    lines = [head, f"  {CATALOGUE[root.code].means}", f"  evidence: {_evidence(root)}"]
    if symptoms:
        lines.append(f"  explains: {', '.join(f.code for f in symptoms)}")
    return "\n".join([*lines, f"  remedy: {root.remedy}"])


def _evidence(finding: Finding) -> str:
    """Names and numbers in one line."""
    return "; ".join(f"{name} {_number(value)}" for name, value in finding.evidence.items())


def _number(value: Any) -> str:
    """Three significant digits of a float."""
    return rounded(value) if isinstance(value, float) else str(value)
