"""Findings from the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from levinthal.clinic.findings.catalogue import CATALOGUE
from levinthal.clinic.findings.confidence import confidence
from levinthal.vocabulary import Finding, Severity


def found(
    code: str,
    where: str,
    step: int,
    evidence: Mapping[str, Any],
    *,
    severity: Severity | None = None,
    remedy: str = "",
) -> Finding:
    """A finding with its catalogue's severity and remedy, unless others are given, and its confidence."""
    entry = CATALOGUE[code]
    loud = severity or entry.severity
    return Finding(
        code,
        loud,
        confidence(code, loud),
        where,
        step,
        evidence,
        remedy=remedy or entry.remedy,
    )


def shown(names: Sequence[str], most: int = 3) -> str:
    """Names in one phrase.

    >>> shown(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    head = ", ".join(names[:most])
    return head if len(names) <= most else f"{head} and {len(names) - most} more"
