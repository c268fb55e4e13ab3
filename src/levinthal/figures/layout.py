"""Panels in a grid that fits a width: small multiples side by side on a screen, one column on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from levinthal.figures.grid import TICK_SIZE, Grid, Scales, arrange, axis_words, slant
from levinthal.figures.keys import KEY_SIZE, LINE, escaped, indistinct, wrap
from levinthal.figures.labels import end_labels, point_labels
from levinthal.figures.palette import Look, at_level, looks
from levinthal.figures.scales import Scale, fit
from levinthal.figures.traces import Pen, draw_series
from levinthal.vocabulary import Axis, Figure, Panel, Series

WIDTHS = (1040, 860, 680, 520, 400, 320)
"""Widths in pixels for which a page stores a layout. It shows the widest one that fits its column."""

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"

_DEPTH = {"reference": 0, "bar": 1, "seed": 2}

Annotation = dict[str, Any]


def draw(figure: Figure, width: int = WIDTHS[0]) -> dict[str, Any]:
    """Draw a figure as plotly's `data` and `layout`, plain lists and dicts.

    The function is pure. `data` does not depend on the width. A value without a position (not finite, or
    negative on a logarithmic axis) leaves a gap. Zero has a position of its own on a logarithmic axis.

    Args:
        figure: panels of series.
        width: of the page's column, in pixels.

    Returns:
        A dict of `data` and `layout`, with numbers rounded to six digits. Colours are tokens, which `LIGHT` and
        `DARK` translate.

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
        return fit(axis, values, upright=letter == "y", from_zero=bars)

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
    for series in sorted(panel.series, key=lambda s: _DEPTH.get(s.role, len(_DEPTH))):
        place = next((i for i, other in enumerate(aside) if other is series), None)
        dodge = 0.0 if place is None else (place + 0.5) * slot - 0.4
        drawn = at_level(look[series.group], series.level)
        lone = (series.group, series.level) not in summed
        traces += draw_series(series, Pen(number, *scales, drawn, dodge, 0.9 * slot, lone), panel)
    return traces


def _layout(figure: Figure, scales: list[Scales], look: dict[str, Look], width: int) -> dict[str, Any]:
    grid = arrange(figure, scales, look, width)
    over = LINE * len(grid.keys) + (10 if grid.keys else 0)
    layout: dict[str, Any] = {
        "height": round(grid.tall + over),
        "margin": {"l": 0, "r": 0, "t": over, "b": 0, "pad": 0},
        "font": {"family": FONT, "size": TICK_SIZE, "color": "token:ink"},
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)", "barmode": "overlay",
        "hovermode": "closest", "dragmode": False, "showlegend": False,
        "hoverlabel": {"bgcolor": "token:raised", "bordercolor": "token:rule",
                       "font": {"color": "token:ink", "family": FONT}},
        "annotations": _key_words(grid.keys),
    }  # fmt: skip
    identical = indistinct(figure, look)
    for i, panel in enumerate(figure.panels):
        layout |= _axes(i, scales[i], grid)
        layout["annotations"] += _panel_words(figure, i, scales[i], grid)
        layout["annotations"] += point_labels(panel, i + 1, scales[i], identical, (grid.width, grid.height))
        if grid.labelled:
            layout["annotations"] += end_labels(panel, i + 1, scales[i], look, grid.height)
    return layout


def _words(text: str, x: float, y: float, xanchor: str, yanchor: str, **more: Any) -> Annotation:
    return {
        "text": text, "x": x, "y": y, "xanchor": xanchor, "yanchor": yanchor, "align": "left",
        "showarrow": False, "font": {"size": KEY_SIZE}, **more,
    }  # fmt: skip


def _key_words(lines: Sequence[str]) -> list[Annotation]:
    paper = {"xref": "paper", "yref": "paper"}
    last = len(lines) - 1
    return [
        _words(line, 0, 1, "left", "bottom", yshift=LINE * (last - i) + 6, **paper)
        for i, line in enumerate(lines)
    ]


def _panel_words(figure: Figure, index: int, scales: Scales, grid: Grid) -> list[Annotation]:
    """The title of a panel and the label of its horizontal axis, unless the panel below has the same axis."""
    panel, suffix = figure.panels[index], _suffix(index)
    refs = {"xref": f"x{suffix} domain", "yref": f"y{suffix} domain"}
    head = _words(grid.heads[index], 0, 1, "left", "bottom", yshift=6, xshift=4 - grid.left, **refs)
    below = index + grid.columns
    if grid.columns > 1 and below < len(figure.panels) and figure.panels[below].x == panel.x:
        return [head]
    along = escaped(axis_words(panel.x)) + ("" if scales[0].categories else " →")
    room = slant(scales[0], grid.width)[1]
    return [head, _words(along, 0.5, 0, "center", "top", yshift=-(24 + room), **refs)]


def _suffix(index: int) -> str:
    return "" if index == 0 else str(index + 1)


def _axes(index: int, scales: Scales, grid: Grid) -> dict[str, Any]:
    suffix = _suffix(index)
    across, up = grid.domain(index)
    x, y = _axis(scales[0], grid.width, 70), _axis(scales[1], grid.height, 50)
    angle, _ = slant(scales[0], grid.width)
    if scales[0].categories:
        slot = grid.width / len(scales[0].categories)
        lines = [wrap(name, TICK_SIZE, slot if angle == 0 else 1e4) for name in scales[0].categories]
        x["ticktext"] = ["<br>".join(map(escaped, line)) for line in lines]
    return {
        f"xaxis{suffix}": x | {"domain": across, "anchor": f"y{suffix}", "tickangle": angle},
        f"yaxis{suffix}": y | {"domain": up, "anchor": f"x{suffix}"},
    }


def _axis(scale: Scale, pixels: float, pitch: float) -> dict[str, Any]:
    values, texts = scale.ticks(max(2, round(pixels / pitch)))
    return {
        "type": "log" if scale.log else "linear", "range": [round(scale.low, 6), round(scale.high, 6)],
        "tickmode": "array", "tickvals": values, "ticktext": texts, "fixedrange": True,
        "gridcolor": "token:grid", "gridwidth": 1, "showgrid": not scale.categories, "zeroline": False,
        "linecolor": "token:rule", "showline": True, "ticks": "outside", "ticklen": 4,
        "tickcolor": "token:rule", "tickfont": {"size": TICK_SIZE, "color": "token:muted"},
    }  # fmt: skip
