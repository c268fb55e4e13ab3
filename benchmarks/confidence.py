"""Precision of the findings: how often a reported finding was the cause, on splits open to learning.

Every finding that follows from no other is counted, in faulty and in healthy runs, as info and as a warning
or worse. A finding that is true but not the injected cause (an idle batch norm, for example, in a case with
another fault) counts as wrong: these are shares of causes. The suites and their splits are those of
benchmarks/faults/registry.py. Run by `python benchmarks/confidence.py [--seeds N] [--write]`; `--write`
stores the counts in src/levinthal/clinic/findings/examined.json, from which every finding has its
confidence.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import _root  # noqa: F401  # isort: skip

import torch
from benchmarks.faults.evaluate import Answer, answers
from benchmarks.faults.registry import SUITES

from levinthal.clinic.findings.confidence import INFO, WARNING
from levinthal.clinic.rules.catalogue import CATALOGUE

STORED = Path(__file__).parent.parent / "src" / "levinthal" / "clinic" / "findings" / "examined.json"


def counts(judged: Iterable[tuple[Answer, tuple[str, ...]]]) -> dict[str, dict[str, list[int]]]:
    """Severity group -> code -> [right, reported], of answers and their right codes."""
    found: dict[str, dict[str, list[int]]] = {WARNING: {}, INFO: {}}
    for answer, right in judged:
        for code, severity in answer.reported:
            if code in CATALOGUE:
                cell = found[INFO if severity == "info" else WARNING].setdefault(code, [0, 0])
                cell[0] += code in right
                cell[1] += 1
    return {group: dict(sorted(table.items())) for group, table in found.items()}


def main() -> None:
    """Evaluate, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    judged = list[tuple[Answer, tuple[str, ...]]]()
    for suite in SUITES:
        cases = suite.cases(suite.may_be_learnt_from)
        right = {case.problem.name: (case.code, *case.also) for case in cases[1]}
        judged += [(a, right.get(a.name, ())) for a in answers(cases, range(options.seeds))]
    table = counts(judged)
    about = {"runs": len(judged), "seeds": options.seeds, "date": time.strftime("%Y-%m-%d")}
    for group, rows in table.items():
        for code, (right_runs, reported) in rows.items():
            print(f"{group:>12} {code:<26} {right_runs:>4} of {reported:>4}")
    if options.write:
        STORED.write_text(
            json.dumps({**about, "torch": torch.__version__, "findings": table}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
