"""Medians and bands against samples whose quantiles are known."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from levinthal.lab import Rows
from levinthal.lab.analysis.bands import band, band_over, median_band, rounded
from levinthal.vocabulary import Estimate, Measurement, Row


def test_five_digits_are_kept() -> None:
    assert rounded([123456.0, 1e-7 / 3]) == (123460.0, 3.3333e-8)


def test_the_band_lies_between_its_quantiles_and_keeps_the_order_of_the_points() -> None:
    found = band("seeds", {"b": [0.0, 1.0, 2.0, 3.0, 4.0], "a": [7.0]}, group="mlp")
    assert found.x == ("b", "a")
    assert (found.low, found.y, found.high) == ((1, 7), (2, 7), (3, 7))
    assert (found.name, found.group) == ("seeds", "mlp")


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=9))
def test_the_median_lies_within_the_band(values: list[float]) -> None:
    found = band("any", {1.0: values}, 0, 1)
    assert found.low <= found.y <= found.high
    assert found.low == rounded([min(values)])


def test_no_points_draw_nothing() -> None:
    assert (band("none", {}).x, band("none", {}).y) == ((), ())


def test_curves_are_drawn_one_step_later() -> None:
    steps = np.array([0, 9])
    found = median_band({s: (steps, np.array([s, 10.0 * s])) for s in (1, 2, 3)}, "layer", times=2)
    assert (found.x, found.y) == ((1, 10), (4, 40))


def rows(values: dict[int, list[float]]) -> Rows:
    return Rows.of(
        Row({"rule": "plain"}, Measurement("loss", Estimate.exact(value), seed, step, "", f"rate={step + 1}"))
        for step, found in values.items()
        for seed, value in enumerate(found)
    )


def test_points_at_which_most_seeds_are_lost_are_not_drawn() -> None:
    lost = rows({0: [1.0, 2.0, 3.0], 4: [5.0, 7.0, math.inf], 8: [1.0, math.nan, math.inf]})
    assert (band_over(lost, "step", "loss").x, band_over(lost, "step", "loss").y) == ((1, 5), (2, 6))
    assert band_over(lost, "rate", "loss").x == (1, 5)
