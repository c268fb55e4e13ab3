"""Panels to a grid that fits a width: small multiples side by side on a screen, one column on a phone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from levinthal.figures.keys import KEY_SIZE, LINE, end_labels, key_lines, keyed, labels_fit, text_width, wrap
from levinthal.figures.palette import Look, at_level, looks
from levinthal.figures.scales import Scale, fit
from levinthal.figures.traces import Pen, draw_series
from levinthal.vocabulary import Axis, Figure, Panel, Series

WIDTHS = (1040, 860, 680, 520, 400, 320)
"""Widths in pixels that a page keeps a layout for: it takes the widest that its column holds."""

TICK_SIZE = 12
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
_BETWEEN = 26
_TITLE = 14
_TIGHT = 10

Scales = tuple[Scale, Scale]


@dataclass(frozen=True, slots=True)
class Grid:
    """The panels' places in pixels: columns, sizes of a plot, room left of, right of, over and under it."""

    columns: int
    width: float
    height: float
    left: float
    right: float
    head: float
    foot: float
    total: float
    count: int

    @property
    def rows(self) -> int:
        """Rows of panels."""
        return math.ceil(self.count / self.columns)

    @property
    def tall(self) -> float:
        """Height of all rows."""
        return self.rows * (self.head + self.height + self.foot)

    def domain(self, index: int) -> tuple[list[float], list[float]]:
        """The share of the plotting area that panel `index` covers, across and up."""
        row, column = divmod(index, self.columns)
        pitch = self.width + self.left + self.right
        span = self.columns * pitch
        x = column * pitch + self.left
        top = row * (self.head + self.height + self.foot) + self.head
        return (
            [round(x / span, 5), round((x + self.width) / span, 5)],
            [round(1 - (top + self.height) / self.tall, 5), round(1 - top / self.tall, 5)],
        )


def draw(figure: Figure, width: int = WIDTHS[0]) -> dict[str, Any]:
    """A figure as plotly's `data` and `layout`, plain lists and dicts, laid out for `width` pixels.

    Pure: numbers in, dict out, rounded to six digits. `data` is the same for every width. Colours are
    tokens (`token:mlp`), for the painter to look up in a theme. A value that has no place (not finite,
    negative on a logarithmic axis) leaves a gap; zero has a place of its own on a logarithmic axis.

    >>> from levinthal.vocabulary import Axis, Panel, Series
    >>> line = Series("MLP", (1, 10, 100), (0.9, 0.5, 0.1), group="mlp")
    >>> drawn = draw(Figure("f", "Error falls", "", (Panel(Axis("step", log=True), Axis("error"), (line,)),)))
    >>> drawn["data"][0]["y"], drawn["data"][0]["line"]["color"]
    ([0.9, 0.5, 0.1], 'token:mlp')
    """
    scales = _scales(figure.panels)
    look = looks(tuple(s.group for panel in figure.panels for s in panel.series))
    data = [t for i, panel in enumerate(figure.panels) for t in _traces(panel, i + 1, scales[i], look)]
    return {"data": data, "layout": _layout(figure, scales, look, width)}


def _scales(panels: Sequence[Panel]) -> list[Scales]:
    """Panels with the same axis share its range, so that they can be compared."""

    def of(axis: Axis, letter: str) -> Scale:
        values: list[float | str] = []
        for panel in panels:
            if getattr(panel, letter) == axis:
                values += [v for s in panel.series for v in _values(s, letter)]
        bars = letter == "y" and any(s.role == "bar" for p in panels if p.y == axis for s in p.series)
        return fit(axis, values, from_zero=bars)

    return [(of(panel.x, "x"), of(panel.y, "y")) for panel in panels]


def _values(series: Series, letter: str) -> tuple[float | str, ...]:
    if letter == "y":
        return (*series.y, *series.low, *series.high)
    return () if series.role == "reference" and len(set(series.y)) == 1 else series.x


def _traces(panel: Panel, number: int, scales: Scales, look: dict[str, Look]) -> list[dict[str, Any]]:
    aside = [s for s in panel.series if s.role in ("point", "bar")] if scales[0].categories else []
    slot = 0.8 / max(len(aside), 1)
    summed = {(s.group, s.level) for s in panel.series if s.role == "median"}
    traces: list[dict[str, Any]] = []
    for series in sorted(
        panel.series, key=lambda s: ("reference", "bar", "seed").count(s.role), reverse=True
    ):
        place = next((i for i, other in enumerate(aside) if other is series), None)
        dodge = 0.0 if place is None else (place + 0.5) * slot - 0.4
        drawn = at_level(look[series.group], series.level)
        lone = (series.group, series.level) not in summed
        traces += draw_series(series, Pen(number, *scales, drawn, dodge, 0.9 * slot, lone), panel)
    return traces


def _layout(figure: Figure, scales: list[Scales], look: dict[str, Look], width: int) -> dict[str, Any]:
    grid, keys = _grid(figure, scales, look, width)
    over = LINE * len(keys) + (8 if keys else 0)
    layout: dict[str, Any] = {
        "height": round(grid.tall + over + 8),
        "margin": {"l": 0, "r": 0, "t": over, "b": 8, "pad": 0},
        "font": {"family": FONT, "size": TICK_SIZE, "color": "token:ink"},
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)", "barmode": "overlay",
        "hovermode": "closest", "dragmode": False, "showlegend": False,
        "hoverlabel": {"bgcolor": "token:raised", "bordercolor": "token:rule",
                       "font": {"color": "token:ink", "family": FONT}},
        "annotations": [_words(line, 0, 1, "left", "bottom", size=KEY_SIZE, ref="paper",
                               yshift=LINE * (len(keys) - 1 - i) + 6) for i, line in enumerate(keys)],
    }  # fmt: skip
    for i, panel in enumerate(figure.panels):
        _add_panel(layout, panel, i, scales[i], grid, _shared(figure, i, grid))
        if grid.right > _TIGHT:
            layout["annotations"] += end_labels(panel, i + 1, scales[i], look, grid.height)
    return layout


