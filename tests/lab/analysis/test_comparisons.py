"""The unit and the range of a comparison hold whatever numbers are compared."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levinthal.errors import InputError
from levinthal.lab.analysis.comparisons import How, difference, log2_ratio, log10_ratio, range_of, unit_of
from levinthal.lab.analysis.descriptions import ANY

POSITIVE = st.tuples(*[st.floats(0.01, 100)] * 3).map(sorted)


@pytest.mark.parametrize("how", [difference, log2_ratio, log10_ratio, min, max])
@given(one=POSITIVE, other=POSITIVE)
def test_no_comparison_leaves_its_range(how: How, one: list[float], other: list[float]) -> None:
    low, high = range_of(how, (one[0], one[2]), (other[0], other[2]))
    assert low - 1e-9 <= how(one[1], other[1]) <= high + 1e-9


@pytest.mark.parametrize("how", [difference, log2_ratio, log10_ratio])
def test_of_unknown_ranges_nothing_follows(how: How) -> None:
    assert range_of(how, ANY, ANY) == ANY


@pytest.mark.parametrize("how", [log2_ratio, log10_ratio])
def test_a_ratio_to_an_endless_number_is_no_finite_one(how: How) -> None:
    assert how(1.0, math.inf) == -math.inf
    assert how(math.inf, 1.0) == math.inf
    assert how(1e-300, 1e300) == -math.inf
    assert math.isnan(how(math.inf, math.inf))
    assert math.isnan(how(math.nan, 1.0))
    assert math.isnan(how(1.0, math.nan))


def test_a_ratio_may_vanish_where_a_side_may() -> None:
    assert range_of(log2_ratio, (0, 1), (1, 2)) == ANY
    assert range_of(log2_ratio, (1, math.inf), (1, 2)) == (-1, math.inf)
    assert range_of(lambda a, b: a * b, (1, 2), (1, 2)) == ANY


def test_two_known_units_must_agree_unless_the_function_is_ones_own() -> None:
    assert unit_of(max, "", "bits") == "bits"
    assert unit_of(lambda a, b: a * b, "bits", "points") == ""
    with pytest.raises(InputError, match="bits compared with points: compare numbers of one unit"):
        unit_of(difference, "bits", "points")
