"""Sweep the toy study in two worker processes: `sweeping.py STORE FAULT...`."""

from __future__ import annotations

import sys

import toy_study

from levinthal.lab import Processes, Store, sweep

if __name__ == "__main__":
    faults = sys.argv[2:]
    tasks = toy_study.tasks(*faults, widths=() if faults else (20, 50, 200))
    with Store(sys.argv[1]) as store:
        summary = sweep(toy_study.toy(tasks), "only", store, executor=Processes(2))
    print(summary)
    sys.exit(summary.exit_code)
