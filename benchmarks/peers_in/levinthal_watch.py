"""`levinthal.watch` as the examination sets it: one step in `problem.every`, mostly 5."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.faults.case import Run, watching
from benchmarks.faults.own.data import Rows

from levinthal.clinic import Watch

from .tools import Heard, Said


@contextmanager
def watched(run: Run, rows: Rows, held: Rows) -> Iterator[Callable[[], Heard]]:
    """The loop inside `with watch(...)`."""
    with watching(run, rows, held) as watch:
        yield lambda: heard(watch)


def heard(watch: Watch) -> Heard:
    """The findings; one that is folded under its cause is said in passing, so it counts as information."""
    found = watch.findings()
    said = tuple(Said(f.code, "info" if f.follows else str(f.severity)) for f in found)
    return Heard(said, tuple(f.code for f in found[:1]), (watch.trouble,) if watch.trouble else ())
