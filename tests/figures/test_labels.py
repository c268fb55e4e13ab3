from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from levinthal.figures.labels import end_labels, labels_fit, point_labels, spread
from levinthal.figures.palette import looks
from levinthal.figures.scales import Scale, fit
from levinthal.vocabulary import Axis, Figure, Panel, Series

STEP, ERROR = Axis("step"), Axis("error", "%")
LOOKS = looks(("mlp", "shortcut", ""))


def series(name: str, group: str = "", end: float = 1.0, arrow: bool = False) -> Series:
    return Series(name, (0, 10), (1.0, end), "median", group, arrow=arrow)


def figure(*every: Series) -> Figure:
    return Figure("f", "T", "c", (Panel(STEP, ERROR, every),))


@given(st.lists(st.floats(-50, 400), max_size=12).map(sorted), st.floats(1, 20))
def test_spread_labels_keep_their_order_and_distance(spots: list[float], least: float) -> None:
    placed = spread(spots, least, 300.0)
    assert all(b - a >= least - 1e-6 for a, b in itertools.pairwise(placed))
    if spots and len(spots) * least < 300:
        assert min(placed) >= -1e-6
        assert max(placed) <= 300 + 1e-6


def test_spread_leaves_alone_what_does_not_touch() -> None:
    assert spread([10.0, 100.0, 200.0], 16, 300.0) == [10.0, 100.0, 200.0]


def scales_of(one: Figure) -> list[tuple[Scale, Scale]]:
    every = one.panels[0].series
    x = [v for s in every for v in s.x]
    return [(fit(STEP, x), fit(ERROR, [v for s in every for v in s.y]))]


def test_labels_stand_at_the_ends_of_lines_that_reach_the_edge() -> None:
    one = figure(series("MLP", "mlp"), series("shortcut", "shortcut", end=0.2))
    assert labels_fit(one, scales_of(one), 700, 300) > 50


def test_labels_give_way_to_keys_where_they_do_not_fit() -> None:
    lines = series("MLP", "mlp"), series("shortcut", "shortcut", end=0.2)
    early = Series("early", (0, 4), (1.0, 0.5))
    for every, room in (
        (lines, 200),
        ((*lines, early), 700),
        ((*lines, series("trace", arrow=True)), 700),
        ((*lines, series("x" * 60)), 700),
        (tuple(series(f"line {i}") for i in range(40)), 700),
        ((Series("a", ("k", "l"), (1.0, 2.0), "point"), *lines), 700),
    ):
        one = figure(*every)
        assert labels_fit(one, scales_of(one), room, 300) == 0


def test_end_labels_do_not_overlap() -> None:
    every = tuple(series(f"line {i}", end=0.5 + 0.001 * i) for i in range(5))
    one = figure(*every)
    labels = end_labels(one.panels[0], 1, scales_of(one)[0], LOOKS, 300.0)
    places = sorted(300 * label["y"] for label in labels)
    assert all(b - a >= 15.9 for a, b in itertools.pairwise(places))
    assert {label["xref"] for label in labels} == {"x domain"}


def test_point_labels_stand_beside_their_points_on_the_side_with_room() -> None:
    points = [
        Series(name, (x,), (y,), "point", "mlp") for name, x, y in (("a", 0, 0.5), ("far right", 10, 0.5))
    ]
    panel = Panel(STEP, ERROR, tuple(points))
    left, right = point_labels(panel, 2, (Scale(0, 10), Scale(0, 1)), ("a", "far right"), (400.0, 200.0))
    assert (left["x"], left["y"], left["xanchor"]) == (0, 0.5, "left")
    assert (right["x"], right["y"], right["xanchor"]) == (1, 0.5, "right")
    assert left["xref"] == "x2 domain"


def test_point_labels_move_off_one_another() -> None:
    points = [Series(f"point {i}", (5,), (0.5 + 0.001 * i,), "point", "mlp") for i in range(4)]
    labels = point_labels(
        Panel(STEP, ERROR, tuple(points)),
        1,
        (Scale(0, 10), Scale(0, 1)),
        [s.name for s in points],
        (400.0, 200.0),
    )
    for one, other in itertools.combinations(labels, 2):
        assert one["xanchor"] != other["xanchor"] or abs(one["y"] - other["y"]) * 200 >= 15.9


def test_a_point_label_keeps_off_the_whisker_of_a_neighbour() -> None:
    points = [
        Series("left one", (4.0,), (0.5,), "point", "mlp"),
        Series("neighbour", (5.0,), (0.9,), "point", "mlp", low=(0.1,), high=(0.95,)),
    ]
    panel, scales = Panel(STEP, ERROR, tuple(points)), (Scale(0, 10), Scale(0, 1))
    (label,) = point_labels(panel, 1, scales, ["left one"], (400.0, 200.0))
    assert label["xanchor"] == "right"


def test_only_the_named_points_are_labelled() -> None:
    points = [Series(name, (5,), (0.5,), "point", "mlp") for name in ("a", "b")]
    panel = Panel(STEP, ERROR, tuple(points))
    (only,) = point_labels(panel, 1, (Scale(0, 10), Scale(0, 1)), ["b"], (400.0, 200.0))
    assert only["text"] == "b"
