"""Where the command line writes: results to stdout, progress to stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text


class Terminal(Console):
    """A console that lets a closed pipe be handled in one place."""

    def on_broken_pipe(self) -> None:
        """Raise instead of leaving at once."""
        raise BrokenPipeError


class Advance(Protocol):
    """Tells that `done` of `total` is reached, with a note on what is in hand."""

    def __call__(self, done: float, total: float, note: str = "") -> None:
        """Show it."""


def stdout() -> Console:
    """The console for results; follows NO_COLOR, pipes and the width of the window."""
    return Terminal(file=sys.stdout, highlight=False)


class _Literal(Table):
    """A table whose cells are text as it stands: a bracket in a name is not markup."""

    def add_row(self, *cells: Any, **options: Any) -> None:
        super().add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells), **options)


def plain_table(*columns: str) -> Table:
    """A table without lines; its first column is never folded."""
    table = _Literal(*columns, box=None, pad_edge=False, header_style="bold")
    table.columns[0].no_wrap = True
    return table


def clock(seconds: float) -> str:
    """A duration in its two largest units.

    >>> clock(7), clock(95), clock(7300)
    ('7 s', '1 min 35 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@contextmanager
def progress(label: str) -> Iterator[Advance]:
    """A bar on a terminal; elsewhere one line at each tenth of the way."""
    console = Console(file=sys.stderr, highlight=False)
    with _bar(label, console) if console.is_terminal else _lines(label) as advance:
        yield advance


@contextmanager
def _bar(label: str, console: Console) -> Iterator[Advance]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    with Progress(*columns, TimeElapsedColumn(), TextColumn("{task.fields[note]}"), console=console) as bar:
        task = bar.add_task(label, total=None, note="")

        def advance(done: float, total: float, note: str = "") -> None:
            bar.update(task, completed=done, total=total, note=note)

        yield advance


@contextmanager
def _lines(label: str) -> Iterator[Advance]:
    shown = -1

    def advance(done: float, total: float, note: str = "") -> None:
        nonlocal shown
        tenth = int(10 * done / total) if total else shown
        if tenth != shown:
            shown = tenth
            words = (f"{label}: {10 * tenth}%", note)
            print(", ".join(filter(None, words)), file=sys.stderr, flush=True)

    yield advance
