"""Putting effects together: only seeds that every side has, and no number out of nothing."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from levinthal.lab.analysis.effects import average, doublings, less, present, slope

EFFECTS = st.dictionaries(st.integers(0, 5), st.floats(-100, 100), max_size=5)


def test_a_part_without_runs_is_no_part() -> None:
    assert present({"a": {0: 0.0}, "b": {}}) == {"a": {0: 0.0}}


@given(EFFECTS, EFFECTS)
def test_a_difference_is_of_the_same_seeds_and_turns_its_sign(one: dict, other: dict) -> None:
    forth, back = less({"a": one}, {"a": other}), less({"a": other}, {"a": one})
    assert set(forth.get("a", {})) == one.keys() & other.keys()
    assert {s: -v for s, v in forth.get("a", {}).items()} == back.get("a", {})


def test_a_part_that_one_side_lacks_has_no_difference() -> None:
    assert less({"a": {0: 1.0}, "b": {0: 1.0}}, {"b": {0: 3.0}}) == {"b": {0: -2.0}}


def test_the_mean_over_parts_leaves_out_what_is_lost_but_not_whole_parts() -> None:
    assert average([{0: 1.0, 1: math.nan}, {0: 3.0, 1: 5.0}, {}]) == {0: 2.0, 1: 5.0}
    assert math.isnan(average([{0: math.nan}])[0])
    assert average([{}, {}]) == {}


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_a_straight_line_in_doublings_has_its_slope(rise: float, start: float) -> None:
    found = slope({5 * 2**k: {3: start + rise * k} for k in range(4)})
    assert math.isclose(found[3], rise, abs_tol=1e-6)


def test_one_point_has_no_slope_and_lost_points_are_left_out() -> None:
    assert slope({5: {0: 1.0}}) == {}
    assert slope({5: {0: 1.0}, 10: {0: math.inf}, 20: {0: 5.0}}) == {0: 2.0}
    assert math.isnan(slope({5: {0: 1.0}, 10: {0: math.inf}})[0])


def test_never_counts_as_its_stand_in_and_never_over_never_is_no_number() -> None:
    assert doublings(math.inf, 50, never=200) == 2
    assert doublings(50, math.inf, never=200) == -2
    assert math.isnan(doublings(math.inf, math.inf, never=200))
