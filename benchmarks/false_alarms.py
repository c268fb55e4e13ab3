"""False alarms: the findings reported as a warning or worse on the healthy cases of every suite.

Run by `python benchmarks/false_alarms.py [--seeds N] [--write]`; `--write` stores the counts in
benchmarks/results/false_alarms.json, from which `python3 dev.py docs` makes the table in docs/findings.md.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import _root  # noqa: F401  # isort: skip

import torch
from benchmarks.faults.evaluate import evaluate_healthy
from benchmarks.faults.registry import SUITES

from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.vocabulary import Severity

RESULTS = Path(__file__).parent / "results" / "false_alarms.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warned, runs = Counter[str](), 0
    for problem in (problem for suite in SUITES for problem in suite.healthy):
        for seed in range(options.seeds):
            reported = evaluate_healthy(problem, seed).reported
            warned.update({code for code, severity in reported if severity != Severity.INFO})
            runs += 1
    found = {
        "runs": runs,
        "torch": torch.__version__,
        "codes": list(CATALOGUE),
        "warned": dict(sorted(warned.items())),
    }
    print(json.dumps(found, indent=2))
    if options.write:
        RESULTS.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
