"""Write docs/findings.md from the catalogue: `python -m levinthal.clinic.presentation.reference PAGE COUNTS`.

COUNTS is a JSON file of false alarms: `runs`, the number of healthy runs, `codes`, the findings that there
were at that time, and `warned`, code -> the number of runs that report it as a warning or as critical.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scipy import stats

from levinthal.clinic.findings.confidence import counts
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.vocabulary import Severity

HEAD = """<!-- Made by `python3 dev.py docs` from the catalogue. Do not edit. -->

# The findings

The table says when each finding is reported. A threshold alone gives no warning. *Training plateaued* means
that the loss stays within its noise. *Degraded training* means that the loss plateaued, is higher than at the
start, or is not finite. Without that the finding is info.

- *False alarms*: in how many of {runs:,} healthy runs the finding was a warning or critical
  (`python benchmarks/false_alarms.py`), with the upper end of the 95 % interval (Clopper & Pearson). A dash:
  the finding is newer than these runs.
- *True cause*: in how many runs the finding was the true cause, of the runs that reported it as a warning (or
  critical), and of those that reported it as info. The runs are those of the development splits
  (`python benchmarks/confidence.py`). The `confidence` of a finding is this share, by Laplace's rule.

See also: [how to watch](watch.md), [how to treat](treat.md).

| code | meaning | evidence and threshold | false alarms | true cause: warning, info | source | remedy |
|---|---|---|--:|--:|---|---|
"""


def page(counts: Mapping[str, Any]) -> str:
    """The page as Markdown, from the counts of false alarms."""
    rows = "".join(_row(code, _alarms(code, counts)) for code in CATALOGUE)
    return HEAD.format(runs=counts["runs"]) + rows


def _alarms(code: str, counts: Mapping[str, Any]) -> str:
    """How many healthy runs it warned; a dash where it was not measured."""
    if code not in counts["codes"]:
        return "–"
    alarms = int(counts["warned"].get(code, 0))
    return f"{alarms} (at most {upper_end(alarms, int(counts['runs'])):.1%})"


def _row(code: str, share: str) -> str:
    """One line of the table."""
    kind = CATALOGUE[code]
    right = ", ".join(_of(*counts(code, severity)) for severity in (Severity.WARNING, Severity.INFO))
    cells = (f"`{code}`", kind.means, kind.evidence_text, share, right, kind.source, kind.remedy)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _of(right: int, reported: int) -> str:
    """How often it was right; a dash where it was never reported."""
    return f"{right} of {reported}" if reported else "–"


def upper_end(count: int, runs: int) -> float:
    """The upper end of the two-sided 95 % interval of a share, exact (Clopper & Pearson 1934).

    >>> round(upper_end(0, 100), 4)  # 1 - .025 ** .01
    0.0362
    """
    return float(stats.beta.ppf(0.975, count + 1, runs - count)) if count < runs else 1.0


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(json.loads(Path(sys.argv[2]).read_text())), encoding="utf-8")
