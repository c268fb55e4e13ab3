"""How often a finding was the cause where it was said: measured, not felt.

In the tuning halves of the examination (`python benchmarks/confidence.py`) every run has one known cause, or
none. `examined.json` counts for every code how often it was said as a root, as a remark and louder, and how
often it was then the cause.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from levinthal.vocabulary import Severity

LOUD, REMARK = "said aloud", "remarked"


def confidence(code: str, severity: Severity) -> float | None:
    """The share of runs in which the code, at this severity, was the cause: (right + 1) / (reported + 2).

    That is Laplace's rule. None for a code that no examination could report: it has no error rate yet.

    >>> confidence("DEAD_RELU", Severity.WARNING) > 0.5, confidence("NO_SUCH_CODE", Severity.WARNING)
    (True, None)
    """
    if not is_examined(code):
        return None
    right, said = counted(code, severity)
    return (right + 1) / (said + 2)


def is_examined(code: str) -> bool:
    """Whether the runs that were counted could show it: a kind that is newer than they are has no counts.

    >>> is_examined("DEAD_RELU"), is_examined("NO_SUCH_CODE")
    (True, False)
    """
    return any(code in table for table in _examined().values())


def counted(code: str, severity: Severity) -> tuple[int, int]:
    """In how many runs it was right, of those in which it was said."""
    right, said = _examined().get(REMARK if severity is Severity.INFO else LOUD, {}).get(code, (0, 0))
    return right, said


@cache
def _examined() -> dict[str, dict[str, list[int]]]:
    text = files("levinthal.clinic.findings").joinpath("examined.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, list[int]]] = json.loads(text)["findings"]
    return found
