"""Numbers over settings: only seeds that every setting has, and no number out of nothing."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from levinthal.lab.analysis.effects import average, log2_speedup, slope


def test_a_seed_that_failed_in_one_setting_failed() -> None:
    for failed in (math.nan, math.inf, -math.inf):
        assert math.isnan(average([{0: 1.0}, {0: failed}])[0])
    assert math.isnan(average([{0: math.inf}, {0: -math.inf}])[0])


def test_a_setting_that_has_not_run_does_not_count_and_fails_no_seed() -> None:
    assert average([{0: 1.0, 1: 4.0}, {0: 3.0}, {}]) == {0: 2.0}
    assert average([{}, {}]) == {}


def test_failed_settings_are_dropped_only_where_it_is_asked_for() -> None:
    settings = [{0: 1.0, 1: math.nan}, {0: 3.0, 1: 5.0}]
    assert average(settings, drop_failed=True) == {0: 2.0, 1: 5.0}
    assert math.isnan(average([{0: math.nan}], drop_failed=True)[0])


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_a_straight_line_in_log2_has_its_slope(rise: float, start: float) -> None:
    found = slope({5 * 2**k: {3: start + rise * k} for k in range(4)})
    assert math.isclose(found[3], rise, abs_tol=1e-6)


def test_one_point_has_no_slope_and_a_seed_that_failed_at_one_point_failed() -> None:
    assert slope({5: {0: 1.0}}) == {}
    points = {5: {0: 1.0, 1: 1.0}, 10: {0: math.inf, 1: 3.0}, 20: {0: 5.0, 1: 5.0, 2: 0.0}}
    found = slope(points)
    assert math.isnan(found.pop(0))
    assert found == {1: 2.0}, "seed 2 has not run at 5 and 10"
    assert slope(points, drop_failed=True) == {0: 2.0, 1: 2.0}
    assert math.isnan(slope({5: {0: 1.0}, 10: {0: math.inf}}, drop_failed=True)[0])


def test_never_counts_as_its_stand_in_and_never_over_never_is_no_number() -> None:
    assert log2_speedup(math.inf, 50, never=200) == 2
    assert log2_speedup(50, math.inf, never=200) == -2
    assert math.isnan(log2_speedup(math.inf, math.inf, never=200))
