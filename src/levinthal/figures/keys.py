"""Who is who: names at the ends of the traces where they fit, else a line of keys above the panels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from levinthal.figures.palette import Look, at_level
from levinthal.figures.scales import Scale
from levinthal.vocabulary import Figure, Panel, Series

KEY_SIZE = 13
LINE = 20
_GAP = "\u2003\u2002"
_ROOMY = 480
_TRAVEL = "token:muted"


@dataclass(frozen=True, slots=True)
class Key:
    """A name, the character that stands for it, and its colours."""

    name: str
    glyph: str
    colour: str
    text: str

    @property
    def width(self) -> float:
        """Pixels the key takes in a line of keys, with the gap after it."""
        return text_width(f"{self.glyph} {self.name}", KEY_SIZE) + 22


def text_width(text: str, size: float) -> float:
    """A generous guess of the width of a text in pixels, without asking for its font.

    >>> text_width("test", 10)
    21.6
    """
    return round(0.54 * size * len(text), 6)


def wrap(text: str, size: float, room: float) -> list[str]:
    """`text` broken at spaces into lines of at most `room` pixels, where its words allow."""
    lines: list[str] = []
    for word in text.split():
        if lines and text_width(f"{lines[-1]} {word}", size) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def keyed(panels: Iterable[Panel], looks: Mapping[str, Look]) -> list[Key]:
    """The keys of a figure: every named series once, seeds only where nothing else stands for them."""
    every = [series for panel in panels for series in panel.series]
    summed = {(s.group, s.level) for s in every if s.role not in ("seed", "reference")}
    keys: dict[tuple[str, str], Key] = {}
    for series in every:
        lone = series.role == "seed" and (series.group, series.level) not in summed
        name = (series.group or series.name) if lone else series.name
        if series.role != "seed" or lone:
            key = _key(name, series, looks[series.group])
            keys.setdefault((key.name, key.colour), key)
    return [key for key in keys.values() if key.name]


def _key(name: str, series: Series, look: Look) -> Key:
    look = at_level(look, series.level)
    if series.role == "reference":
        return Key(name, "┄", look.colour, look.text)
    return Key(name, look.full if series.group else "━", look.colour, look.text)


def key_lines(keys: Sequence[Key], figure: Figure, room: float) -> list[str]:
    """The keys as lines of plotly text, none wider than `room` pixels where names allow."""
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
    """A text without markup of its own, for plotly.

    >>> escaped("a < b & c")
    'a &lt; b &amp; c'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def end_labels(
    panel: Panel, number: int, scales: tuple[Scale, Scale], looks: Mapping[str, Look], height: float
) -> list[dict[str, Any]]:
    """Annotations naming every line of a panel at its right end, pushed apart until none overlap."""
    named = [s for s in panel.series if s.role != "seed" and s.name]
    shares = [_last_share(s, scales[1]) for s in named]
    order = sorted(range(len(named)), key=lambda i: shares[i])
    spots = spread([shares[i] * height for i in order], LINE - 4, height)
    labels = []
    for i, spot in zip(order, spots, strict=True):
        key = _key(named[i].name, named[i], looks[named[i].group])
        glyph = (
            "" if named[i].role == "reference" else f'<span style="color:{key.colour}">{key.glyph}</span> '
        )
        labels.append({
            "text": glyph + escaped(key.name), "font": {"size": KEY_SIZE, "color": key.text},
            "xref": _ref("x", number), "yref": _ref("y", number), "x": 1, "y": round(spot / height, 4),
            "xanchor": "left", "yanchor": "middle", "xshift": 8, "showarrow": False,
        })  # fmt: skip
    return labels


def _ref(letter: str, number: int) -> str:
    return f"{letter}{number if number > 1 else ''} domain"


def _last_share(series: Series, scale: Scale) -> float:
    shares = [share for share in map(scale.share, series.y) if share is not None]
    return shares[-1] if shares else 0.0


def spread(spots: Sequence[float], least: float, height: float) -> list[float]:
    """Sorted places moved as little as need be until neighbours are `least` apart, within 0 to `height`.

    >>> spread([10.0, 11.0, 50.0], 10, 100)
    [10.0, 20.0, 50.0]
    >>> spread([95.0, 99.0], 10, 100)
    [90.0, 100.0]
    """
    placed: list[float] = []
    for spot in spots:
        placed.append(max(spot, placed[-1] + least if placed else 0.0))
    ceiling = float(height)
    for i in reversed(range(len(placed))):
        placed[i] = min(placed[i], ceiling)
        ceiling = placed[i] - least
    return placed


def labels_fit(figure: Figure, scales: Sequence[tuple[Scale, Scale]], room: float, height: float) -> float:
    """Pixels of margin that labels at the ends of all lines need, or 0 where they do not fit."""
    if room < _ROOMY:
        return 0.0
    widest = 0.0
    for panel, (across, _) in zip(figure.panels, scales, strict=True):
        named = [s for s in panel.series if s.role != "seed" and s.name]
        ends = [across.share(x) for s in named if s.role != "reference" for x in s.x[-1:]]
        lines = all(s.role in ("median", "reference") and not s.arrow for s in named)
        if not lines or across.categories or len(named) * (LINE - 4) > height:
            return 0.0
        if any(end is None or end < 0.9 for end in ends):
            return 0.0
        widest = max([widest, *(text_width(f"● {s.name}", KEY_SIZE) for s in named)])
    return widest + 14 if widest <= 0.28 * room else 0.0
