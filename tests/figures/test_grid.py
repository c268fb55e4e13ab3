from __future__ import annotations

import itertools

import pytest

from levinthal.figures.grid import arrange, slant
from levinthal.figures.layout import WIDTHS
from levinthal.figures.palette import looks
from levinthal.figures.scales import fit
from levinthal.vocabulary import Axis, Figure, Panel, Series

STEP, ERROR, BITS = Axis("step"), Axis("Test error", "%"), Axis("Information", "bits")
LINE = Series("a", (0, 1), (0.0, 1.0))


def grid_of(panels: list[Panel], width: int):  # type: ignore[no-untyped-def]
    scales = [(fit(p.x, (0, 1)), fit(p.y, (0.0, 1.0))) for p in panels]
    return arrange(Figure("f", "t", "c", tuple(panels)), scales, looks(("",)), width)


@pytest.mark.parametrize(
    ("count", "width", "columns"),
    [
        (1, 1040, 1),
        (2, 1040, 2),
        (3, 1040, 3),
        (4, 1040, 2),
        (6, 1040, 3),
        (5, 1040, 3),
        (6, 680, 2),
        (6, 320, 1),
    ],
)
def test_columns(count: int, width: int, columns: int) -> None:
    assert grid_of([Panel(STEP, ERROR, (LINE,))] * count, width).columns == columns


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("count", range(1, 8))
def test_panels_never_overlap_nor_leave_the_page(count: int, width: int) -> None:
    grid = grid_of([Panel(STEP, ERROR, (LINE,))] * count, width)
    places = [grid.domain(i) for i in range(count)]
    for across, up in places:
        assert 0 <= across[0] < across[1] <= 1
        assert -1e-6 <= up[0] < up[1] <= 1
    for (one_x, one_y), (other_x, other_y) in itertools.combinations(places, 2):
        apart_x = one_x[1] < other_x[0] or other_x[1] < one_x[0]
        apart_y = one_y[1] < other_y[0] or other_y[1] < one_y[0]
        assert apart_x or apart_y


def test_a_panel_does_not_repeat_its_neighbours_axis() -> None:
    heads = grid_of([Panel(STEP, ERROR, (LINE,), f"panel {i}") for i in range(6)], 1040).heads
    assert ["Test error" in head for head in heads] == [True, False, False, True, False, False]
    assert len({head.count("<br>") for head in heads}) == 1


def test_a_panel_with_another_axis_says_so() -> None:
    heads = grid_of([Panel(STEP, ERROR, (LINE,)), Panel(STEP, BITS, (LINE,))], 1040).heads
    assert "↑ Test error (%)" in heads[0]
    assert "↑ Information (bits)" in heads[1]


def test_on_a_phone_every_panel_names_its_axis() -> None:
    heads = grid_of([Panel(STEP, ERROR, (LINE,))] * 3, 320).heads
    assert all("Test error" in head for head in heads)


def test_markup_in_a_title_is_text() -> None:
    (head,) = grid_of([Panel(STEP, ERROR, (LINE,), "a <b> & c")], 1040).heads
    assert "a &lt;b&gt; &amp; c" in head


def test_names_of_categories_tilt_only_where_they_must() -> None:
    short, long = fit(STEP, ["a", "b"]), fit(STEP, ["KSG", "incomprehensibility", "c", "d", "e"])
    assert slant(short, 300) == (0, 0.0)
    assert slant(long, 300)[0] == -45
    assert slant(long, 300)[1] > 50
    assert slant(fit(STEP, ["linear CKA", "Gaussian copula"]), 180) == (0, 15.0)
    assert slant(fit(STEP, [1, 2]), 300) == (0, 0.0)
