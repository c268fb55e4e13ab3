"""Medians and bands against samples whose quantiles are known."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levinthal.errors import InputError
from levinthal.lab import Rows
from levinthal.lab.analysis.bands import (
    LAYERS,
    LEARNING_RATES,
    MEAN,
    MEDIAN,
    QUARTILES,
    RANGE,
    STEPS,
    Along,
    band,
    line,
    rounded,
)
from levinthal.vocabulary import Axis, Estimate, Measurement, Row


def test_five_digits_are_kept() -> None:
    assert rounded([123456.0, 1e-7 / 3]) == (123460.0, 3.3333e-8)


def test_the_band_lies_between_its_quantiles_and_keeps_the_order_of_the_points() -> None:
    found = band("seeds", {"b": [0.0, 1.0, 2.0, 3.0, 4.0], "a": [7.0]}, group="mlp")
    assert found.x == ("b", "a")
    assert (found.low, found.y, found.high) == ((1, 7), (2, 7), (3, 7))
    assert (found.name, found.group) == ("seeds", "mlp")


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=9))
def test_the_median_lies_within_the_band(values: list[float]) -> None:
    found = band("any", {1.0: values}, RANGE)
    assert found.low <= found.y <= found.high
    assert found.low == rounded([min(values)])


def test_no_points_draw_nothing() -> None:
    assert (band("none", {}).x, band("none", {}).y) == ((), ())


def test_a_median_or_a_mean_alone_has_no_band() -> None:
    points = {1.0: [1.0, 2.0, 6.0]}
    assert [(band("", points, spread).y, band("", points, spread).low) for spread in (MEDIAN, MEAN)] == [
        ((2,), ()),
        ((3,), ()),
    ]


def rows(values: dict[int, list[float]]) -> Rows:
    return Rows.of(
        Row(
            {"rule": "plain"},
            Measurement("loss", Estimate.exact(value), seed, step, f"hidden{step + 2}", f"rate={step + 1}"),
        )
        for step, found in values.items()
        for seed, value in enumerate(found)
    )


def test_points_at_which_most_seeds_have_no_number_are_not_drawn() -> None:
    found = rows({0: [1.0, 2.0, 3.0], 4: [5.0, 7.0, math.inf], 8: [1.0, math.nan, math.inf]})
    assert (line(found, STEPS, "loss").x, line(found, STEPS, "loss").y) == ((1, 5), (2, 6))
    assert line(found, LEARNING_RATES, "loss").x == (1, 5)


def test_layers_are_in_the_order_of_their_numbers_and_categories_in_their_own() -> None:
    found = rows({8: [1.0], 0: [2.0], 1: [3.0]})
    assert (line(found, LAYERS, "").x, line(found, LAYERS, "").y) == ((2, 3, 10), (2, 3, 1))
    named = Along("layer", Axis("layer"), str)
    assert line(found, named, "").x == ("hidden10", "hidden2", "hidden3")


def test_a_line_takes_one_number_a_seed_and_point_or_makes_one() -> None:
    twice = Rows.of(
        Row({}, Measurement("loss", Estimate.exact(number), 0, 9, layer))
        for layer, number in (("1", 3.0), ("2", 4.0))
    )
    with pytest.raises(InputError, match="differ in layer"):
        line(twice, STEPS, "loss")
    length = line(twice, STEPS, "loss", reduce=lambda part: {0: math.hypot(*part.values())})
    assert (length.x, length.y) == ((10,), (5,))


def test_a_line_draws_the_quantiles_of_its_seeds() -> None:
    found = line(rows({0: [0.0, 1.0, 2.0, 3.0, 4.0]}), STEPS, "loss", spread=QUARTILES, group="plain")
    assert (found.low, found.y, found.high, found.group) == ((1,), (2,), (3,), "plain")
