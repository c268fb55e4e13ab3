"""`study run` killed at a random moment: the same command goes on, and nothing is lost or changed."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from benchmarks.abuse import coins
from benchmarks.abuse.attack import Attack, Files

KILLS = int(os.environ.get("LEVINTHAL_KILLS", "1000"))
PAIRS = 10
"""One kill of so many is of a run with two workers; they take seconds to start."""
TWO = coins.RUN.replace("--workers 1", "--workers 2")


def attacks() -> Sequence[Attack]:
    """As many kills as asked for; each is followed by the same command, which has to end well."""
    return list(_attacks())


def _attacks() -> Iterator[Attack]:
    chance = random.Random(2)
    for number in range(KILLS):
        two = number % PAIRS == PAIRS - 1
        moment = chance.random() * (6.0 if two else 1.2)
        whole = chance.random() < 0.5
        kind = "SIGKILL of a run with two workers" if two else "SIGKILL of a run"
        yield _killed(kind, f"{number}, after {moment:.2f} of its length", two, moment, whole)


@cache
def _length() -> float:
    """Seconds of an undisturbed run; the slowest of three, because the machine may be busy."""
    import tempfile

    def once() -> float:
        with tempfile.TemporaryDirectory() as name, coins.inside(Path(name)):
            Path("coins.py").write_text(coins.STUDY)
            begun = time.monotonic()
            coins.spoken(coins.RUN.split())
            return time.monotonic() - begun

    return max(once() for _ in range(3))


def _killed(kind: str, name: str, two: bool, moment: float, whole: bool) -> Attack:
    """One kill of the process alone or of its whole group, then the same command."""
    line, length = TWO if two else coins.RUN, _length()

    def act(folder: Path) -> int:
        child = coins.started(line.split(), "first")
        time.sleep(moment * length)
        with suppress(ProcessLookupError):  # it has ended before
            (os.killpg if whole else os.kill)(child, signal.SIGKILL)
        coins.ended(child, "first")
        before = _finished(folder)
        code, out, err = coins.ended(coins.started(line.split(), "second"), "second")
        print(out)
        print(err, file=sys.stderr)
        for fault in _faults(folder, before, out):
            print(fault, file=sys.stderr)
            code = code or 1
        return code

    codes = frozenset({0})
    return Attack(kind, name, act, codes=codes, prepare=Files(coins.FILES), seconds=120)


def _finished(folder: Path) -> set[str]:
    """The runs that are finished after a kill; the store must be sound."""
    from levinthal.lab import Store

    path = folder / coins.STORE
    if not path.exists() or not path.stat().st_size:
        return set()
    with Store(path) as store:
        assert store.check() == [], store.check()
        return {repr(run) for run in store.runs("coins")}


def _faults(folder: Path, before: set[str], out: str) -> Iterator[str]:
    truth, verdicts = coins.truth()[1:]
    found = coins.read(folder / coins.STORE)
    if lost := before - found.runs:
        yield f"{len(lost)} finished runs are lost"
    if found.rows != truth.rows:
        yield f"{len(found.rows ^ truth.rows)} rows are not those of an undisturbed run"
    if len(found.runs) != len(truth.runs):
        yield f"{len(found.runs)} runs in place of {len(truth.runs)}"
    if coins.verdicts(out) != verdicts:
        yield "the verdicts are not those of an undisturbed run"
    if left := [path.name for path in folder.iterdir() if path.name.startswith(".page")]:
        yield f"half a page is left: {left[0]}"
