"""Numbers over settings: only seeds that every setting has, and no number out of nothing."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from levinthal.lab.analysis.effects import average, log2_speedup, slope


def test_the_mean_over_parts_leaves_out_what_did_not_converge_but_not_whole_parts() -> None:
    assert average([{0: 1.0, 1: math.nan}, {0: 3.0, 1: 5.0}, {}]) == {0: 2.0, 1: 5.0}
    assert math.isnan(average([{0: math.nan}])[0])
    assert average([{}, {}]) == {}


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_a_straight_line_in_log2_has_its_slope(rise: float, start: float) -> None:
    found = slope({5 * 2**k: {3: start + rise * k} for k in range(4)})
    assert math.isclose(found[3], rise, abs_tol=1e-6)


def test_one_point_has_no_slope_and_points_without_a_number_are_left_out() -> None:
    assert slope({5: {0: 1.0}}) == {}
    assert slope({5: {0: 1.0}, 10: {0: math.inf}, 20: {0: 5.0}}) == {0: 2.0}
    assert math.isnan(slope({5: {0: 1.0}, 10: {0: math.inf}})[0])


def test_never_counts_as_its_stand_in_and_never_over_never_is_no_number() -> None:
    assert log2_speedup(math.inf, 50, never=200) == 2
    assert log2_speedup(50, math.inf, never=200) == -2
    assert math.isnan(log2_speedup(math.inf, math.inf, never=200))
