from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from levinthal.report.formatting import counted, decimals, formatted, listed, number, share
from levinthal.vocabulary import Estimate, Interval, Trust, rounded


@given(st.floats(1e-5, 1e3))
def test_two_digits_of_the_spread_survive(spread: float) -> None:
    places = decimals(spread)
    assert abs(round(spread, places) - spread) <= 0.05 * spread + 10.0**-places * (places == 0)


@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
@example(0.9998)
@example(1 - 2**-53)
@example(5e-324)
def test_a_number_between_0_and_1_reads_neither(value: float) -> None:
    assert 0 < float(rounded(value)) < 1
    assert -1 < float(rounded(-value, 2)) < 0
    assert 0 < float(number(value).replace("−", "-")) < 1
    assert share(value) not in ("0 %", "100 %")


@pytest.mark.parametrize("spread", [0.0, -1.0, math.inf, math.nan])
def test_no_spread_is_two_decimals(spread: float) -> None:
    assert decimals(spread) == 2


def test_formatted_have_the_same_decimals() -> None:
    assert formatted(Estimate(0.8, "bits", Interval(0.7123, 0.9), trust=Trust.EXACT)) == (
        "0.800",
        "[0.712, 0.900] bits",
    )
    assert formatted(Estimate(21000, "", Interval(19000, 23000), trust=Trust.EXACT)) == (
        "21,000",
        "[19,000, 23,000]",
    )


def test_a_narrow_interval_does_not_buy_more_than_four_digits() -> None:
    assert (
        formatted(Estimate(-0.300964, "digits", Interval(-0.300992, -0.300937), trust=Trust.EXACT))[0]
        == "−0.3010"
    )


def test_an_interval_of_no_width_is_shown_with_three_digits() -> None:
    assert formatted(Estimate(1.398, "", Interval(1.398, 1.398), trust=Trust.EXACT)) == (
        "1.40",
        "[1.40, 1.40]",
    )


def test_unbounded_and_missing_numbers() -> None:
    assert formatted(Estimate(2.0, "x", Interval(1.0, math.inf), trust=Trust.EXACT)) == (
        "2.00",
        "[1.00, ∞] x",
    )
    assert formatted(Estimate.exact(math.nan, "x")) == ("–", "x")


def test_small_and_large_numbers_are_short() -> None:
    assert number(1.23e-7) == "1.2e−7"
    assert number(3.2e9) == "3.2e9"
    assert number(0.0) == "0"
    assert number(-0.0001, 2) == "0.00"
    assert number(250.0) == "250"


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_every_number_has_a_text(value: float) -> None:
    assert 0 < len(number(value)) <= 12


def test_words() -> None:
    assert counted(0, "row") == "0 rows"
    assert listed([]) == ""
    assert listed(["a", "b"]) == "a and b"
