from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from levinthal.errors import InputError
from levinthal.lab.judging.shares import bounded_interval, lower_bound, share_interval, unseen_share


@given(st.integers(1, 60), st.data())
def test_the_interval_of_a_share_is_clopper_and_pearsons(total: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, total))
    ours = share_interval(count, total)
    theirs = stats.binomtest(count, total).proportion_ci(0.95, method="exact")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize(("count", "total"), [(-1, 5), (6, 5), (0, 0)])
def test_a_share_of_more_than_all_is_refused(count: int, total: int) -> None:
    with pytest.raises(InputError, match=f"got {count} of {total}"):
        share_interval(count, total)


def test_all_or_none_have_a_closed_form() -> None:
    assert share_interval(8, 8).low == pytest.approx(0.025 ** (1 / 8))
    assert share_interval(0, 8).high == pytest.approx(1 - 0.025 ** (1 / 8))
    assert unseen_share(8) == pytest.approx(1 - 0.05 ** (1 / 8))
    assert unseen_share(8, level=0.99) == pytest.approx(1 - 0.01 ** (1 / 8))
    assert unseen_share(0) == 1


def test_a_share_with_failures_is_a_one_sided_bound() -> None:
    share = unseen_share(7, 2)
    assert stats.binom.cdf(2, 9, share) == pytest.approx(0.05)


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=20))
def test_zeros_and_ones_have_the_interval_of_a_share(values: list[float]) -> None:
    assert bounded_interval(values, 0, 1) == share_interval(int(sum(values)), len(values))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12))
def test_an_interval_within_bounds_stays_there_and_is_mirrored(values: list[float]) -> None:
    plain = bounded_interval(values, 0, 1)
    assert -1e-9 <= plain.low <= np.mean(values) + 1e-9
    assert np.mean(values) - 1e-9 <= plain.high <= 1 + 1e-9
    mirrored = bounded_interval([-value for value in values], -1, 0)
    assert (mirrored.low, mirrored.high) == pytest.approx((-plain.high, -plain.low), abs=1e-9)


def test_values_that_agree_leave_room_for_one_unseen() -> None:
    low = bounded_interval([0.5] * 8, 0, 1).low
    assert low == pytest.approx(0.5 * 0.025 ** (1 / 8), abs=1e-3)


@pytest.mark.parametrize(("at_floor", "others"), [(0, 8), (1, 31), (3, 5)])
def test_a_lower_bound_of_two_values_is_that_of_their_share(at_floor: int, others: int) -> None:
    share = share_interval(others, at_floor + others).low
    bound = lower_bound([-1.0] * at_floor + [3.0] * others, -1.0)
    assert bound == pytest.approx(-1 + 4 * share, abs=0.02)


def test_a_lower_bound_of_more_seeds_is_that_of_the_values_repeated() -> None:
    values = [0.5, 1.0, 1.0, 2.0, 3.0]
    assert lower_bound(values, 0.0, seeds=5) == lower_bound(values, 0.0)
    assert lower_bound(values, 0.0, seeds=20) == pytest.approx(lower_bound(4 * values, 0.0), abs=0.03)
    assert lower_bound([2.0] * 5, 0.0, seeds=40) == pytest.approx(2 * 0.025 ** (1 / 40), abs=1e-5)


@pytest.mark.parametrize("n", [5, 8, 32])
def test_a_lower_bound_seldom_lies_above_the_mean(n: int) -> None:
    """Laws with a known floor of 0, and a mean of 1 that only their rare or low values bring down."""
    rng = np.random.default_rng(n)
    rare = (rng.random((400, n)) < 0.9) / 0.9
    low = rng.beta(0.5, 0.05, (400, n)) * 1.1
    for sample in (rare, low, rng.exponential(size=(400, n))):
        above = np.mean([lower_bound(values, 0.0) > 1 for values in sample])
        assert above <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / 400)


def test_a_value_below_the_floor_is_refused() -> None:
    with pytest.raises(InputError, match="2 values for the floor 0"):
        lower_bound([0.5, -0.5], 0.0)


def test_what_lies_outside_of_the_bounds_is_refused() -> None:
    with pytest.raises(InputError, match="bounds 0 and 1"):
        bounded_interval([0.5, 1.5], 0, 1)
    with pytest.raises(InputError, match="0 values"):
        bounded_interval([], 0, 1)


@pytest.mark.parametrize("n", [5, 8, 16])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.97])
def test_bounded_means_are_covered(share: float, n: int) -> None:
    """Seeds of four conditions that mostly fail together: neither independent nor the same."""
    rng = np.random.default_rng(n)
    covered = 0
    for _ in range(300):
        whole = rng.random(n) < share
        values = np.where(whole, 1.0, rng.integers(0, 4, n) / 4)
        interval = bounded_interval(values.tolist(), 0, 1)
        covered += interval.low <= share + (1 - share) * 0.375 <= interval.high
    assert covered >= 0.94 * 300  # measured: 97 to 100 %


def test_unseen_shares_are_rarely_larger() -> None:
    rng = np.random.default_rng(0)
    bound = unseen_share(8)
    silent = np.mean((rng.random((20000, 8)) > bound).all(axis=1))
    assert silent == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / 20000))
