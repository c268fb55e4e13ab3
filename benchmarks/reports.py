"""Mistakes that people report in public: is the cause named, first, and is the repaired program left alone?

Every program runs twice with each seed inside `levinthal.watch` with its defaults: with the mistake and
repaired. A pair counts with a seed if the wrong program stays below the score from which on it learnt, and
the repaired one reaches it. First: the first cause that the watch reports is a right one. Named: a right one
is among all findings. Accused: the repaired program gets a warning or worse. The right codes of every
mistake are in faults/reports/causes.py; a mistake without a code counts as not named. Single failures are
listed only for the split that the rules may be learnt from. Run by `python benchmarks/reports.py [--split
SPLIT] [--seeds N] [--only NAME] [--keep FILE] [--write NAME]`; `--keep` stores a line of JSON for each run
and goes on where it stopped; `--write` stores the tables in benchmarks/results/NAME.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import _root  # noqa: F401  # isort: skip

import torch
from benchmarks.faults.case import SPLITS
from benchmarks.faults.registry import ALL, REPORTS
from benchmarks.faults.report import Report
from benchmarks.faults.reported import Row, failures, pairs, run, table

RESULTS = Path(__file__).parent / "results"


def rows(reports: Sequence[Report], seeds: Sequence[int], keep: Path | None) -> Iterator[Row]:
    """A row for each run, those of `keep` first."""
    old = [json.loads(line) for line in keep.read_text().splitlines()] if keep and keep.exists() else []
    stored = {(row["name"], row["seed"], row["repaired"]): row for row in old}
    for report in reports:
        for seed in seeds:
            for repaired in (False, True):
                row = stored.get((report.name, seed, repaired))
                if row is None:
                    row = run(report, seed, repaired)
                    if keep:
                        with keep.open("a") as file:
                            file.write(json.dumps(row) + "\n")
                    print(
                        f"{report.name} {seed} {'repaired' if repaired else 'wrong'}: {row['line']}",
                        flush=True,
                    )
                yield row


def page(found: Sequence[Row], split: str) -> str:
    """The tables as Markdown."""
    dropped = len(found) // 2 - len(pairs(found))
    lines = [
        "# Mistakes that people report in public",
        "",
        (__doc__ or "").partition("\n\n")[2].partition(" Run by")[0],
        "",
        REPORTS.line(split),
        "",
        f"{time.strftime('%Y-%m-%d')}; {platform.machine()}; torch {torch.__version__}. "
        f"{dropped} pairs do not count: the wrong program learnt, or the repaired one did not.",
        "",
        *table(found),
    ]
    if split == REPORTS.may_be_learnt_from:
        lines += ["", "## Not named first, or accused", "", *failures(found)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Evaluate, print, and store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=(*SPLITS, ALL), default=ALL)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--write", default="")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    chosen = [report for report in REPORTS.reports(asked.split) if asked.only in report.name]
    found = list(rows(chosen, range(asked.seeds), asked.keep))
    text = page(found, asked.split)
    print(text)
    if asked.write:
        (RESULTS / f"{asked.write}.md").write_text(text)


if __name__ == "__main__":
    main()
