"""The legend: the line of keys above the panels, and its texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from levinthal.figures.palette import Look, at_level
from levinthal.vocabulary import Figure, Panel, Series

KEY_SIZE = 13
LINE = 20
_GAP = "\u2003\u2002"
_TRAVEL = "token:muted"


@dataclass(frozen=True, slots=True)
class Key:
    """A name, its marker as a character, and its colours."""

    name: str
    glyph: str
    colour: str
    text: str

    @property
    def width(self) -> float:
        """Pixels the key takes in a line of keys, with the gap after it."""
        return text_width(f"{self.glyph} {self.name}", KEY_SIZE) + 22


def text_width(text: str, size: float) -> float:
    """An upper estimate of the width of a text in pixels, without its font.

    >>> text_width("test", 10)
    21.6
    """
    return round(0.54 * size * len(text), 6)


def wrap(text: str, size: float, room: float) -> list[str]:
    """`text` broken at spaces (not at no-break ones) into lines of at most `room` pixels, if possible."""
    lines: list[str] = []
    for word in filter(None, text.split(" ")):
        if lines and text_width(f"{lines[-1]} {word}", size) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def keyed(panels: Iterable[Panel], looks: Mapping[str, Look]) -> list[Key]:
    """The keys of a figure: every named series once, and seeds only if no summary represents them.

    Ordered factors come in their order, whatever panel they appear in first.
    """
    every = sorted((s for panel in panels for s in panel.series), key=lambda s: s.level or 0.0)
    summed = {(s.group, s.level) for s in every if s.role not in ("seed", "reference")}
    keys: dict[tuple[str, str], Key] = {}
    for series in every:
        lone = series.role == "seed" and (series.group, series.level) not in summed
        name = (series.group or series.name) if lone else series.name
        if series.role != "seed" or lone:
            key = key_of(name, series, looks[series.group])
            keys.setdefault((key.name, key.colour), key)
    return [key for key in keys.values() if key.name]


def indistinct(figure: Figure, looks: Mapping[str, Look]) -> frozenset[str]:
    """Names of all single points, if two of them look identical: then a legend cannot distinguish them."""
    every = [s for panel in figure.panels for s in panel.series if s.role == "point"]
    many = {s.name for s in every if len(s.x) != 1 or isinstance(s.x[0], str)}
    names: dict[tuple[str, float | None], set[str]] = {}
    for series in every:
        names.setdefault((looks[series.group].colour, series.level), set()).add(series.name)
    if not any(len(same) > 1 and not same & many for same in names.values()):
        return frozenset()
    return frozenset(s.name for s in every) - many


def key_of(name: str, series: Series, look: Look) -> Key:
    """The key of one series: its marker in its colour, or a dash if it has no group."""
    look = at_level(look, series.level)
    if series.role == "reference":
        return Key(name, "┄", look.colour, look.text)
    return Key(name, look.full if series.group else "━", look.colour, look.text)


def key_lines(keys: Sequence[Key], figure: Figure, room: float) -> list[str]:
    """The keys as lines of plotly text, at most `room` pixels wide if the names allow it."""
    if len(keys) < 2:
        keys = ()
    if any(s.arrow for panel in figure.panels for s in panel.series):
        keys = (*keys, Key("start → ● end", "○", _TRAVEL, _TRAVEL))
    lines: list[str] = []
    used = room
    for key in keys:
        name = escaped(key.name).replace(" ", "\u00a0")
        text = f'<span style="color:{key.colour}">{key.glyph}</span> {name}'
        if lines and used + key.width <= room:
            lines[-1] += _GAP + text
            used += key.width
        else:
            lines.append(text)
            used = key.width
    return lines


def escaped(text: str) -> str:
    """A text with its markup characters escaped, for plotly.

    >>> escaped("a < b & c")
    'a &lt; b &amp; c'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
