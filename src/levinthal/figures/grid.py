"""The grid of panels: the columns that fit a width, and the space for ticks, titles and names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from levinthal.figures.keys import KEY_SIZE, LINE, escaped, indistinct, key_lines, keyed, text_width, wrap
from levinthal.figures.labels import labels_fit
from levinthal.figures.palette import Look
from levinthal.figures.scales import Scale
from levinthal.vocabulary import Axis, Figure

TICK_SIZE = 12
Scales = tuple[Scale, Scale]
_NARROWEST = 300
_MOST_COLUMNS = 3
_TIGHT = 12
_EMPTY = "\u00a0"


@dataclass(frozen=True, slots=True)
class Grid:
    """The layout of the panels in pixels: size of a plot, the space around it, its title, the legend.

    `labelled` is true if names stand at the right end of the traces.
    """

    count: int
    columns: int
    width: float
    height: float
    left: float
    right: float
    head: float
    foot: float
    heads: tuple[str, ...]
    keys: tuple[str, ...]
    labelled: bool

    @property
    def tall(self) -> float:
        """Height of all rows."""
        return math.ceil(self.count / self.columns) * (self.head + self.height + self.foot)

    def domain(self, index: int) -> tuple[list[float], list[float]]:
        """The share of the plotting area that panel `index` covers, across and up."""
        row, column = divmod(index, self.columns)
        pitch = self.left + self.width + self.right
        x = column * pitch + self.left
        top = row * (self.head + self.height + self.foot) + self.head
        across = (x / (self.columns * pitch), (x + self.width) / (self.columns * pitch))
        up = (1 - (top + self.height) / self.tall, 1 - top / self.tall)
        return [round(share, 5) for share in across], [round(share, 5) for share in up]


def arrange(figure: Figure, scales: Sequence[Scales], look: dict[str, Look], width: int) -> Grid:
    """The grid of a figure at `width` pixels: up to three columns, rows as even as possible."""
    count = max(len(figure.panels), 1)
    columns = min(count, _MOST_COLUMNS, max(1, width // _NARROWEST))
    columns = math.ceil(count / math.ceil(count / columns))
    height = 340.0 if count == 1 and width > 520 else 260.0
    pitch = width / columns
    left = max([30.0, *(_tick_room(y, height) for _, y in scales)])
    named = indistinct(figure, look)
    keys = [key for key in keyed(figure.panels, look) if key.name not in named]
    direct = labels_fit(figure, scales, pitch, height) if columns <= 2 and len(keys) > 1 else 0.0
    right = direct or _TIGHT
    plot = pitch - left - right
    heads, lines = _heads(figure, columns, left + plot)
    names = max([0.0, *(slant(x, plot)[1] for x, _ in scales)])
    above = () if direct else tuple(key_lines(keys, figure, width))
    return Grid(
        count, columns, plot, height, left, right, 14 + LINE * lines, names + 56, heads, above, direct > 0
    )


def _tick_room(scale: Scale, height: float) -> float:
    return 14 + max((text_width(text, TICK_SIZE) for text in scale.ticks(round(height / 50))[1]), default=0)


def slant(scale: Scale, plot: float) -> tuple[int, float]:
    """The angle of the names under a panel, and the space they need beyond one line of ticks."""
    if not scale.categories:
        return 0, 0.0
    slot = plot / len(scale.categories)
    wrapped = [wrap(name, TICK_SIZE, slot) for name in scale.categories]
    if all(text_width(line, TICK_SIZE) <= slot for lines in wrapped for line in lines):
        return 0, 15.0 * (max(map(len, wrapped)) - 1)
    longest = max(text_width(name, TICK_SIZE) for name in scale.categories)
    return -45, 0.71 * longest


def _heads(figure: Figure, columns: int, room: float) -> tuple[tuple[str, ...], int]:
    """The text above each panel, all with the same number of lines: its title, then its vertical axis.

    A panel whose left neighbour has the same vertical axis does not repeat it.
    """
    panels = figure.panels
    titles = [wrap(panel.title, KEY_SIZE + 1, room) for panel in panels]
    repeats = [i % columns > 0 and panels[i - 1].y == panel.y for i, panel in enumerate(panels)]
    sides = [[] if again else _side(panel.y, room) for panel, again in zip(panels, repeats, strict=True)]
    most = [max(map(len, lines), default=0) for lines in (titles, sides)]
    heads = []
    for title, side in zip(titles, sides, strict=True):
        bold = [f"<b>{escaped(line)}</b>" for line in title]
        padded = [*[_EMPTY] * (most[0] - len(title)), *bold, *side, *[_EMPTY] * (most[1] - len(side))]
        heads.append("<br>".join(padded))
    return tuple(heads), sum(most)


def _side(axis: Axis, room: float) -> list[str]:
    lines = wrap(axis_words(axis), KEY_SIZE, room - 16)
    return [f"↑ {escaped(line)}" if i == 0 else escaped(line) for i, line in enumerate(lines)]


def axis_words(axis: Axis) -> str:
    """The label of an axis with its unit.

    >>> axis_words(Axis("Test error", "%"))
    'Test error (%)'
    """
    return f"{axis.label} ({axis.unit})" if axis.unit else axis.label
