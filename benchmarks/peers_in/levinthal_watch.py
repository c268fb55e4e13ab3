"""`levinthal.watch` with the settings of the evaluation: one step in `problem.every`, mostly 5."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.faults.case import Run, watching
from benchmarks.faults.own.data import Rows

from levinthal.clinic import Watch

from .tools import Message, ToolReport


@contextmanager
def watched(run: Run, rows: Rows, held: Rows) -> Iterator[Callable[[], ToolReport]]:
    """The loop inside `with watch(...)`."""
    with watching(run, rows, held) as watch:
        yield lambda: report_of(watch)


def report_of(watch: Watch) -> ToolReport:
    """The findings; a finding that follows from another is listed below it, so it counts as info."""
    found = watch.findings()
    messages = tuple(Message(f.code, "info" if f.follows else str(f.severity)) for f in found)
    return ToolReport(messages, tuple(f.code for f in found[:1]), (watch.trouble,) if watch.trouble else ())
