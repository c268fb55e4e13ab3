from __future__ import annotations

import math
from typing import Any

import pytest

from levinthal.figures.palette import looks
from levinthal.figures.scales import fit
from levinthal.figures.traces import Pen, draw_series
from levinthal.vocabulary import Axis, Panel, Series

X, Y = Axis("step", "", log=True), Axis("error", "%")


def drawn(
    series: Series, *, lone: bool = True, number: int = 1, x: Axis = X, y: Axis = Y
) -> list[dict[str, Any]]:
    scales = fit(x, series.x), fit(y, (*series.y, *series.low, *series.high))
    look = looks((series.group,))[series.group]
    return draw_series(series, Pen(number, *scales, look, lone=lone), Panel(x, y, (series,)))


def line(**more: Any) -> Series:
    return Series("MLP", (1, 10, 100, 1000), (90.0, 50.0, 20.0, 5.0), group="mlp", **more)


def test_a_median_is_a_thick_line_through_its_points() -> None:
    thick, marks = drawn(line())
    assert (thick["x"], thick["y"]) == ([1, 10, 100, 1000], [90, 50, 20, 5])
    assert thick["line"] == {"color": "token:mlp", "width": 2.5}
    assert marks["marker"]["symbol"] == "circle"
    assert set(marks["x"]) <= {1, 10, 100, 1000}
    assert marks["x"][0] == 1
    assert marks["x"][-1] == 1000


def test_a_seed_is_thin_and_fainter_beside_its_median() -> None:
    (alone,) = drawn(line(role="seed"))
    (beside,) = drawn(line(role="seed"), lone=False)
    assert alone["line"] == {"color": "token:mlp/0.75", "width": 1.1}
    assert beside["line"] == {"color": "token:mlp/0.35", "width": 1.1}


def test_a_band_goes_round_the_interval() -> None:
    band, *_ = drawn(line(low=(80, 40, 15, 4), high=(95, 60, 30, 9)))
    assert band["x"] == [1, 10, 100, 1000, 1000, 100, 10, 1]
    assert band["y"] == [80, 40, 15, 4, 9, 30, 60, 95]
    assert band["fill"] == "toself"
    assert band["fillcolor"] == "token:mlp/0.18"


def test_a_trace_that_turns_gets_whiskers_not_a_band() -> None:
    turning = Series(
        "MLP", (1, 3, 2), (1.0, 2.0, 3.0), low=(0.5, 1.5, 2.5), high=(2.0, 3.0, 5.0), group="mlp"
    )
    traces = drawn(turning, x=Axis("x"))
    assert not any(trace.get("fill") for trace in traces)
    assert traces[0]["error_y"]["array"] == [1, 1, 2]
    assert traces[0]["error_y"]["arrayminus"] == [0.5, 0.5, 0.5]


def test_arrows_point_along_the_trace_and_ends_are_open_and_full() -> None:
    _, heads, ends = drawn(line(arrow=True))
    assert heads["marker"]["symbol"] == "arrow"
    assert heads["marker"]["angleref"] == "previous"
    assert heads["marker"]["size"][::2] == [0] * (len(heads["x"]) // 2)
    assert all(size == 12 for size in heads["marker"]["size"][1::2])
    pairs = list(zip(heads["x"][::2], heads["x"][1::2], strict=True))
    assert all(pair in [(1, 10), (10, 100), (100, 1000)] for pair in pairs)
    assert (ends["x"], ends["y"]) == ([1, 1000], [90, 5])
    assert ends["marker"]["color"] == ["token:paper", "token:mlp"]


def test_a_lone_seed_shows_its_direction_once() -> None:
    _, heads, ends = drawn(line(role="seed", arrow=True))
    assert len(heads["x"]) == 2
    assert ends["x"] == [1, 1000]
    assert len(drawn(line(role="seed", arrow=True), lone=False)) == 1


def test_a_trace_that_stands_still_has_no_arrowhead() -> None:
    still = Series("MLP", (1, 1, 1), (2.0, 2.0, 2.0), arrow=True)
    assert not [t for t in drawn(still) if t.get("marker", {}).get("symbol") == "arrow"]


def test_values_without_a_place_leave_a_gap() -> None:
    gappy = Series("MLP", (1, -1, 100, 1000), (90.0, 50.0, math.nan, 5.0), group="mlp")
    thick, *_ = drawn(gappy)
    assert thick["x"] == [1, None, None, 1000]
    assert thick["y"] == [90, None, None, 5]


def test_nothing_to_draw_draws_nothing() -> None:
    traces = drawn(Series("MLP", (), (), group="mlp", low=(), high=()))
    assert all(trace["y"] == [] for trace in traces)


def test_points_carry_whiskers_on_their_own_side() -> None:
    (dots,) = drawn(Series("a", ("k", "l"), (2.0, 3.0), "point", "mlp", low=(1.5, 1.0), high=(4.0, 3.5)))
    assert dots["mode"] == "markers"
    assert dots["x"] == [0, 1]
    assert dots["error_y"]["array"] == [2, 0.5]
    assert dots["error_y"]["arrayminus"] == [0.5, 2]


def test_a_whisker_never_points_backwards() -> None:
    (dots,) = drawn(Series("a", (1, 2), (2.0, 3.0), "point", low=(2.5, math.nan), high=(1.0, 4.0)))
    assert dots["error_y"]["array"] == [0, 1]
    assert dots["error_y"]["arrayminus"] == [0, 0]


def test_a_level_reference_crosses_the_panel() -> None:
    (dotted,) = drawn(Series("chance", (1, 1000), (90.0, 90.0), "reference"))
    assert dotted["line"]["dash"] == "dot"
    assert dotted["x"][0] < 1
    assert dotted["x"][1] > 1000
    assert dotted["y"] == [90, 90]


def test_a_curved_reference_keeps_its_points() -> None:
    (dotted,) = drawn(Series("theory", (1, 10), (90.0, 9.0), "reference"))
    assert dotted["x"] == [1, 10]


def test_a_bar_has_its_height() -> None:
    (bar,) = drawn(Series("a", ("k", "l"), (2.0, 3.0), "bar", "mlp"))
    assert bar["type"] == "bar"
    assert bar["y"] == [2, 3]


@pytest.mark.parametrize("number", [1, 3])
def test_traces_know_their_panel(number: int) -> None:
    traces = drawn(line(), number=number)
    assert all(t.get("xaxis") == (None if number == 1 else "x3") for t in traces)


def test_the_hover_text_has_units_and_no_markup_of_the_name() -> None:
    thick, *_ = drawn(Series("a<b", (1, 2), (1.0, 2.0)))
    assert thick["hovertemplate"] == "<b>a&lt;b</b><br>error: %{y:.3~g} %<br>step: %{x:.3~g}<extra></extra>"


def test_numbers_are_rounded_to_six_digits() -> None:
    thick, *_ = drawn(Series("a", (1, 2), (1.23456789, 2.0)))
    assert thick["y"] == [1.23457, 2]
