"""The betting certificate against a plain twin, its coverage, and orders that it must not believe."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from levinthal.certificates import betting
from levinthal.errors import InputError


def twin(values: np.ndarray, delta: float, anytime: bool = False) -> float:
    """The same limit from logarithms of all factors at once."""
    n, goal = len(values), math.log(1 / delta)
    rows = np.arange(1, n + 1)
    means = (0.5 + np.cumsum(values)) / (rows + 1)
    variances = (0.25 + np.cumsum((values - means) ** 2)) / (rows + 1)
    planned = rows * np.log(rows + 1) if anytime else n
    stakes = np.sqrt(2 * goal / (planned * np.concatenate([[0.25], variances[:-1]])))

    def short(mean: float) -> float:
        factors = 1 + np.minimum(stakes, 0.5 / (1 - mean)) * (mean - values)
        return goal - float(np.cumsum(np.log(factors)).max())

    largest = 1 - 1e-12
    return 1.0 if short(largest) > 0 else float(brentq(short, 0.0, largest, xtol=1e-13))


@given(st.integers(0, 10**6), st.integers(1, 300), st.sampled_from([0.05, 1e-6]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_it_is_that_of_its_twin(seed: int, n: int, delta: float, anytime: bool) -> None:
    rng = np.random.default_rng(seed)
    values = rng.choice([rng.random(n), rng.beta(0.1, 1, n), np.round(rng.random(n)), np.zeros(n)])
    found = betting(values, delta, anytime=anytime)
    assert found == pytest.approx(twin(values, delta, anytime), abs=1e-9)


def test_the_published_comparison_holds() -> None:
    """Betting is below relative entropy and empirical Bernstein on losses of small variance."""
    from levinthal.certificates import empirical_bernstein, relative_entropy

    losses = np.random.default_rng(1).beta(0.3, 8, 5000)
    mean, variance = float(losses.mean()), float(losses.var(ddof=1))
    limit = betting(losses)
    assert mean < limit < relative_entropy(mean, 5000)
    assert limit < empirical_bernstein(mean, variance, 5000)


@pytest.mark.parametrize("anytime", [False, True])
def test_the_coverage_is_at_least_the_nominal_one(anytime: bool) -> None:
    rng, delta, times = np.random.default_rng(2), 0.2, 400
    for draw, mean in (
        (lambda: rng.beta(0.2, 0.8, 60), 0.2),
        (lambda: (rng.random(60) < 0.1).astype(float), 0.1),
    ):
        missed = sum(betting(draw(), delta, anytime=anytime) < mean for _ in range(times))
        assert missed <= delta * times + 2 * math.sqrt(times * delta * (1 - delta))


def test_one_more_row_never_raises_an_anytime_limit() -> None:
    values = np.random.default_rng(3).random(80)
    limits = [betting(values[:n], anytime=True) for n in range(1, 81)]
    assert (np.diff(limits) <= 1e-9).all()


def test_long_capital_does_not_overflow() -> None:
    assert betting(np.zeros(200_000)) < 1e-3
    assert betting(np.ones(1000)) == 1.0
    assert betting([0.0]) == betting([1.0]) == 1.0


@pytest.mark.parametrize(
    ("losses", "line"),
    [
        ([0.5, 1.5], r"losses\[1\] is 1.5: a loss lies in \[0, 1\]"),
        ([0.5, math.nan], r"losses\[1\] is nan: give 1 where the model failed"),
        ([], "losses have shape"),
        ([[0.5]], "losses have shape"),
        (["a"], "losses holds text"),
    ],
)
def test_losses_that_are_none_are_one_line(losses: object, line: str) -> None:
    with pytest.raises(InputError, match=line):
        betting(losses)
