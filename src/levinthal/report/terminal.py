"""The same answer, verdicts and path for a terminal: at most 100 columns, one screen."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from levinthal.lab.judging.expected import expected_false
from levinthal.report.explained import meanings
from levinthal.report.formatting import counted, full_sentence, listed
from levinthal.report.record import NO_RECORD, Record
from levinthal.report.verdicts import Entry, Line, answer, entries, glyph, level_of, rival_and_failed, tally
from levinthal.shown import one_line
from levinthal.vocabulary import Study, Verdict

WIDTH = 100
_SPAN = 24
_AROUND = 9
_NARROW = 94
_LONGEST = 100_000
_STYLES = {
    "replicates": "green",
    "partially": "yellow",
    "weaker than claimed": "dark_orange",
    "does not replicate": "red",
    "inconclusive": "bright_black",
    "reported": "blue",
}
_ASCII = {
    "●": "*",
    "◐": "/",
    "▽": "v",
    "✕": "x",
    "○": "o",
    "–": "-",
    "·": ".",
    "−": "-",
    "÷": "/",
    "…": "...",
    "∞": "inf",
}


@dataclass(frozen=True, slots=True)
class VerdictTable:
    """What `verdict_table` gives to a rich console; it adapts to the width and the letters at hand."""

    study: Study
    entries: tuple[Entry, ...]
    answer: str
    path: Path | None
    expected: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        plain = options.ascii_only
        width = min(options.max_width, WIDTH)
        yield Text(_letters(self.study.question, plain), style="dim")
        yield Text(_letters(self.answer, plain), style="bold")
        yield Text()
        roomy = not console.is_terminal or console.height >= 2 * len(self.entries) + _AROUND
        if width >= _NARROW:
            yield self._table(plain, width, roomy)
        else:
            yield from self._list(plain, roomy)
        yield Text()
        counts = listed([f"{word} ({count})" for _, word, count in tally(self.entries)])
        ending = f"{counted(len(self.entries), 'claim')}: {counts}." if counts else "No claims."
        yield Text(textwrap.fill(_letters(ending, plain), width))
        if roomy:
            for line in (*self._shared().values(), self._meanings(), self.expected):
                if line:
                    yield Text(textwrap.fill(_letters(line, plain), width), style="dim")
        if roomy and self.study.terms:
            meanings = "; ".join(f"{term}: {meaning}" for term, meaning in self.study.terms.items())
            yield Text(textwrap.fill(_letters(f"{meanings}.", plain), width), style="dim")
        if self.path is not None:
            yield Text(f"Report: {self.path}", overflow="fold")

    def _shared(self) -> dict[str, str]:
        """What keeps several claims open, with their ids: it is said once, below the table."""
        ids: dict[str, list[str]] = {}
        for entry in self.entries:
            for text in _open(entry):
                ids.setdefault(text, []).append(entry.claim.id)
        return {text: f"{', '.join(found)}: {text}" for text, found in ids.items() if len(found) > 1}

    def _meanings(self) -> str:
        found = meanings(entry.label for entry in self.entries)
        return f"{'; '.join(f'{word}: {text}' for word, text in found.items())}." if found else ""

    def _list(self, plain: bool, roomy: bool) -> Iterator[RenderableType]:
        """Two lines a claim, for a narrow screen; with room a third line for an open one."""
        shared = self._shared()
        for entry in self.entries:
            value, span = _numbers(entry.effect)
            numbers = f"{value} {span}" if entry.effect else ""
            head = Text(_letters(f"{glyph(entry.label)} {entry.label}", plain), style=_style(entry))
            yield head.append("  ").append(_letters(numbers, plain), style="default")
            yield Padding(Text(_letters(f"{entry.claim.id} {entry.claim.says}", plain)), (0, 0, 0, 2))
            for mark in entry.marks:
                yield Padding(Text(_letters(full_sentence(mark), plain), style="yellow"), (0, 0, 0, 2))
            if entry.stability:
                stable = Text(_letters(full_sentence(entry.stability), plain), style="dim")
                yield Padding(stable, (0, 0, 0, 2))
            if roomy and (why := _why(entry, shared)):
                yield Padding(Text(_letters(why, plain), style="dim"), (0, 0, 0, 2))

    def _table(self, plain: bool, width: int, roomy: bool) -> Table:
        """One line a claim on a low screen; whole sentences where there is room, and in a pipe."""
        whole: dict[str, Any] = {"no_wrap": not roomy, "overflow": "fold" if roomy else "ellipsis"}
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", width=width)
        table.add_column("verdict", no_wrap=True)
        table.add_column("", no_wrap=True, style="dim")
        table.add_column("claim", ratio=1, **whole)
        table.add_column("effect", no_wrap=True, justify="right")
        table.add_column(level_of(self.entries) or "interval", max_width=_SPAN, **whole)
        table.add_column("seeds", no_wrap=True, justify="right")
        shared = self._shared()
        for entry in self.entries:
            badge = Text(_letters(f"{glyph(entry.label)} {entry.label}", plain), style=_style(entry))
            claim = Text(_letters(entry.claim.says, plain))
            for mark in entry.marks:
                claim.append("\n").append(_letters(full_sentence(mark), plain), style="yellow")
            if entry.stability:
                claim.append("\n").append(_letters(full_sentence(entry.stability), plain), style="dim")
            if roomy and (why := _why(entry, shared)):
                claim.append("\n").append(_letters(why, plain), style="dim")
            numbers = (
                Text(_letters(cell, plain)) for cell in (*_numbers(entry.effect), str(entry.seeds or "–"))
            )
            table.add_row(badge, entry.claim.id, claim, *numbers)
        return table


def _why(entry: Entry, shared: Collection[str]) -> str:
    """What keeps a claim open, unless it is said of several; and what stands beside the effect."""
    alone = [text for text in _open(entry) if text not in shared]
    stands = rival_and_failed(entry)
    return " ".join((*alone, *([full_sentence(stands)] if stands else [])))


def _open(entry: Entry) -> list[str]:
    """The first reason of a claim that is open or holds partially, and the seeds that would settle it."""
    return [full_sentence(text) for text in (entry.ruling, entry.settles) if text]


def _style(entry: Entry) -> str:
    return _STYLES.get(entry.label, "dim")


def _numbers(effect: Line | None) -> tuple[str, str]:
    return ("–", "") if effect is None else (effect.value, effect.interval)


def _letters(text: str, plain: bool) -> str:
    """`text` in one line, in letters the terminal has."""
    line = one_line(text, _LONGEST)
    if not plain:
        return line
    spelled = "".join(_ASCII.get(letter, letter) for letter in line)
    return spelled.encode("ascii", "replace").decode()


def verdict_table(
    study: Study, verdicts: Sequence[Verdict], path: Path | None = None, *, record: Record = NO_RECORD
) -> VerdictTable:
    """Answer, verdicts and the path of the page, for a rich console (which respects NO_COLOR and pipes)."""
    expected = expected_false(verdicts).sentence
    return VerdictTable(
        study, tuple(entries(study, verdicts, record)), answer(study, verdicts), path, expected
    )
