"""Bad input, hostile names, kills, damaged files: how many were tried, and how many were answered badly.

Run by `python benchmarks/reliability.py [SET ...] [--only TEXT] [--write]`; without a name it runs all sets.
`--write` puts the table into docs/reliability.md.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import _root  # noqa: F401  # isort: skip

from benchmarks.abuse.attack import Attack
from benchmarks.abuse.forked import faults_of, preload

SETS = (
    "numbers",
    "study_files",
    "study_commands",
    "output_paths",
    "random_lines",
    "downloads",
    "data_files",
    "names",
    "store_files",
    "flips",
    "kills",
    "disks",
    "problem_files",
    "file_names",
    "api_calls",
)
"""The sets: the modules of `benchmarks.abuse` with a function `attacks`."""
PAGE = Path(__file__).resolve().parent.parent / "docs" / "reliability.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"

Row = tuple[str, str, int, int]
"""Set, kind, tried, failed."""


def attacks_of(name: str) -> Sequence[Attack]:
    """The attacks of a set."""
    make: Callable[[], Sequence[Attack]] = import_module(f"benchmarks.abuse.{name}").attacks
    return make()


def run(name: str, only: str = "") -> list[Row]:
    """Make all attacks of a set, print those that are answered badly, and count."""
    tried, failed = Counter[str](), Counter[str]()
    for attack in attacks_of(name):
        if only not in f"{attack.kind}: {attack.name}":
            continue
        faults = faults_of(attack)
        tried[attack.kind] += 1
        failed[attack.kind] += bool(faults)
        for fault in faults:
            print(f"{name} | {attack.kind}: {attack.name} | {fault}", flush=True)
    return [(name, kind, count, failed[kind]) for kind, count in tried.items()]


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown, with the sum."""
    lines = ["| set | kind | tried | answered badly |", "|---|---|--:|--:|"]
    lines += [f"| {name} | {kind} | {tried:,} | {failed:,} |" for name, kind, tried, failed in rows]
    tried, failed = (sum(counts) for counts in zip(*(row[2:] for row in rows), strict=True))
    return "\n".join([*lines, f"| **all** | | **{tried:,}** | **{failed:,}** |"])


def write(text: str) -> None:
    """Put the table between its marks into the page."""
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(BEGIN)
    tail = rest.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("sets", nargs="*", choices=[*SETS, []])
    parser.add_argument("--only", default="", help="attacks whose kind and name hold this text")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    preload()
    begun = time.monotonic()
    rows = [row for name in options.sets or SETS for row in run(name, options.only)]
    made = f"{platform.machine()}, {datetime.now(UTC):%Y-%m-%d}, {time.monotonic() - begun:.0f} s"
    text = f"{table(rows)}\n\n{made}."
    print(text)
    if options.write:
        write(text)
    return int(any(row[3] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
