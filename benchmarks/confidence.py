"""How often a finding was the cause where it was said, over the tuning halves of the examination.

Every code that was said as a root is counted, in sick runs and healthy ones, as a remark or louder. What is
true and not the cause (a batch norm asleep, say, in a run that was made sick otherwise) counts as wrong:
these are shares of causes. Run by `python benchmarks/confidence.py [--seeds N] [--write]`; `--write` keeps
the counts in src/levinthal/clinic/findings/examined.json, from which every finding has its confidence.
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
from benchmarks.faults.evaluate import Answer, examination
from benchmarks.faults.registry import chosen

from levinthal.clinic.findings.confidence import INFO, WARNING
from levinthal.clinic.rules.catalogue import CATALOGUE

KEPT = Path(__file__).parent.parent / "src" / "levinthal" / "clinic" / "findings" / "examined.json"
HALVES = ("tuning", "fresh-tuning", "second-tuning")


def counts(answers: Iterable[tuple[Answer, tuple[str, ...]]]) -> dict[str, dict[str, list[int]]]:
    """How loud -> code -> [right, said], of answers and their right codes."""
    found: dict[str, dict[str, list[int]]] = {WARNING: {}, INFO: {}}
    for answer, right in answers:
        for code, severity in answer.said:
            if code in CATALOGUE:
                cell = found[INFO if severity == "info" else WARNING].setdefault(code, [0, 0])
                cell[0] += code in right
                cell[1] += 1
    return {loud: dict(sorted(table.items())) for loud, table in found.items()}


def main() -> None:
    """Examine, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    answers = list[tuple[Answer, tuple[str, ...]]]()
    for half in HALVES:
        right = {p.problem.name: (p.code, *p.also) for p in chosen(half)[1]}
        answers += [(a, right.get(a.name, ())) for a in examination(half, range(options.seeds))]
    table = counts(answers)
    about = {"runs": len(answers), "seeds": options.seeds, "date": time.strftime("%Y-%m-%d")}
    for loud, rows in table.items():
        for code, (right_runs, said) in rows.items():
            print(f"{loud:>12} {code:<26} {right_runs:>4} of {said:>4}")
    if options.write:
        KEPT.write_text(json.dumps({**about, "torch": torch.__version__, "findings": table}, indent=1) + "\n")


if __name__ == "__main__":
    main()
