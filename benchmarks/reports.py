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
import io
import json
import os
import platform
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import _root  # noqa: F401  # isort: skip

import torch
from benchmarks.faults.case import SPLITS
from benchmarks.faults.observed import Watching, answered
from benchmarks.faults.registry import ALL, REPORTS
from benchmarks.faults.report import Report
from benchmarks.faults.reports.causes import CAUSES

RESULTS = Path(__file__).parent / "results"
Row = dict[str, Any]
COLUMNS = ("runs", "first", "named", "called healthy", "repaired: warned", "repaired: called healthy")


def run(report: Report, seed: int, repaired: bool) -> Row:
    """One watched run: whether it learnt, the causes that the watch reports, and its answer."""
    observer, began, failed = Watching(), time.process_time(), ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with redirect_stdout(io.StringIO()):
                trained = report.run(observer, seed, repaired)
            learnt, score = trained.score >= trained.learnt, trained.score
        except Exception as error:
            learnt, score, failed = False, float("nan"), f"{type(error).__name__}: {error}"
        said = [answered(watch) for watch in observer.watches]
    return {
        "name": report.name,
        "seed": seed,
        "repaired": repaired,
        "learnt": learnt,
        "score": score,
        "failed": failed,
        "states": [each.state for each in said],
        "trouble": [each.trouble for each in said if each.trouble],
        "findings": [finding for each in said for finding in each.findings],
        "line": said[0].first_line if said else "",
        "seconds": time.process_time() - began,
    }


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


def codes(row: Row) -> list[str]:
    """The codes of its findings, the most important first."""
    return [code for code, *_ in row["findings"]]


def causes(row: Row) -> list[str]:
    """The codes of the findings that follow from no other, those that are warnings before info."""
    roots = [(severity == "info", code) for code, severity, _, follows in row["findings"] if not follows]
    return [code for _, code in sorted(roots, key=lambda root: root[0])]


def is_first(row: Row) -> bool:
    """Whether the first cause is a right one."""
    return causes(row)[:1] != [] and causes(row)[0] in CAUSES[row["name"]]


def is_named(row: Row) -> bool:
    """Whether a right cause is among the findings."""
    return any(code in CAUSES[row["name"]] for code in codes(row))


def is_warned(row: Row) -> bool:
    """Whether there is a warning or worse."""
    return any(severity != "info" and not follows for _, severity, _, follows in row["findings"])


def is_healthy(row: Row) -> bool:
    """Whether a watch called the run healthy."""
    return "healthy" in row["states"]


def pairs(found: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Wrong and repaired runs that count: the first did not learn, and the second did."""
    wrong = {(row["name"], row["seed"]): row for row in found if not row["repaired"]}
    fine = {(row["name"], row["seed"]): row for row in found if row["repaired"]}
    both = [(wrong[key], fine[key]) for key in wrong if key in fine]
    return [(a, b) for a, b in both if not a["learnt"] and b["learnt"]]


def table(found: Sequence[Row]) -> Iterator[str]:
    """The counts, as a table of one line."""
    held = pairs(found)
    bad, good = [a for a, _ in held], [b for _, b in held]
    counts = [len(held), *(sum(map(f, bad)) for f in (is_first, is_named, is_healthy))]
    counts += [sum(map(f, good)) for f in (is_warned, is_healthy)]
    shares = [f"{n} ({n / max(len(held), 1):.1%})" for n in counts[1:]]
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"|{'--:|' * len(COLUMNS)}"
    yield f"| {counts[0]} | {' | '.join(shares)} |"


def failures(found: Sequence[Row]) -> Iterator[str]:
    """The runs in which the first cause is wrong, and the repaired ones that are accused."""
    for wrong, fine in pairs(found):
        if not is_first(wrong):
            right = ", ".join(CAUSES[wrong["name"]]) or "no code"
            said = ", ".join(causes(wrong)) or wrong["line"][:60]
            yield f"- {wrong['name']} {wrong['seed']}: {said} ({right})"
        if is_warned(fine):
            yield f"- {fine['name']} {fine['seed']}, repaired: {', '.join(causes(fine))}"


def page(found: Sequence[Row], split: str) -> str:
    """The tables as Markdown."""
    dropped = len(found) // 2 - len(pairs(found))
    lines = [
        "# Mistakes that people report in public",
        "",
        *(line.strip() for line in (__doc__ or "").splitlines()[2:] if "Run by" not in line),
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
