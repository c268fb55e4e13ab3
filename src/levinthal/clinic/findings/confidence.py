"""The confidence of a finding: its measured precision at a severity.

In the development splits of the fault-injection suite (`python benchmarks/confidence.py`) every run has one
known cause, or none. `examined.json` counts for every code how often it was reported as a cause, as a warning
(or critical) and as info, and how often it was the true cause.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from levinthal.vocabulary import Severity

WARNING, INFO = "warning", "info"
"""The two tables of `examined.json`; critical findings count as warnings."""


def confidence(code: str, severity: Severity) -> float | None:
    """The precision of a code at a severity: (right + 1) / (reported + 2).

    Args:
        code: The code of a finding.
        severity: The severity at which it is reported.

    Returns:
        The share of runs in which the code was the true cause, by Laplace's rule of succession; None for a
        code that no evaluation could report, because it has no error rate yet.

    >>> confidence("DEAD_RELU", Severity.WARNING) > 0.5, confidence("NO_SUCH_CODE", Severity.WARNING)
    (True, None)
    """
    if not is_examined(code):
        return None
    right, reported = counts(code, severity)
    return (right + 1) / (reported + 2)


def is_examined(code: str) -> bool:
    """Whether the evaluated runs could show a code: a kind that was added later has no counts.

    >>> is_examined("DEAD_RELU"), is_examined("NO_SUCH_CODE")
    (True, False)
    """
    return any(code in table for table in _examined().values())


def counts(code: str, severity: Severity) -> tuple[int, int]:
    """In how many runs the code was the true cause, and in how many it was reported as a cause.

    >>> right, reported = counts("DEAD_RELU", Severity.WARNING)
    >>> 0 <= right <= reported
    True
    """
    right, reported = _examined().get(INFO if severity is Severity.INFO else WARNING, {}).get(code, (0, 0))
    return right, reported


@cache
def _examined() -> dict[str, dict[str, list[int]]]:
    """Severity -> code -> [right, reported]."""
    text = files("levinthal.clinic.findings").joinpath("examined.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, list[int]]] = json.loads(text)["findings"]
    return found
