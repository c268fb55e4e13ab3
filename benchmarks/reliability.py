"""Bad input, hostile names, kills, damaged files: how many were tried, and how many were answered badly.

Run by `python benchmarks/reliability.py [SET ...] [--only TEXT] [--write]`; without a name it runs all sets.
`--write` stores the counts of the sets that ran whole in benchmarks/results/reliability.json, all kinds in
benchmarks/results/reliability.md, and puts the table, of the last run of each set, into docs/reliability.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
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
    "fuzz",
)
"""The sets: the modules of `benchmarks.abuse` with a function `attacks`."""
ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reliability.md"
COUNTS = ROOT / "benchmarks" / "results" / "reliability.json"
KINDS = COUNTS.with_suffix(".md")
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


@dataclass(frozen=True, slots=True)
class Counts:
    """What came of one run of a set.

    Attributes:
        tried: How many attacks, by kind.
        badly: How many of them were answered badly, by kind.
        date: The day, in UTC.
        machine: Where it ran: processor, cores, Python, torch.
        seconds: How long it took.
    """

    tried: Mapping[str, int]
    badly: Mapping[str, int]
    date: str
    machine: str
    seconds: float


def attacks_of(name: str) -> Sequence[Attack]:
    """The attacks of a set."""
    make: Callable[[], Sequence[Attack]] = import_module(f"benchmarks.abuse.{name}").attacks
    return make()


def run(name: str, only: str = "") -> Counts:
    """Make all attacks of a set, print those that are answered badly, and count."""
    tried, badly = Counter[str](), Counter[str]()
    begun = time.monotonic()
    for attack in attacks_of(name):
        if only not in f"{attack.kind}: {attack.name}":
            continue
        faults = faults_of(attack)
        tried[attack.kind] += 1
        badly[attack.kind] += bool(faults)
        for fault in faults:
            print(f"{name} | {attack.kind}: {attack.name} | {fault}", flush=True)
    return Counts(
        dict(tried), dict(badly), f"{datetime.now(UTC):%Y-%m-%d}", machine(), round(time.monotonic() - begun)
    )


def machine() -> str:
    """Processor, cores, Python and torch in words."""
    processor = platform.processor() or platform.machine()
    return (
        f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {version('torch')}"
    )


def counted() -> dict[str, Counts]:
    """The counts of the last run of each set that is stored."""
    if not COUNTS.exists():
        return {}
    return {name: Counts(**counts) for name, counts in json.loads(COUNTS.read_text(encoding="utf-8")).items()}


def table(counts: Mapping[str, Counts]) -> str:
    """One row a set, with the sum, as Markdown."""
    lines = ["| set | what | tried | answered badly | date |", "|---|---|--:|--:|---|"]
    for name, one in counts.items():
        sums = f"{sum(one.tried.values()):,} | {sum(one.badly.values()):,}"
        lines.append(f"| `{name}` | {what(name)} | {sums} | {one.date} |")
    tried, badly = (
        sum(sum(part.values()) for part in parts)
        for parts in ([one.tried for one in counts.values()], [one.badly for one in counts.values()])
    )
    lines.append(f"| **all** | | **{tried:,}** | **{badly:,}** | |")
    return "\n".join(lines)


def what(name: str) -> str:
    """What a set tries: the first sentence of its module."""
    text = import_module(f"benchmarks.abuse.{name}").__doc__ or ""
    return text.partition("\n")[0].rstrip(".")


def kinds(counts: Mapping[str, Counts]) -> str:
    """One row a kind, as Markdown."""
    lines = [
        "# Reliability: all kinds of attack",
        "",
        "Written by `python benchmarks/reliability.py --write`.",
        "",
    ]
    lines += ["| set | kind | tried | answered badly |", "|---|---|--:|--:|"]
    for name, one in counts.items():
        lines += [
            f"| {name} | {kind} | {tried:,} | {one.badly[kind]:,} |" for kind, tried in one.tried.items()
        ]
    return "\n".join([*lines, ""])


def write(new: Mapping[str, Counts]) -> None:
    """Store the counts beside those of the other sets, and put the table between its marks into the page."""
    stored = {**counted(), **new}
    counts = {name: stored[name] for name in SETS if name in stored}
    COUNTS.write_text(json.dumps({name: asdict(one) for name, one in counts.items()}, indent=1) + "\n")
    KINDS.write_text(kinds(counts), encoding="utf-8")
    machines = "; ".join(dict.fromkeys(one.machine for one in counts.values()))
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(BEGIN)
    tail = rest.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}\n\n{table(counts)}\n\n{machines}.\n\n{END}{tail}", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("sets", nargs="*", choices=[*SETS, []])
    parser.add_argument("--only", default="", help="attacks whose kind and name hold this text")
    parser.add_argument("--write", action="store_true", help="store the counts; not together with --only")
    options = parser.parse_args()
    if options.only and options.write:
        parser.error("--write stores the counts of whole sets: leave --only out")
    preload()
    counts: dict[str, Counts] = {}
    for name in options.sets or SETS:
        counts[name] = run(name, options.only)
        if options.write:
            write({name: counts[name]})
    print(f"{table(counts)}\n\n{machine()}.")
    return int(any(any(one.badly.values()) for one in counts.values()))


if __name__ == "__main__":
    sys.exit(main())
