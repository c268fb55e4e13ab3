"""Make findings of a kind."""

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
    examined: bool = True,
) -> Finding:
    """A finding of a kind.

    Args:
        kind: What the finding means, its usual severity and its remedy.
        where: The layer, parameter or part of training that it concerns.
        step: The first step at which it was seen; 0 for the start.
        evidence: Name -> number or short text, the most important first.
        severity: Instead of the kind's own.
        remedy: Instead of the kind's own.
        examined: Whether the evaluated runs could show what is reported: a rule that was added to an older
            code has no measured precision, whatever the code has.

    Returns:
        The finding, with the measured confidence of its code at this severity; None without examination.
    """
    reported = severity or kind.severity
    return Finding(
        kind.code,
        reported,
        confidence(kind.code, reported) if examined else None,
        where,
        step,
        evidence,
        remedy=remedy or kind.remedy,
    )


def abbreviated(names: Sequence[str], most: int = 3) -> str:
    """The first names as one phrase, and how many more there are.

    >>> abbreviated(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    head = ", ".join(names[:most])
    return head if len(names) <= most else f"{head} and {len(names) - most} more"
