"""The clinic examined: healthy problems and sick ones, each trained under `levinthal.watch`.

The problems are small (each under a second of one thread) and fixed; halves are split by healthy problem; the
same disguise may be worn in both, on different problems. A sick problem counts with a seed
only if it scores below nine tenths of its healthy twin, except for faults that are wrong without visible
harm. First: the first finding is the cause. Aloud: and it is more than a remark. Present: it is among the
findings. Early: it was first after 50 steps. Alarms: findings that follow from no other and are more than a
remark. Single failures are listed for the tuning half only. The fresh and the second problems were written by
others, who had not read the rules, for blind examinations. Run by
`python benchmarks/clinic.py [--half HALF] [--seeds N] [--only NAME] [--write]`;
`--write` keeps the tables in benchmarks/results/clinic.md, of blind problems in clinic-fresh.md and so on.
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
from benchmarks.faults.evaluate import Answer, bars, by_code, examination
from benchmarks.faults.registry import chosen

RESULTS = Path(__file__).parent / "results" / "clinic.md"
BLIND = ("fresh", "second")
HALVES = ("tuning", "test", "all", *(f"{name}{half}" for name in BLIND for half in ("", "-tuning", "-test")))


def bar_table(half: str, answers: Sequence[Answer]) -> Iterator[str]:
    sick = sum(bool(a.code) for a in answers)
    name = f"{half} problems" if half.startswith(BLIND) else f"{half} half"
    yield f"## The {name}: {len(answers) - sick} healthy and {sick} sick runs\n"
    yield "| what | measured | bar | met |"
    yield "|---|--:|--:|---|"
    for bar in bars(answers):
        sign, shown = ("at least", "at most")[not bar.at_least], "{:.2f}" if bar.bar > 1 else "{:.1%}"
        row = (bar.what, shown.format(bar.value), f"{sign} {shown.format(bar.bar)}")
        yield f"| {' | '.join(row)} | {'yes' if bar.holds else 'no'} |"


def code_table(answers: Sequence[Answer]) -> Iterator[str]:
    yield "\n| cause | runs | first | aloud | present | early | alarms |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for code, runs, (*shares, alarms) in by_code(answers):
        yield f"| {code} | {runs} | {' | '.join(f'{share:.0%}' for share in shares)} | {alarms:.1f} |"


def failures(answers: Sequence[Answer]) -> Iterator[str]:
    yield "\n| failure | seed | score | healthy | what was said instead |"
    yield "|---|--:|--:|--:|---|"
    for a in answers:
        if a.trouble or (not a.first if a.code else a.alarms):
            said = ", ".join(f"{code} ({severity})" for code, severity in a.said) or "nothing"
            late = " *present*" if a.present else ""
            trouble = f" trouble: {a.trouble}" if a.trouble else ""
            yield f"| {a.name} | {a.seed} | {a.score:.2f} | {a.twin:.2f} | {said}{late}{trouble} |"


def tables(half: str, seeds: int, only: str) -> Iterator[str]:
    answers = list(examination(half, range(seeds), only))
    yield from bar_table(half, answers)
    yield from code_table(answers)
    if half not in ("test", *BLIND) and not half.endswith("-test"):
        yield from failures(answers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--half",
        choices=HALVES,
        help="tuning, then test, if left out",
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="a part of the names")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    start, lines = time.process_time(), [(__doc__ or "").partition(" Run by")[0], ""]
    for half in (options.half,) if options.half else ("tuning", "test"):
        for line in (*tables(half, options.seeds, options.only), ""):
            print(line, flush=True)
            lines.append(line)
    seconds = time.process_time() - start
    healthy, sick = chosen(options.half if str(options.half).startswith(BLIND) else "all")
    lines[:0] = [
        f"# The clinic\n\n{len(healthy)} healthy problems, {len(sick)} sick ones, {options.seeds} seeds, "
        f"torch {torch.__version__}, {seconds:.0f} s of CPU.\n"
    ]
    if options.write:
        target = (
            RESULTS.with_name(f"clinic-{options.half}.md") if str(options.half).startswith(BLIND) else RESULTS
        )
        target.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
