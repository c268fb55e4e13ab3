"""The plotly traces of one series: thin seeds, thick median, band, whiskers, arrows, ends."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from levinthal.figures.keys import escaped
from levinthal.figures.palette import Look
from levinthal.figures.scales import Scale
from levinthal.vocabulary import Axis, Panel, Series

Trace = dict[str, Any]
ARROWS = (0.25, 0.55, 0.85)
MARKS = 6
_EVEN = {"triangle-up": 1.25, "triangle-down": 1.25, "diamond": 1.15, "star": 1.35}


@dataclass(frozen=True, slots=True)
class Pen:
    """How one series is drawn: its panel's number and scales, its look, its offset and width."""

    number: int
    x: Scale
    y: Scale
    look: Look
    dodge: float = 0.0
    width: float = 0.8
    lone: bool = True


def draw_series(series: Series, pen: Pen, panel: Panel) -> list[Trace]:
    """All traces of one series, back to front."""
    xs, ys = _path(series, pen)
    makers = {"seed": _seed, "bar": _bar, "point": _point, "reference": _reference}
    traces = makers.get(series.role, _median)(series, pen, xs, ys)
    anchor = {} if pen.number == 1 else {"xaxis": f"x{pen.number}", "yaxis": f"y{pen.number}"}
    for trace in traces:
        trace |= {"showlegend": False, **anchor}
        if trace.get("hoverinfo") != "skip":
            trace["hovertemplate"] = _hover(series.name, panel.x, panel.y)
    return traces


def _hover(name: str, x: Axis, y: Axis) -> str:
    def line(axis: Axis, letter: str) -> str:
        return f"{escaped(axis.label)}: %{{{letter}:.3~g}} {escaped(axis.unit)}".rstrip()

    return f"<b>{escaped(name)}</b><br>{line(y, 'y')}<br>{line(x, 'x')}<extra></extra>"


