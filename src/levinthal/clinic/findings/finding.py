"""Findings of a kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from levinthal.clinic.findings.confidence import confidence
from levinthal.clinic.findings.kind import FindingKind
from levinthal.vocabulary import Finding, Severity


def found(
    kind: FindingKind,
    where: str,
    step: int,
    evidence: Mapping[str, Any],
    *,
    severity: Severity | None = None,
    remedy: str = "",
) -> Finding:
    """A finding with its kind's severity and remedy, unless others are given, and its confidence."""
    reported = severity or kind.severity
    return Finding(
        kind.code,
        reported,
        confidence(kind.code, reported),
        where,
        step,
        evidence,
        remedy=remedy or kind.remedy,
    )


def shown(names: Sequence[str], most: int = 3) -> str:
    """Names in one phrase.

    >>> shown(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    head = ", ".join(names[:most])
    return head if len(names) <= most else f"{head} and {len(names) - most} more"
