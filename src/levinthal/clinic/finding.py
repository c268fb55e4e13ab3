"""Findings from the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from levinthal.clinic.catalogue import CATALOGUE
from levinthal.vocabulary import Finding, Severity


def found(
    code: str,
    where: str,
    step: int,
    evidence: Mapping[str, Any],
    *,
    confidence: float = 1.0,
    severity: Severity | None = None,
    remedy: str = "",
) -> Finding:
    """A finding with its catalogue's severity and remedy, unless others are given."""
    entry = CATALOGUE[code]
    return Finding(
        code,
        severity or entry.severity,
        confidence,
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
