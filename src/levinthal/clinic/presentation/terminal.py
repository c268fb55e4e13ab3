"""The answer and the findings as text for a terminal: the cause first, its evidence, symptoms, remedy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from levinthal.clinic.answer.states import Answer, State
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.shown import plain
from levinthal.vocabulary import BADGES, Finding, rounded


def answered(answer: Answer, findings: Sequence[Finding]) -> str:
    """What was not seen, the answer, and the findings. Where a finding is the answer, it stands for it."""
    said = [] if answer.state is State.CAUSE else [answer.headline, answer.because]
    head = "\n".join(filter(None, [*(f"{line}." for line in answer.not_seen), *said]))
    return plain("\n\n".join(filter(None, [head, formatted(findings)])))


def formatted(findings: Sequence[Finding]) -> str:
    """Causes with their evidence, their symptoms and their remedy, as text; empty without any.

    >>> formatted([])
    ''
    """
    roots = [f for f in findings if not f.follows]
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
