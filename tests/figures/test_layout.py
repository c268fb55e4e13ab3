from __future__ import annotations

import json
import re
from typing import Any

import plotly.graph_objects as go
import pytest

from levinthal.figures import DARK, LIGHT, WIDTHS, draw
from levinthal.vocabulary import Axis, Figure, Panel, Series

STEP, ERROR = Axis("Training step", log=True), Axis("Test error", "%", log=True)
MLP = Series(
    "MLP", (0, 1, 10, 100), (90.0, 80.0, 30.0, 5.0), group="mlp", low=(85, 70, 20, 4), high=(95, 88, 40, 6)
)
SHORTCUT = Series("shortcut", (0, 1, 10, 100), (90.0, 60.0, 10.0, 3.0), group="shortcut")
SEED = Series("seed 0", (0, 1, 10, 100), (90.0, 82.0, 33.0, 5.5), "seed", "mlp")
BARS = Series("shortcut", ("30 %", "10 %"), (2.1, 3.3), "bar", "shortcut", low=(1.8, 2.8), high=(2.4, 3.9))
DOTS = Series("MLP", ("30 %", "10 %"), (1.0, 1.1), "point", "mlp", low=(0.9, 1.0), high=(1.1, 1.2))


def figure(*panels: Panel) -> Figure:
    return Figure("f", "Shortcuts are faster", "8 seeds", panels)


TRAVEL = Series("d", (9.0, 3.0, 1.0), (1.0, 2.0, 1.5), arrow=True, level=0.5)
EVERYTHING = figure(
    Panel(STEP, ERROR, (SEED, MLP, SHORTCUT, Series("chance", (1,), (90.0,), "reference")), "width 20"),
    Panel(STEP, ERROR, (SEED, MLP, SHORTCUT), "width 50"),
    Panel(Axis("Error to reach"), Axis("Speed-up", "times"), (BARS, DOTS), "speed"),
    Panel(ERROR, Axis("Information", "bits"), (TRAVEL,)),
)  # fmt: skip


def tokens(value: Any) -> set[str]:
    return set(re.findall(r"token:([a-z0-9-]+)", json.dumps(value)))


@pytest.mark.parametrize("width", WIDTHS)
def test_plotly_accepts_every_property(width: int) -> None:
    drawn = draw(EVERYTHING, width)
    dyed = json.loads(re.sub(r"token:[a-z0-9-]+(/[0-9.]+)?", "#123456", json.dumps(drawn)))
    go.Figure(dyed)


def test_every_colour_is_in_both_palettes() -> None:
    assert tokens(draw(EVERYTHING)) <= LIGHT.keys() & DARK.keys()
    assert {"mlp", "shortcut", "level-50"} <= tokens(draw(EVERYTHING))


def test_data_are_the_same_at_every_width() -> None:
    assert all(draw(EVERYTHING, width)["data"] == draw(EVERYTHING)["data"] for width in WIDTHS)


def test_drawing_is_pure() -> None:
    assert draw(EVERYTHING) == draw(EVERYTHING)


def test_log_axes_carry_units_and_a_place_for_zero() -> None:
    layout = draw(figure(Panel(STEP, ERROR, (MLP, SHORTCUT))))["layout"]
    assert layout["xaxis"]["type"] == "log"
    assert layout["xaxis"]["ticktext"][:2] == ["0", "1"]
    assert layout["yaxis"]["type"] == "log"
    texts = [note["text"] for note in layout["annotations"]]
    assert "↑ Test error (%)" in texts
    assert "Training step →" in texts


def test_panels_with_the_same_axis_share_its_range() -> None:
    small = Series("a", (1, 2), (1.0, 2.0))
    large = Series("a", (5, 9), (50.0, 90.0))
    axis = Axis("x"), Axis("y")
    layout = draw(
        figure(Panel(*axis, (small,)), Panel(*axis, (large,)), Panel(Axis("x"), Axis("z"), (small,)))
    )["layout"]
    assert layout["yaxis"]["range"] == layout["yaxis2"]["range"]
    assert layout["xaxis"]["range"] == layout["xaxis3"]["range"]
    assert layout["yaxis3"]["range"] != layout["yaxis"]["range"]


def test_seeds_lie_under_medians_and_references_at_the_back() -> None:
    reference = Series("chance", (1,), (90.0,), "reference")
    data = draw(figure(Panel(STEP, ERROR, (MLP, SEED, reference))))["data"]
    assert [trace["name"] for trace in data][:2] == ["chance", "seed 0"]


def test_points_and_bars_of_one_category_stand_side_by_side() -> None:
    data = draw(figure(Panel(Axis("Error to reach"), Axis("Speed-up", "times"), (BARS, DOTS))))["data"]
    bar = next(trace for trace in data if trace["type"] == "bar")
    dots = next(trace for trace in data if trace["type"] == "scatter")
    assert bar["x"] == pytest.approx([-0.2, 0.8])
    assert dots["x"] == pytest.approx([0.2, 1.2])
    assert bar["x"][0] + bar["width"] / 2 <= dots["x"][0] - bar["width"] / 2 + 1e-9


def test_bars_grow_from_zero() -> None:
    layout = draw(figure(Panel(Axis("a"), Axis("b"), (Series("s", ("k", "l"), (9.0, 10.0), "bar"),))))[
        "layout"
    ]
    assert layout["yaxis"]["range"][0] == 0


def test_lines_that_reach_the_edge_are_named_there_and_not_above() -> None:
    texts = [
        note["text"] for note in draw(figure(Panel(STEP, ERROR, (MLP, SHORTCUT))))["layout"]["annotations"]
    ]
    assert sum("MLP" in text for text in texts) == 1
    narrow = draw(figure(Panel(STEP, ERROR, (MLP, SHORTCUT))), 320)["layout"]
    keys = [note for note in narrow["annotations"] if "MLP" in note["text"]]
    assert len(keys) == 1
    assert keys[0]["xref"] == "paper"
    assert narrow["margin"]["t"] > 0


def test_only_the_lowest_panel_of_a_column_names_a_shared_axis() -> None:
    panels = [Panel(STEP, ERROR, (MLP,), f"{i}") for i in range(6)]
    wide = [note["text"] for note in draw(figure(*panels))["layout"]["annotations"]]
    phone = [note["text"] for note in draw(figure(*panels), 320)["layout"]["annotations"]]
    assert wide.count("Training step →") == 3
    assert phone.count("Training step →") == 6


def test_one_column_is_taller_than_three() -> None:
    panels = [Panel(STEP, ERROR, (MLP,), f"{i}") for i in range(6)]
    assert (
        draw(figure(*panels), 320)["layout"]["height"] > 2 * draw(figure(*panels), 1040)["layout"]["height"]
    )


@pytest.mark.parametrize(
    "panels", [(), (Panel(STEP, ERROR, ()),), (Panel(STEP, ERROR, (Series("a", (), ()),)),)]
)
def test_an_empty_figure_is_drawn_empty(panels: tuple[Panel, ...]) -> None:
    drawn = draw(figure(*panels))
    assert all(trace["y"] == [] for trace in drawn["data"])
    assert drawn["layout"]["height"] > 0
