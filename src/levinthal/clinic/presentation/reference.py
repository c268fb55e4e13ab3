"""docs/findings.md, made from the catalogue: `python -m levinthal.clinic.presentation.reference PAGE COUNTS`.

COUNTS is a JSON file of false alarms: `runs`, the number of healthy runs, and `warned`, code -> how many of
them have it as a warning or worse.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scipy import stats

from levinthal.clinic.findings.confidence import counted
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.vocabulary import Severity

HEAD = """<!-- Made by `python3 dev.py docs` from the catalogue. Do not edit. -->

# The findings

When each is reported. A threshold alone is no warning: where the table says *plateaued* or *degraded
training*, the loss has to stay within its noise, be higher than at the start, or be no number; without that
the finding is info.
*False alarms* are the healthy runs of the examination (`python benchmarks/false_alarms.py`) in which the
finding was a warning or worse, with the upper end of their 95 % interval (Clopper & Pearson): {runs:,} runs.
*The cause* is in how many runs of the examination's tuning halves the finding was the cause, of those in
which it was a warning or worse, and of those in which it was info (`python benchmarks/confidence.py`); its
`confidence` is that share, by Laplace's rule.
[How to watch](watch.md) · [what cures](treat.md)

| code | means | evidence and threshold | false alarms | the cause: warning, info | source | remedy |
|---|---|---|--:|--:|---|---|
"""


def page(counts: Mapping[str, Any]) -> str:
    """The page as Markdown."""
    rows = "".join(_row(code, int(counts["warned"].get(code, 0)), int(counts["runs"])) for code in CATALOGUE)
    return HEAD.format(runs=counts["runs"]) + rows


def _row(code: str, alarms: int, runs: int) -> str:
    kind = CATALOGUE[code]
    share = f"{alarms} (at most {upper_end(alarms, runs):.1%})"
    right = ", ".join(_often(*counted(code, severity)) for severity in (Severity.WARNING, Severity.INFO))
    cells = (f"`{code}`", kind.means, kind.evidence_text, share, right, kind.source, kind.remedy)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _often(right: int, said: int) -> str:
    return f"{right} of {said}" if said else "–"


def upper_end(count: int, runs: int) -> float:
    """The upper end of the two-sided 95 % interval of a share, exact (Clopper & Pearson 1934).

    >>> round(upper_end(0, 100), 4)  # 1 - .025 ** .01
    0.0362
    """
    return float(stats.beta.ppf(0.975, count + 1, runs - count)) if count < runs else 1.0


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(json.loads(Path(sys.argv[2]).read_text())), encoding="utf-8")
