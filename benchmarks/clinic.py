"""Error rates of the clinic: healthy and faulty cases, each trained inside `levinthal.watch`.

The cases are small (each under a second on one thread) and fixed. They are split by healthy case; the same
variant of a fault may be in both splits, on different cases. A faulty case counts with a seed only if it
scores below nine tenths of its healthy baseline, except for faults that are wrong without a visible effect
on the score. First: the first finding is the cause. Warned: and it is a warning or worse. Present: the
cause is among the findings. Early: the cause was first after 50 steps. Alarms: findings that follow from no
other and are a warning or worse. Single failures are listed only for a split that the rules may be learnt
from. Run by `python benchmarks/clinic.py [--suite NAME] [--split SPLIT] [--seeds N] [--only NAME]
[--write]`; `--write` stores the tables in benchmarks/results/clinic.md, those of a blind suite in
clinic-blind-1.md, clinic-blind-1-held-out.md and so on. The suites, and what is known of each, are in
benchmarks/faults/registry.py.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import _root  # noqa: F401  # isort: skip

import torch
from benchmarks.faults.case import SPLITS
from benchmarks.faults.evaluate import Answer, answers, by_code, targets
from benchmarks.faults.registry import ALL, SUITES, Suite, find

RESULTS = Path(__file__).parent / "results"


def target_table(suite: Suite, split: str, found: Sequence[Answer]) -> Iterator[str]:
    faulty = sum(bool(a.code) for a in found)
    title = f"Suite {suite.name}, {'both splits' if split == ALL else f'{split} split'}"
    yield f"## {title}: {len(found) - faulty} healthy and {faulty} faulty runs\n"
    yield f"{suite.line(split)}\n"
    yield "| quantity | measured | target | met |"
    yield "|---|--:|--:|---|"
    for target in targets(found):
        sign, form = ("at least", "at most")[not target.at_least], "{:.2f}" if target.target > 1 else "{:.1%}"
        row = (target.quantity, form.format(target.value), f"{sign} {form.format(target.target)}")
        yield f"| {' | '.join(row)} | {'yes' if target.is_met else 'no'} |"


def code_table(found: Sequence[Answer]) -> Iterator[str]:
    yield "\n| cause | runs | first | warned | present | early | alarms |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for code, runs, (*shares, alarms) in by_code(found):
        yield f"| {code} | {runs} | {' | '.join(f'{share:.0%}' for share in shares)} | {alarms:.1f} |"


def failures(found: Sequence[Answer]) -> Iterator[str]:
    yield "\n| failure | seed | score | healthy | reported instead |"
    yield "|---|--:|--:|--:|---|"
    for a in found:
        if a.trouble or (not a.first if a.code else a.alarms):
            reported = ", ".join(f"{code} ({severity})" for code, severity in a.reported) or "nothing"
            late = " *present*" if a.present else ""
            trouble = f" trouble: {a.trouble}" if a.trouble else ""
            yield f"| {a.name} | {a.seed} | {a.score:.2f} | {a.baseline:.2f} | {reported}{late}{trouble} |"


def tables(suite: Suite, split: str, seeds: int, only: str) -> Iterator[str]:
    found = list(answers(suite.cases(split), range(seeds), only))
    yield from target_table(suite, split, found)
    yield from code_table(found)
    if split == suite.may_be_learnt_from:
        yield from failures(found)


def page(suite: Suite, split: str) -> Path:
    """The file of results: the own suite has one, of a blind suite every selection has its own."""
    parts = () if suite.rules_seen else (suite.name, *(() if split == ALL else (split,)))
    return RESULTS / f"{'-'.join(('clinic', *parts))}.md"


def head(suite: Suite, splits: Sequence[str], seeds: int, seconds: float) -> str:
    """The first lines of a page: what was run, and how to read the tables."""
    healthy, faulty = suite.cases(splits[0] if len(splits) == 1 else ALL)
    return (
        f"# Error rates of the clinic\n\n{len(healthy)} healthy and {len(faulty)} faulty cases, "
        f"{seeds} seeds, torch {torch.__version__}, {seconds:.0f} s of CPU.\n\n"
        f"{(__doc__ or '').partition(' Run by')[0]}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--suite", choices=[suite.name for suite in SUITES], default="own")
    parser.add_argument(
        "--split", choices=(*SPLITS, ALL), help="if left out: own, each in turn; blind, the whole suite"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="a part of the names")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    suite, start, lines = find(options.suite), time.process_time(), list[str]()
    splits = (options.split,) if options.split else suite.default_splits
    for split in splits:
        for line in (*tables(suite, split, options.seeds, options.only), ""):
            print(line, flush=True)
            lines.append(line)
    lines.insert(0, head(suite, splits, options.seeds, time.process_time() - start))
    if options.write:
        page(suite, splits[0]).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
