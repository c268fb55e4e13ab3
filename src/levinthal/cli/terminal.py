"""Where the command line writes: results to stdout, progress to stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from levinthal.shown import one_line, plain


class Terminal(Console):
    """A console for text of others: a bracket is no markup, and nothing in a text moves the cursor.

    A closed pipe is handled in one place.
    """

    def render_str(self, text: str, **options: Any) -> Text:
        """Make rich's text of a string; rich would drop the ends of escape sequences, and leave the rest."""
        return super().render_str(plain(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Make the segments of something that is shown, in plain text."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(plain(text), style)

    def on_broken_pipe(self) -> None:
        """Raise instead of leaving at once."""
        raise BrokenPipeError


class Advance(Protocol):
    """Tells that `done` of `total` is reached, with a note on what is in hand."""

    def __call__(self, done: float, total: float, note: str = "") -> None:
        """Show it."""


def stdout() -> Console:
    """The console for results; follows NO_COLOR, pipes and the width of the window."""
    return Terminal(file=sys.stdout, highlight=False, markup=False, emoji=False)


def notice(line: str) -> None:
    """Say one thing on stderr, in one line: `levinthal: ...`."""
    _on_stderr(f"levinthal: {one_line(line)}")


def _on_stderr(line: str) -> None:
    """Print a line beside the results; where stderr is full, the results come all the same."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


class _OneLineCells(Table):
    """A table in which a text of others makes no line of its own."""

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        """Add a row; the ends of lines in its texts become spaces."""
        super().add_row(*(one_line(cell) if isinstance(cell, str) else cell for cell in cells), **options)


def plain_table(*columns: str) -> Table:
    """A table without lines, of texts in one line; its first column is never folded."""
    table = _OneLineCells(*columns, box=None, pad_edge=False, header_style="bold")
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
    console = Terminal(file=sys.stderr, highlight=False, markup=False, emoji=False)
    with _bar(label, console) if console.is_terminal else _lines(label) as advance:
        yield advance


@contextmanager
def _bar(label: str, console: Console) -> Iterator[Advance]:
    named, noted = (
        TextColumn(f"{{task.{field}}}", markup=False) for field in ("description", "fields[note]")
    )
    share = TextColumn("{task.percentage:>3.0f}%")
    with Progress(named, BarColumn(), share, TimeElapsedColumn(), noted, console=console) as bar:
        task = bar.add_task(one_line(label), total=None, note="")

        def advance(done: float, total: float, note: str = "") -> None:
            bar.update(task, completed=done, total=total, note=one_line(note))

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
            _on_stderr(one_line(", ".join(filter(None, words))))

    yield advance
