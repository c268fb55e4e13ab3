"""A cheap study of many small tasks, its store, and what is read of it, for the attacks on stores."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

STUDY = """
import random, time
from levinthal import Claim, Estimate, Evidence, Interval, Measurement, Preset, Study, Task, Trust

SEEDS = (0, 1, 2, 3, 4, 5)

def measure(task, *, data=None, device="cpu"):
    time.sleep(0.004)
    for seed in task.seeds:
        noise = random.Random(f"{task.cell} {seed}")
        for step in (0, 1, 2, 3):
            value = (0.8 if task.cell["coin"] == "bent" else 0.5) + noise.uniform(-0.1, 0.1)
            between = Interval(value - 0.1, value + 0.1, 0.95, "bootstrap")
            share = Estimate(value, "share", between, trust=Trust.ORDINAL, reasons=("few tosses",),
                             details={"tosses": 9 + step})
            yield Measurement("heads", share, seed, step, "hand", "n=3")

def excess(rows):
    last = rows.where(name="heads", step=3, table=0)
    bent, fair = last.where(coin="bent").by_seed(), last.where(coin="fair").by_seed()
    return Evidence({"all": {s: bent[s] - 0.5 for s in bent}}, {"": {s: fair[s] - 0.5 for s in fair}})

study = Study(
    name="coins", chapter="toys", question="Does a bent coin fall on heads?",
    source="nobody [2026]", version=1,
    presets={"quick": Preset("coins", None, tuple(
        Task({"coin": coin, "table": table}, SEEDS) for table in range(6) for coin in ("bent", "fair")))},
    measure=measure,
    claims=(Claim("T1", "it does", "nobody", "heads above a half", "share", 0.1, "a fair coin", excess,
                  why_smallest="chosen by us: one toss in ten"),),
    figures=lambda rows: (), answer=lambda verdicts: f"It {verdicts['T1'].outcome}.",
    terms={"share": "heads among all tosses"})
"""
FILES = {"coins.py": STUDY}
STORE = "store.sqlite"
OPTIONS = f"--store {STORE} --output page.html"
RUN = f"study run coins.py {OPTIONS} --workers 1 --device cpu"
REPORT = f"study report coins.py {OPTIONS}"


@dataclass(frozen=True, slots=True)
class Read:
    """All that the package reads of a store of this study.

    Attributes:
        rows: Cell, seed and all that is known of each measurement.
        runs: Each run.
        record: The frozen claims, and how many analyses there were.
        named: Words on what is damaged.
    """

    rows: frozenset[str]
    runs: frozenset[str]
    record: tuple[str, ...]
    named: str = ""

    def unlike(self, truth: Read) -> list[str]:
        """Where this differs from the truth without a word; something that is named may be missing."""
        other = [f"another row, unseen: {row}" for row in sorted(self.rows - truth.rows)[:1]]
        other += [f"another run, unseen: {run}" for run in sorted(self.runs - truth.runs)[:1]]
        if not self.named and (len(self.rows), len(self.runs)) != (len(truth.rows), len(truth.runs)):
            lost = len(truth.rows) - len(self.rows), len(truth.runs) - len(self.runs)
            other.append(f"{lost[0]} rows and {lost[1]} runs are missing, and nothing is said")
        if not self.named and self.record != truth.record:
            other.append(f"another record, unseen: {self.record}")
        return other


def read(path: Path) -> Read:
    """Read a store as a report does, and with the check that a user can ask for."""
    from levinthal.lab import Store

    with Store(path, read_only=True) as store:
        rows = frozenset(repr(row) for row in store.rows("coins", version=1))
        runs = frozenset(repr(run) for run in store.runs("coins"))
        frozen = [repr(one) for one in store.frozen("coins", 1, "quick")]
        count = store.count_analysis(("coins", 1, "quick"), "T1", "none", 3)
        return Read(rows, runs, (*frozen, str(count)), getattr(store, "damage", ""))


@cache
def truth() -> tuple[bytes, Read, str]:
    """The store of an undisturbed run as bytes, what is read of it, and the verdicts that were printed."""
    with tempfile.TemporaryDirectory() as name, inside(Path(name)):
        Path("coins.py").write_text(STUDY)
        said = spoken(RUN.split())
        assert said[0] == 0, said
        return Path(STORE).read_bytes(), read(Path(STORE)), verdicts(said[1])


def verdicts(out: str) -> str:
    """What a run printed, without its counts, its times and its paths."""
    lines = (line for line in out.splitlines() if " runs measured in " not in line)
    return "\n".join(line for line in lines if not line.startswith("Report:"))


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder for a while."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def spoken(argv: Sequence[str]) -> tuple[int, str, str]:
    """Run a command line in a fork: its exit code, and what it printed."""
    child = started(argv, "said")
    return ended(child, "said")


def started(argv: Sequence[str], said: str) -> int:
    """Begin a command line in a fork that leads a group of its own; its process id."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        code: Any = 1
        try:
            os.setpgid(0, 0)
            for stream, path in ((1, f"{said}.out"), (2, f"{said}.err")):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
            from levinthal.cli import main

            streams_again()
            code = main(argv)
            sys.stdout.flush()
        finally:
            os._exit(code)
    return child


def streams_again() -> None:
    """Open what is printed to once more, after its files were exchanged."""
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115


def ended(child: int, said: str) -> tuple[int, str, str]:
    """Wait for the end of such a command: its exit code, and what it printed."""
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    out, err = (Path(f"{said}.{end}").read_text("utf-8", errors="replace") for end in ("out", "err"))
    return code, out, err
