from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from levinthal.figures.keys import end_labels, key_lines, keyed, labels_fit, spread, text_width, wrap
from levinthal.figures.palette import looks
from levinthal.figures.scales import fit
from levinthal.vocabulary import Axis, Figure, Panel, Series

STEP, ERROR = Axis("step"), Axis("error", "%")
LOOKS = looks(("mlp", "shortcut", ""))


def series(name: str, group: str = "", role: str = "median", end: float = 1.0, arrow: bool = False) -> Series:
    return Series(name, (0, 10), (1.0, end), role, group, arrow=arrow)


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


def test_wrap_keeps_every_word() -> None:
    text = "Mutual information of the first and the last layer"
    assert " ".join(wrap(text, 13, 120)) == text
    assert all(text_width(line, 13) <= 120 or " " not in line for line in wrap(text, 13, 120))
    assert wrap("", 13, 120) == []


def test_seeds_are_keyed_only_where_nothing_stands_for_them() -> None:
    seeds = [series(f"seed {i}", "mlp", "seed") for i in range(3)]
    both = keyed([Panel(STEP, ERROR, (*seeds, series("MLP", "mlp")))], LOOKS)
    alone = keyed([Panel(STEP, ERROR, tuple(seeds))], LOOKS)
    assert [key.name for key in both] == ["MLP"]
    assert [key.name for key in alone] == ["mlp"]


def test_a_name_is_keyed_once_over_all_panels() -> None:
    panel = Panel(STEP, ERROR, (series("MLP", "mlp"), series("shortcut", "shortcut")))
    assert [key.name for key in keyed([panel, panel], LOOKS)] == ["MLP", "shortcut"]


def test_keys_wrap_where_there_is_no_room() -> None:
    every = [series("MLP", "mlp"), series("a shortcut network", "shortcut")]
    keys = keyed([Panel(STEP, ERROR, tuple(every))], LOOKS)
    assert len(key_lines(keys, figure(*every), 1000)) == 1
    wide, narrow = key_lines(keys, figure(*every), 1000)[0], key_lines(keys, figure(*every), 150)
    assert len(narrow) == 2
    assert "token:mlp" in narrow[0]
    assert "token:shortcut" in narrow[1]
    assert "token:mlp" in wide
    assert "token:shortcut" in wide


def test_a_single_trace_needs_no_key_but_its_direction_does() -> None:
    plain, moving = series("MLP", "mlp"), series("MLP", "mlp", arrow=True)
    assert key_lines(keyed(figure(plain).panels, LOOKS), figure(plain), 500) == []
    (line,) = key_lines(keyed(figure(moving).panels, LOOKS), figure(moving), 500)
    assert "start" in line
    assert "end" in line


def scales_of(one: Figure) -> list[tuple[object, object]]:
    every = one.panels[0].series
    x = [v for s in every for v in s.x]
    return [(fit(STEP, x), fit(ERROR, [v for s in every for v in s.y]))]


def test_labels_stand_at_the_ends_of_lines_that_reach_the_edge() -> None:
    one = figure(series("MLP", "mlp"), series("shortcut", "shortcut", end=0.2))
    assert labels_fit(one, scales_of(one), 700, 300) > 50  # type: ignore[arg-type]


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
        assert labels_fit(one, scales_of(one), room, 300) == 0  # type: ignore[arg-type]


def test_end_labels_do_not_overlap() -> None:
    every = tuple(series(f"line {i}", end=0.5 + 0.001 * i) for i in range(5))
    one = figure(*every)
    labels = end_labels(one.panels[0], 1, scales_of(one)[0], LOOKS, 300.0)  # type: ignore[arg-type]
    places = sorted(300 * label["y"] for label in labels)
    assert all(b - a >= 15.9 for a, b in itertools.pairwise(places))
    assert {label["xref"] for label in labels} == {"x domain"}
