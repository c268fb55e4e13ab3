from __future__ import annotations

from levinthal.figures.keys import indistinct, key_lines, keyed, text_width, wrap
from levinthal.figures.palette import looks
from levinthal.vocabulary import Axis, Figure, Panel, Series

STEP, ERROR = Axis("step"), Axis("error", "%")
LOOKS = looks(("mlp", "shortcut", ""))


def series(name: str, group: str = "", role: str = "median", end: float = 1.0, arrow: bool = False) -> Series:
    return Series(name, (0, 10), (1.0, end), role, group, arrow=arrow)


def figure(*every: Series) -> Figure:
    return Figure("f", "T", "c", (Panel(STEP, ERROR, every),))


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


def point(name: str, x: float | str, *, group: str = "mlp") -> Series:
    return Series(name, (x,), (1.0,), "point", group)


def test_single_points_are_named_in_place_when_some_look_alike() -> None:
    every = point("orthogonal", 1), point("glorot", 2), point("shortcut", 3, group="shortcut")
    assert indistinct(figure(*every), LOOKS) == {"orthogonal", "glorot", "shortcut"}


def test_points_are_no_twins_when_a_key_or_an_axis_tells_them_apart() -> None:
    assert indistinct(figure(point("a", 1), point("b", 2, group="shortcut")), LOOKS) == frozenset()
    assert indistinct(figure(point("a", "k"), point("b", "l")), LOOKS) == frozenset()
    cloud = Series("b", (1, 2), (1.0, 2.0), "point", "mlp")
    assert indistinct(figure(point("a", 1), cloud), LOOKS) == frozenset()