def _path(series: Series, pen: Pen) -> tuple[list[float | None], list[float | None]]:
    """The series' positions on both axes. A point without a position on one of them leaves a gap."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    for x, y in zip(series.x, series.y, strict=False):
        at_x, at_y = pen.x.place(x), pen.y.place(y)
        gap = at_x is None or at_y is None
        xs.append(None if at_x is None or gap else at_x + pen.dodge)
        ys.append(None if gap else at_y)
    return xs, ys


def _scatter(mode: str, xs: Sequence[float | None], ys: Sequence[float | None], **more: Any) -> Trace:
    return {"type": "scatter", "mode": mode, "x": _rounded(xs), "y": _rounded(ys), **more}


def _rounded(values: Sequence[float | None]) -> list[float | None]:
    return [None if v is None else float(f"{v:.6g}") for v in values]


def _seed(series: Series, pen: Pen, xs: list[float | None], ys: list[float | None]) -> list[Trace]:
    alpha = 0.75 if pen.lone else 0.35
    line = {"color": pen.look.faint(alpha), "width": 1.1}
    thin = _scatter("lines", xs, ys, name=series.name, line=line, hoverinfo="skip")
    if not series.arrow or not pen.lone:
        return [thin]
    return [thin, *_arrows(series, pen, xs, ys, (0.5,), 8), *_ends(series, pen, xs, ys, 6)]


def _median(series: Series, pen: Pen, xs: list[float | None], ys: list[float | None]) -> list[Trace]:
    thick = _scatter("lines", xs, ys, name=series.name, line={"color": pen.look.colour, "width": 2.5})
    band = _band(series, pen, xs)
    if series.low and not band:
        thick["error_y"] = _whiskers(series, pen, ys)
    if series.arrow:
        return [
            *band, thick, *_arrows(series, pen, xs, ys, ARROWS, 12), *_ends(series, pen, xs, ys, 10)
        ]  # fmt: skip
    return [*band, thick, *_marks(series, pen, xs, ys)]


def _band(series: Series, pen: Pen, xs: list[float | None]) -> list[Trace]:
    """The interval as an area, if x is monotonic. Other traces get whiskers instead."""
    rows = list(zip(xs, map(pen.y.place, series.low), map(pen.y.place, series.high), strict=False))
    whole = [
        (x, low, high) for x, low, high in rows if x is not None and low is not None and high is not None
    ]
    run = [x for x, _, _ in whole]
    if len(whole) < 2 or run not in (sorted(run), sorted(run, reverse=True)):
        return []
    around = [*whole, *reversed(whole)]
    edge = [low for _, low, _ in whole] + [high for _, _, high in reversed(whole)]
    area = _scatter("lines", [x for x, _, _ in around], edge, name=series.name, hoverinfo="skip")
    return [area | {"fill": "toself", "fillcolor": pen.look.faint(0.18), "line": {"width": 0}}]


def _whiskers(series: Series, pen: Pen, ys: list[float | None]) -> Trace:
    def reach(edges: Sequence[float], sign: int) -> list[float]:
        places = itertools.zip_longest(ys, map(pen.y.place, edges[: len(ys)]))
        return [0.0 if y is None or e is None else max(0.0, sign * (e - y)) for y, e in places]

    return {
        "type": "data", "symmetric": False, "color": pen.look.colour, "thickness": 1.5, "width": 0,
        "array": _rounded(reach(series.high, 1)), "arrayminus": _rounded(reach(series.low, -1)),
    }  # fmt: skip


def _point(series: Series, pen: Pen, xs: list[float | None], ys: list[float | None]) -> list[Trace]:
    marker = {
        "color": pen.look.colour,
        "symbol": pen.look.symbol,
        "size": _size(pen.look, 9 if series.low else 7),
    }
    dots = _scatter("markers", xs, ys, name=series.name, marker=marker)
    if series.low:
        return [dots | {"error_y": _whiskers(series, pen, ys)}]
    return [dots]


def _bar(series: Series, pen: Pen, xs: list[float | None], ys: list[float | None]) -> list[Trace]:
    bar: Trace = {"type": "bar", "x": _rounded(xs), "y": _rounded(ys), "name": series.name}
    if pen.x.categories:
        bar["width"] = pen.width
    bar["marker"] = {"color": pen.look.faint(0.75)}
    if series.low:
        bar["error_y"] = _whiskers(series, pen, ys) | {"color": "token:ink"}
    return [bar]


def _reference(series: Series, pen: Pen, xs: list[float | None], ys: list[float | None]) -> list[Trace]:
    """A dotted line. A level (one value of y) spans the whole panel."""
    levels = {y for y in ys if y is not None}
    if len(levels) == 1:
        low, high = (10.0**end if pen.x.log else end for end in (pen.x.low, pen.x.high))
        xs, ys = [low, high], [levels.pop()] * 2
    line = {"color": pen.look.colour, "width": 1.5, "dash": "dot"}
    return [_scatter("lines", xs, ys, name=series.name, line=line, hoverinfo="skip")]


def _drawn(xs: Sequence[float | None], ys: Sequence[float | None]) -> list[int]:
    return [i for i, (x, y) in enumerate(zip(xs, ys, strict=True)) if x is not None and y is not None]


def _lengths(pen: Pen, xs: Sequence[float | None], ys: Sequence[float | None], at: list[int]) -> list[float]:
    """The length of the path up to each drawn point, in shares of the panel."""

    def share(scale: Scale, value: float) -> float:
        return ((math.log10(value) if scale.log else value) - scale.low) / (scale.high - scale.low)

    spots = [(share(pen.x, xs[i] or 0.0), share(pen.y, ys[i] or 0.0)) for i in at]
    steps = [math.dist(one, other) for one, other in itertools.pairwise(spots)]
    return [0.0, *itertools.accumulate(steps)]


def _along(lengths: Sequence[float], shares: Sequence[float]) -> list[int]:
    """The first points beyond each share of the path, each once, without the first point of all."""
    if not lengths or lengths[-1] == 0:
        return []
    past = (next(i for i, s in enumerate(lengths) if s >= share * lengths[-1]) for share in shares)
    return list(dict.fromkeys(i for i in past if i > 0))


def _arrows(
    series: Series,
    pen: Pen,
    xs: list[float | None],
    ys: list[float | None],
    shares: Sequence[float],
    size: int,
) -> list[Trace]:
    """Arrowheads along the path. Each is a pair of points, the first of size 0, which gives the angle."""
    at = _drawn(xs, ys)
    heads = [i for i in _along(_lengths(pen, xs, ys, at), shares) if i < len(at) - 1]
    pairs = [at[j] for i in heads for j in (i - 1, i)]
    if not pairs:
        return []
    marker = {
        "symbol": "arrow", "angleref": "previous", "size": [0, size] * len(heads), "opacity": 1,
        "color": pen.look.colour, "line": {"width": 0},
    }  # fmt: skip
    places = [xs[i] for i in pairs], [ys[i] for i in pairs]
    return [_scatter("markers", *places, name=series.name, marker=marker, hoverinfo="skip")]


def _size(look: Look, size: float) -> float:
    """The size of a marker at which all markers look equally large."""
    return round(size * _EVEN.get(look.symbol, 1.0), 1)


def _ends(series: Series, pen: Pen, xs: list[float | None], ys: list[float | None], size: int) -> list[Trace]:
    """The first point as an open marker, the last point as a full one."""
    at = _drawn(xs, ys)
    if len(at) < 2:
        return []
    ends = [at[0], at[-1]]
    colour = pen.look.colour
    marker = {
        "symbol": pen.look.symbol, "size": [_size(pen.look, size - 1), _size(pen.look, size)], "opacity": 1,
        "color": ["token:paper", colour], "line": {"color": [colour, "token:paper"], "width": [1.8, 0.8]},
    }  # fmt: skip
    places = [xs[i] for i in ends], [ys[i] for i in ends]
    return [_scatter("markers", *places, name=series.name, marker=marker, cliponaxis=False)]


def _marks(series: Series, pen: Pen, xs: list[float | None], ys: list[float | None]) -> list[Trace]:
    """A few markers along a line, so that lines are distinguishable without colour."""
    at = _drawn(xs, ys)
    if len(at) == 1:
        chosen = [0]
    else:
        chosen = [0, *_along(_lengths(pen, xs, ys, at), [(k + 1) / MARKS for k in range(MARKS)])]
    if not at:
        return []
    marker = {
        "symbol": pen.look.symbol, "size": _size(pen.look, 7), "color": pen.look.colour, "opacity": 1,
        "line": {"color": "token:paper", "width": 0.8},
    }  # fmt: skip
    places = [xs[at[i]] for i in chosen], [ys[at[i]] for i in chosen]
    return [_scatter("markers", *places, name=series.name, marker=marker, hoverinfo="skip", cliponaxis=False)]
