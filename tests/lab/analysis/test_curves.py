"""One curve's numbers against what can be read off by eye."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from levinthal.lab import Rows
from levinthal.lab.analysis.curves import Curve, curves, first, last, peak, steps_to, time_to, trend
from levinthal.vocabulary import Estimate, Measurement, Row

VALUES = st.lists(st.floats(-10, 10, allow_subnormal=False), min_size=3, max_size=9)


def curve(*values: float) -> Curve:
    return np.arange(len(values)), np.array(values)


def test_curves_are_in_the_order_of_the_steps_a_seed_at_a_time() -> None:
    rows = Rows.of(
        Row({"width": 20}, Measurement(name, Estimate.exact(10 * seed + step), seed, step))
        for name in ("loss", "error")
        for seed in (0, 1)
        for step in (8, 0, 2)
    )
    found = curves(rows, name="loss", seed=1)
    assert list(found) == [1]
    assert [side.tolist() for side in found[1]] == [[0, 2, 8], [10, 12, 18]]
    assert curves(Rows.of([]), name="loss", rate=0.1) == {}


def test_the_ends_of_a_curve() -> None:
    assert (first(curve(3, 1, 2)), last(curve(3, 1, 2))) == (3.0, 2.0)


@given(VALUES)
def test_the_trend_of_a_curve_turned_upside_down_is_turned_round(values: list[float]) -> None:
    assert trend(curve(*values)) == pytest.approx(-trend(curve(*(-v for v in values))), abs=1e-9)
    assert trend(curve(*sorted(set(values)), 11, 12, 13)) == 1


@given(VALUES)
def test_a_curve_that_only_rises_or_falls_has_no_peak(values: list[float]) -> None:
    assert peak(curve(*sorted(values))) == 0
    assert peak(curve(*sorted(values, reverse=True))) == 0


def test_one_wild_value_is_no_peak_and_two_values_have_none() -> None:
    assert peak(curve(1, 1, 9, 1, 1)) == 0
    assert peak(curve(1, 9, 9, 9, 2)) == 7
    assert math.isnan(peak(curve(1, 2)))


def test_the_time_to_a_level_lies_between_the_steps_around_it() -> None:
    found: Curve = np.array([0, 10, 100]), np.array([0.9, 0.5, 0.1])
    assert steps_to(found, 0.9) == 0
    assert steps_to(found, 0.5) == pytest.approx(10)
    assert steps_to(found, 0.3) == pytest.approx(math.sqrt(11 * 101) - 1)  # halfway in the logarithm
    assert steps_to(found, 0.05) == math.inf
    assert time_to(0.05, found) == 200
    assert time_to(0.1, found) == pytest.approx(100)
