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
CHAIN = 10
"""So many kills of one study, one after the other, before it may end."""
PAIRS = 10
"""One study of so many has two workers; they take seconds to start."""
TWO = coins.RUN.replace("--workers 1", "--workers 2")


def attacks() -> Sequence[Attack]:
    """As many kills as asked for; each is followed by the same command, which has to end well."""
    return list(_attacks())


def _attacks() -> Iterator[Attack]:
    chance = random.Random(2)
    for number in range(max(KILLS // CHAIN, 1)):
        two = number % PAIRS == PAIRS - 1
        kind = f"{min(CHAIN, KILLS)} SIGKILLs of a study" + (" with two workers" if two else "")
        longest = 6.0 if two else 1.0
        moments = [chance.random() * longest for _ in range(min(CHAIN, KILLS))]
        yield _killed(kind, f"{number}", two, moments, [chance.random() < 0.5 for _ in moments])


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


def _killed(kind: str, name: str, two: bool, moments: Sequence[float], wholes: Sequence[bool]) -> Attack:
    """Kills of the process alone or of its whole group, each followed by the same command."""
    line, length = TWO if two else coins.RUN, _length()

    def act(folder: Path) -> int:
        before, lost = set[str](), 0
        for moment, whole in zip(moments, wholes, strict=True):
            _kill(line, moment * length, whole)
            now = _finished(folder)
            lost, before = lost + len(before - now), now
        code, out, err = coins.ended(coins.started(line.split(), "last"), "last")
        print(out)
        print(err, file=sys.stderr)
        for fault in _faults(folder, before, lost, out):
            print(fault, file=sys.stderr)
            code = code or 1
        return code

    codes = frozenset({0})
    return Attack(kind, name, act, codes=codes, prepare=Files(coins.FILES), seconds=300)


def _kill(line: str, seconds: float, whole: bool) -> None:
    child = coins.started(line.split(), "killed")
    time.sleep(seconds)
    with suppress(ProcessLookupError):  # it has ended before
        (os.killpg if whole else os.kill)(child, signal.SIGKILL)
    coins.ended(child, "killed")


def _finished(folder: Path) -> set[str]:
    """The runs that are finished after a kill; the store must be sound."""
    from levinthal.lab import Store

    path = folder / coins.STORE
    if not path.exists() or not path.stat().st_size:
        return set()
    with Store(path) as store:
        assert store.check() == [], store.check()
        return {repr(run) for run in store.runs("coins")}


def _faults(folder: Path, before: set[str], lost_before: int, out: str) -> Iterator[str]:
    truth, verdicts = coins.truth()[1:]
    found = coins.read(folder / coins.STORE)
    if lost := len(before - found.runs) + lost_before:
        yield f"{lost} finished runs are lost"
    if found.rows != truth.rows:
        yield f"{len(found.rows ^ truth.rows)} rows are not those of an undisturbed run"
    if len(found.runs) != len(truth.runs):
        yield f"{len(found.runs)} runs in place of {len(truth.runs)}"
    if coins.verdicts(out) != verdicts:
        yield "the verdicts are not those of an undisturbed run"
    if left := [path.name for path in folder.iterdir() if path.name.endswith(".part")]:
        yield f"half a page is left: {left[0]}"
