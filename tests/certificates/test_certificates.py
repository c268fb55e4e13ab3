"""Certificates against closed forms, slow twins, exact coverage, and the values of the literature."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from levinthal.certificates import (
    bentkus,
    clopper_pearson,
    empirical_bernstein,
    hoeffding,
    kawaguchi,
    mixture,
    relative_entropy,
)
from levinthal.errors import InputError

LIMITS = {
    "clopper_pearson": clopper_pearson,
    "mixture": mixture,
    "bentkus": lambda errors, n, delta: bentkus(errors / n, n, delta),
    "relative_entropy": lambda errors, n, delta: relative_entropy(errors / n, n, delta),
    "hoeffding": lambda errors, n, delta: hoeffding(errors / n, n, delta),
    "kawaguchi": lambda errors, n, delta: kawaguchi(errors / n, n, delta, second_moment=0.25),
    "empirical_bernstein": lambda errors, n, delta: empirical_bernstein(
        errors / n, errors / n * (1 - errors / n) * n / max(n - 1, 1), n, delta
    ),
}


@pytest.mark.parametrize(
    ("tried", "row"),
    [
        (1, (0.0497, 0.0374, 0.0372, 0.0301, 0.02901, 0.02847, 0.02772)),
        (100, (0.0645, 0.0450, 0.0445, 0.0333, 0.0316, 0.0310, 0.0306)),
        (10**9, (0.0955, 0.0610, 0.0594, 0.0416, 0.0373, 0.0368, 0.0365)),
    ],
)
def test_the_table_of_ten_thousand_images_and_250_errors(tried: int, row: tuple[float, ...]) -> None:
    mean, n, left = 0.025, 10_000, 0.05 / tried
    variance = mean * (1 - mean) * n / (n - 1)
    found = (
        kawaguchi(mean, n, left),
        kawaguchi(mean, n, left, second_moment=0.25),
        hoeffding(mean, n, left),
        empirical_bernstein(mean, variance, n, left),
        relative_entropy(mean, n, left),
        bentkus(mean, n, left),
        clopper_pearson(250, n, left),
    )
    for value, expected in zip(found, row, strict=True):
        digits = len(str(expected).partition(".")[2])
        assert value == pytest.approx(expected, abs=0.51 * 10**-digits)


def test_values_to_seven_digits() -> None:
    assert round(clopper_pearson(250, 10_000), 7) == 0.0277230
    assert round(bentkus(0.025, 10_000), 7) == 0.0284688
    assert round(relative_entropy(0.025, 10_000), 7) == 0.0290130
    assert round(clopper_pearson(250, 10_000, 0.05 / 10**9), 7) == 0.0365269
    gaps = [kawaguchi(0.0, n, 0.1 / k) for n, k in ((10**4, 10**9), (10**4, 100), (1000, 10**9))]
    assert [round(gap, 7) for gap in gaps] == [0.0693965, 0.0376297, 0.2299472]


@pytest.mark.parametrize("delta", [0.2, 0.05, 1e-6, 1e-12])
@pytest.mark.parametrize("n", [1, 7, 1000])
def test_no_error_has_the_closed_form(n: int, delta: float) -> None:
    expected = -math.expm1(math.log(delta) / n)
    assert clopper_pearson(0, n, delta) == pytest.approx(expected, rel=1e-10)
    assert relative_entropy(0.0, n, delta) == pytest.approx(expected, rel=1e-9)


@given(st.integers(1, 400), st.data(), st.sampled_from([0.3, 0.05, 1e-4]))
@settings(max_examples=60, deadline=None)
def test_clopper_pearson_is_that_of_scipy(n: int, data: st.DataObject, delta: float) -> None:
    errors = data.draw(st.integers(0, n))
    interval = binomtest(errors, n, alternative="less").proportion_ci(1 - delta, method="exact")
    assert clopper_pearson(errors, n, delta) == pytest.approx(interval.high, rel=1e-9)


@pytest.mark.parametrize("delta", [1e-20, 1e-80, 1e-149])
def test_tiny_deltas_have_the_tail_that_they_say(delta: float) -> None:
    rng = np.random.default_rng(5)
    for _ in range(60):
        n = int(rng.integers(2, 10**6))
        errors = int(rng.integers(0, n // 2 + 1))
        limit = clopper_pearson(errors, n, delta)
        assert math.log(delta) + 0.01 > float(binom.logcdf(errors, n, limit)) > math.log(delta) - 0.01


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("n", [5, 30, 200])
@pytest.mark.parametrize("delta", [0.2, 0.05])
def test_the_exact_coverage_is_at_least_the_nominal_one(name: str, n: int, delta: float) -> None:
    limits = np.array([LIMITS[name](errors, n, delta) for errors in range(n + 1)])
    assert (np.diff(limits) >= -1e-9).all()
    for rate in np.linspace(0.001, 0.999, 97):
        covered = binom.pmf(np.arange(n + 1), n, rate)[limits >= rate].sum()
        assert covered >= 1 - delta - 1e-9, rate


def test_the_mixture_holds_at_all_numbers_of_rows_at_once() -> None:
    rng, delta, n = np.random.default_rng(0), 0.2, 400
    for rate in (0.05, 0.3):
        limits = {(k, m): 0.0 for m in range(1, n + 1) for k in range(m + 1) if k <= rate * m}
        missed = 0
        for _ in range(300):
            counts = np.cumsum(rng.random(n) < rate)
            for m, k in enumerate(counts, 1):
                if (k, m) in limits:
                    limits[k, m] = limits[k, m] or mixture(int(k), m, delta)
                    if limits[k, m] < rate:
                        missed += 1
                        break
        assert missed / 300 <= delta
        assert missed > 0  # it is not so wide that it says nothing


def test_the_mixture_is_the_integral_that_it_stands_for() -> None:
    from scipy.integrate import quad

    errors, n, rate = 3, 40, 0.3

    def prior(p: float) -> float:
        return float(p**-0.5 * (1 - p) ** -0.5)

    above, _ = quad(lambda p: p**errors * (1 - p) ** (n - errors) * prior(p), 0, rate)
    below, _ = quad(prior, 0, rate)
    ratio = above / below / (rate**errors * (1 - rate) ** (n - errors))
    assert mixture(errors, n, 1 / ratio) == pytest.approx(rate, abs=1e-8)


@given(st.floats(0, 1), st.integers(2, 10_000), st.floats(1e-9, 0.5))
@settings(max_examples=100, deadline=None)
def test_every_limit_lies_above_the_mean_and_grows_with_confidence(mean: float, n: int, delta: float) -> None:
    for limit in (bentkus, relative_entropy, hoeffding, kawaguchi):
        assert mean <= limit(mean, n, delta) + 1e-12
        assert limit(mean, n, delta) <= limit(mean, n, delta / 2) + 1e-12


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: clopper_pearson(4, 3), "errors=4 are more than samples=3"),
        (lambda: clopper_pearson(-1, 3), "errors=-1"),
        (lambda: clopper_pearson(1.5, 3), "errors=1.5"),
        (lambda: clopper_pearson(1, 0), "samples=0"),
        (lambda: clopper_pearson(1, 3, 0.0), "delta=0"),
        (lambda: clopper_pearson(1, 3, 1.0), "delta=1"),
        (lambda: clopper_pearson(1, 3, 1e-300), "delta=1e-300"),
        (lambda: clopper_pearson(1, 3, math.nan), "delta=nan"),
        (lambda: mixture(4, 3), "errors=4 are more"),
        (lambda: bentkus(1.1, 3), "mean=1.1"),
        (lambda: relative_entropy(math.nan, 3), "mean=nan"),
        (lambda: hoeffding(-0.1, 3), "mean=-0.1"),
        (lambda: empirical_bernstein(0.1, -1, 3), "variance=-1"),
        (lambda: kawaguchi(0.1, 3, second_moment=0), "second_moment=0"),
    ],
)
def test_numbers_out_of_their_range_are_one_line(call: object, line: str) -> None:
    assert callable(call)
    with pytest.raises(InputError, match=line) as raised:
        call()
    assert "\n" not in str(raised.value)
