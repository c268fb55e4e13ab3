from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levinthal.figures.scales import Scale, fit, number_text
from levinthal.vocabulary import Axis

LINEAR, LOG = Axis("x"), Axis("x", log=True)
NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20)


@given(NUMBERS)
def test_a_linear_axis_shows_every_number(numbers: list[float]) -> None:
    scale = fit(LINEAR, numbers, upright=True)
    assert all(0 <= (scale.share(number) or 0.0) <= 1 for number in numbers)
    assert scale.low < scale.high


@given(st.lists(st.floats(0, 1e6).filter(lambda v: v == 0 or v > 1e-6), min_size=1, max_size=20))
def test_a_log_axis_shows_every_number_and_zero(numbers: list[float]) -> None:
    scale = fit(LOG, numbers)
    places = [scale.share(number) for number in numbers]
    if any(numbers):
        assert all(place is not None and -1e-9 <= place <= 1 + 1e-9 for place in places)


def test_zero_on_a_log_axis_lies_below_the_smallest_and_has_its_tick() -> None:
    scale = fit(LOG, [0, 1, 10, 100])
    zero, one = scale.place(0), scale.place(1)
    assert zero is not None
    assert one == 1
    assert 0 < zero < 0.8
    values, texts = scale.ticks(4)
    assert texts[0] == "0"
    assert values[0] == zero
    assert texts[1:] == ["1", "10", "100"]


def test_a_log_axis_without_zero_has_none() -> None:
    scale = fit(LOG, [1, 1000])
    assert scale.zero is None
    assert scale.place(0) is None
    assert scale.ticks(5)[1] == ["1", "10", "100", "1000"]


def test_what_has_no_place() -> None:
    assert fit(LINEAR, [1, 2]).place(math.nan) is None
    assert fit(LINEAR, [1, 2]).place(math.inf) is None
    assert fit(LOG, [1, 2]).place(-1) is None


def test_a_log_axis_of_nothing_positive_is_still_an_axis() -> None:
    assert fit(LOG, []).log
    assert fit(LOG, [0.0]).low < fit(LOG, [0.0]).high


def test_words_become_categories_in_order_of_appearance() -> None:
    scale = fit(LINEAR, ["b", "a", "b"])
    assert scale.categories == ("b", "a")
    assert scale.place("a") == 1
    assert scale.ticks(1) == ([0.0, 1.0], ["b", "a"])


def test_numbers_written_as_words_are_numbers() -> None:
    assert fit(LINEAR, ["1", "2"]).categories == ()


def test_upright_axes_rest_on_zero_when_it_is_near() -> None:
    assert fit(LINEAR, [1, 10], upright=True).low == 0
    assert fit(LINEAR, [9, 10], upright=True).low == pytest.approx(8.95)
    assert fit(LINEAR, [1, 10]).low == pytest.approx(0.55)
    assert fit(LINEAR, [9, 10], upright=True, from_zero=True).low == 0


def test_one_number_still_gets_a_range() -> None:
    assert fit(LINEAR, [3.0]).low == pytest.approx(1.35)
    assert fit(LINEAR, [0.0]).low == pytest.approx(-1.1)
    assert fit(LOG, [10.0]).low < 1 < fit(LOG, [10.0]).high


def test_ticks_are_round_and_inside() -> None:
    assert Scale(0, 3.4).ticks(5) == ([0, 1, 2, 3], ["0", "1", "2", "3"])
    assert Scale(-0.02, 0.47).ticks(5)[1] == ["0", "0.1", "0.2", "0.3", "0.4"]
    assert Scale(math.log10(1.5), math.log10(110), log=True).ticks(7)[1] == [
        "2",
        "5",
        "10",
        "20",
        "50",
        "100",
    ]


@given(st.floats(-6, 6), st.floats(0.3, 12), st.integers(2, 9))
def test_ticks_of_a_log_axis_are_few_and_inside(low: float, span: float, most: int) -> None:
    values, texts = Scale(low, low + span, log=True).ticks(most)
    assert len(values) == len(texts) <= most
    assert all(low - 1e-6 <= math.log10(v) <= low + span + 1e-6 for v in values)


@given(st.floats(-1e5, 1e5), st.floats(1e-3, 1e5), st.integers(2, 9))
def test_ticks_of_a_linear_axis_are_few_and_inside(low: float, span: float, most: int) -> None:
    values, _ = Scale(low, low + span).ticks(most)
    assert len(values) <= most + 1
    assert all(low - 1e-6 * span - 1e-9 <= v <= low + span * (1 + 1e-6) + 1e-9 for v in values)


def test_number_text_keeps_the_sign() -> None:
    assert number_text(-0.5) == "−0.5"
    assert number_text(-20000.0) == "−20k"
    assert number_text(2.5e-7) == "2.5e-7"