def _grid(figure: Figure, scales: list[Scales], look: dict[str, Look], width: int) -> tuple[Grid, list[str]]:
    count = max(len(figure.panels), 1)
    columns = min(count, 3, max(1, width // 300))
    columns = math.ceil(count / math.ceil(count / columns))
    height = 340.0 if count == 1 and width > 520 else 260.0
    left = max([30.0, *(_tick_room(y, height) for _, y in scales)])
    pitch = width / columns
    keys = keyed(figure.panels, look)
    direct = labels_fit(figure, scales, pitch, height) if columns <= 2 and len(keys) > 1 else 0.0
    right = direct or _TIGHT
    plot = pitch - left - right
    heads = [_head(panel, pitch) for panel in figure.panels] or [[]]
    head = 8 + LINE * max(map(len, heads)) + 2
    foot = max([0.0, *(_slant(x, plot)[1] for x, _ in scales)]) + 46
    lines = [] if direct else key_lines(keys, figure, width)
    return Grid(columns, plot, height, left, right, head, foot, width, count), lines


def _tick_room(scale: Scale, height: float) -> float:
    return 14 + max((text_width(text, TICK_SIZE) for text in scale.ticks(round(height / 50))[1]), default=0)


def _slant(scale: Scale, plot: float) -> tuple[int, float]:
    """The angle of the names under a panel, and the room they need beyond one line of ticks."""
    if not scale.categories:
        return 0, 0.0
    slot = plot / len(scale.categories)
    wrapped = [wrap(name, TICK_SIZE, slot) for name in scale.categories]
    if all(text_width(line, TICK_SIZE) <= slot for lines in wrapped for line in lines):
        return 0, 15.0 * (max(map(len, wrapped)) - 1)
    longest = max(text_width(name, TICK_SIZE) for name in scale.categories)
    return -45, 0.71 * longest


def _head(panel: Panel, room: float) -> list[str]:
    """The lines over a panel: its title, then what runs up its side."""
    title = [f"<b>{line}</b>" for line in wrap(panel.title, _TITLE, room)]
    return title + [
        f"↑ {line}" if i == 0 else line for i, line in enumerate(wrap(_label(panel.y), KEY_SIZE, room))
    ]


def _label(axis: Axis) -> str:
    return f"{axis.label} ({axis.unit})" if axis.unit else axis.label


def _shared(figure: Figure, index: int, grid: Grid) -> bool:
    """Whether the panel above another one with the same x axis may leave its title out."""
    below = index + grid.columns
    return below < len(figure.panels) and figure.panels[below].x == figure.panels[index].x


def _words(
    text: str, x: float, y: float, xanchor: str, yanchor: str, *, size: int, ref: str = "", **more: Any
) -> Any:
    refs = {"xref": ref, "yref": ref} if ref else {}
    return {
        "text": text, "x": x, "y": y, "xanchor": xanchor, "yanchor": yanchor, "align": "left",
        "showarrow": False, "font": {"size": size}, **refs, **more,
    }  # fmt: skip


def _add_panel(
    layout: dict[str, Any], panel: Panel, index: int, scales: Scales, grid: Grid, bare: bool
) -> None:
    suffix = "" if index == 0 else str(index + 1)
    across, up = grid.domain(index)
    x, y = _axis(scales[0], grid.width, 70), _axis(scales[1], grid.height, 50)
    angle, room = _slant(scales[0], grid.width)
    if scales[0].categories and angle == 0:
        slot = grid.width / len(scales[0].categories)
        x["ticktext"] = ["<br>".join(wrap(name, TICK_SIZE, slot)) for name in scales[0].categories]
    layout[f"xaxis{suffix}"] = x | {"domain": across, "anchor": f"y{suffix}", "tickangle": angle}
    layout[f"yaxis{suffix}"] = y | {"domain": up, "anchor": f"x{suffix}"}
    refs = {"xref": f"x{suffix} domain", "yref": f"y{suffix} domain"}
    head = "<br>".join(_head(panel, grid.width + grid.left))
    layout["annotations"].append(
        _words(head, 0, 1, "left", "bottom", size=KEY_SIZE, yshift=6, xshift=4 - grid.left, **refs)
    )
    if not bare:
        layout["annotations"].append(
            _words(f"{_label(panel.x)} →" if not scales[0].categories else _label(panel.x), 0.5, 0, "center",
                   "top", size=KEY_SIZE, yshift=-(20 + room), **refs)
        )  # fmt: skip


def _axis(scale: Scale, pixels: float, pitch: float) -> dict[str, Any]:
    values, texts = scale.ticks(max(2, round(pixels / pitch)))
    return {
        "type": "log" if scale.log else "linear", "range": [round(scale.low, 6), round(scale.high, 6)],
        "tickmode": "array", "tickvals": values, "ticktext": texts, "fixedrange": True,
        "gridcolor": "token:grid", "gridwidth": 1, "showgrid": not scale.categories, "zeroline": False,
        "linecolor": "token:rule", "showline": True, "ticks": "outside", "ticklen": 4,
        "tickcolor": "token:rule", "tickfont": {"size": TICK_SIZE, "color": "token:muted"},
    }  # fmt: skip
