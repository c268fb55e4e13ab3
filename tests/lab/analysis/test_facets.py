"""Figures of made-up long tables, whose medians and bands are known in closed form."""

from __future__ import annotations

import numpy as np

from levinthal.lab import Rows
from levinthal.lab.analysis.bands import MEDIAN, QUARTILES, RANGE, STEPS
from levinthal.lab.analysis.facets import By, at_best, beside, caption, drawn, facets, lines, percent
from levinthal.vocabulary import Axis, Estimate, Figure, Measurement, Panel, Row, Series

LOSS = Axis("loss")
SEEDS = range(5)
RULES = By("rule", {"plain": "plain SGD", "adam": "Adam", "absent": "never run"})
DEPTHS = By("depth", "depth {}".format)


def table(rates: tuple[float, ...] = (0.1,)) -> Rows:
    """Loss: depth + seed + step, ten times that for plain, and more away from a rate of 1."""
    return Rows.of(
        Row(
            {"rule": rule, "depth": depth, "images": 1190},
            Measurement("loss", Estimate.exact(number), seed, step, "", f"rate={rate:g}"),
        )
        for rule, times in (("adam", 1), ("plain", 10))
        for depth in (2, 4)
        for rate in rates
        for seed in SEEDS
        for step in (0, 9)
        for number in [times * (depth + seed + step) * (1 + abs(np.log10(rate / rates[len(rates) // 2])))]
    )


def test_one_panel_a_level_and_one_line_a_level_in_the_order_of_their_names() -> None:
    panels = facets(table(), STEPS, LOSS, RULES, DEPTHS)
    assert [panel.title for panel in panels] == ["depth 2", "depth 4"]
    assert [[series.name for series in panel.series] for panel in panels] == [["plain SGD", "Adam"]] * 2
    plain, adam = panels[1].series
    assert (adam.x, adam.y, adam.low, adam.high) == ((1, 10), (6, 15), (5, 14), (7, 16))
    assert plain.y == (60, 150)
    assert (panels[0].x, panels[0].y) == (STEPS.axis, LOSS)


def test_without_panels_there_is_one_without_a_title_and_without_rows_none() -> None:
    (panel,) = facets(table().where(depth=2), STEPS, LOSS, RULES)
    assert panel.title == ""
    assert facets(table().where(depth=9), STEPS, LOSS, RULES, DEPTHS) == ()
    assert facets(Rows.of([]), STEPS, LOSS, RULES) == ()


def test_thin_seeds_are_drawn_before_the_thick_median_of_all() -> None:
    series = lines(table().where(rule="adam", depth=2), STEPS, RULES, spread=MEDIAN, seeds=2)
    assert [(one.role, one.name, one.y, one.group) for one in series] == [
        ("seed", "seed 0", (2, 11), "adam"),
        ("seed", "seed 1", (3, 12), "adam"),
        ("median", "Adam", (4, 13), "adam"),
    ]


def test_colours_are_by_level_by_name_by_group_or_on_the_scale() -> None:
    rows = table()
    named = lines(rows.where(rule="adam"), STEPS, By("depth", "depth {}".format), reduce=_mean)
    assert [one.group for one in named] == ["depth 2", "depth 4"]
    grouped = lines(rows.where(depth=2), STEPS, By("rule", groups={"adam": "control"}))
    assert [(one.name, one.group) for one in grouped] == [("adam", "control"), ("plain", "plain")]
    scale = By("depth", str, scale=lambda depth: (depth - 2) / 2)
    assert [one.level for one in lines(rows.where(rule="adam"), STEPS, scale)] == [0, 1]


def _mean(rows: Rows) -> dict[int, float]:
    return {0: float(rows.values().mean())}


def test_several_keys_are_one_factor() -> None:
    both = By(("rule", "depth"), {("adam", 4): "deep Adam", ("plain", 2): "shallow SGD"})
    assert [(one.name, one.y) for one in lines(table(), STEPS, both)] == [
        ("deep Adam", (6, 15)),
        ("shallow SGD", (40, 130)),
    ]


def test_each_line_is_drawn_at_its_own_best_learning_rate() -> None:
    rows = table((0.1, 1.0, 10.0))
    (panel,) = facets(rows.where(depth=2), STEPS, LOSS, RULES, narrow=at_best("loss"))
    assert [one.y for one in panel.series] == [(40, 130), (4, 13)]
    few = table((0.1, 1.0)).where(depth=2)
    assert facets(few, STEPS, LOSS, RULES, narrow=at_best("loss")) == ()


def test_a_share_is_drawn_in_per_cent() -> None:
    rows = Rows.of(Row({"rule": "adam"}, Measurement("error", Estimate.exact(0.25), seed)) for seed in SEEDS)
    (series,) = lines(rows, STEPS, RULES, spread=RANGE, reduce=percent)
    assert (series.y, series.low, series.high) == ((25,), (25,), (25,))


def test_a_caption_says_seeds_band_and_counts() -> None:
    rows = table()
    assert caption(rows) == "Median and quartiles over 5 seeds."
    assert caption(rows, RANGE, "batches of 10", images="images", depth="layers") == (
        "Median and range over 5 seeds; batches of 10; 1,190 images, 2/4 layers."
    )
    assert caption(rows.where(seed=1), None, "one draw") == "1 seed; one draw."
    assert QUARTILES.words in caption(rows).lower()


def test_what_has_no_points_is_not_drawn() -> None:
    empty, full = Series("none", (), ()), Series("theory", (1.0,), (2.0,), "reference")
    panel = beside(Panel(LOSS, LOSS, ()), empty, full)
    assert panel.series == (full,)
    figures = [Figure("a", "", "", (panel, Panel(LOSS, LOSS, ()))), Figure("b", "", "", ())]
    assert list(drawn(figures)) == [Figure("a", "", "", (panel,))]
