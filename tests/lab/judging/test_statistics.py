from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from levinthal.errors import InputError
from levinthal.lab.judging.statistics import (
    equivalence,
    mean_estimate,
    mean_interval,
    ratio_estimate,
    seeds_needed,
    sign_test,
)
from levinthal.vocabulary import Trust

Draw = Callable[[np.random.Generator, int], np.ndarray]

# Samples of mean zero, and the least share of 95 % intervals that must cover it, at n = 5, 8 and 12.
# Measured over 4000 samples: 96.0-96.7, 96.8-97.5, 96.0-97.5, 96.5-98.1, 94.0-94.9, 89.3-91.2 %.
SAMPLES: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, n: rng.normal(size=n), 0.94),
    "uniform": (lambda rng, n: rng.uniform(-1, 1, n), 0.94),
    "student 3": (lambda rng, n: rng.standard_t(3, n), 0.94),
    "student 2": (lambda rng, n: rng.standard_t(2, n), 0.94),
    "exponential": (lambda rng, n: rng.exponential(size=n) - 1, 0.915),
    "lognormal 1": (lambda rng, n: rng.lognormal(0, 1, n) - math.exp(0.5), 0.87),
}


@pytest.mark.parametrize("n", [5, 8, 12])
@pytest.mark.parametrize("name", SAMPLES)
def test_the_interval_covers_what_it_promises(name: str, n: int) -> None:
    draw, least = SAMPLES[name]
    rng = np.random.default_rng(n)
    intervals = [mean_interval(draw(rng, n)) for _ in range(600)]
    covered = np.mean([interval.low <= 0 <= interval.high for interval in intervals])
    assert covered >= least


def test_the_interval_is_students_where_the_bootstrap_is_narrower() -> None:
    x = stats.norm.ppf((np.arange(200) + 0.5) / 200)
    student = stats.t.interval(0.95, 199, x.mean(), stats.sem(x))
    ours = mean_interval(x)
    assert (ours.low, ours.high) == pytest.approx(student, rel=0.05)
    assert ours.low <= student[0]
    assert ours.high >= student[1]


@given(
    st.lists(st.integers(-1000, 1000).map(float), min_size=5, max_size=12),
    st.floats(0.01, 100),
    st.integers(-100, 100).map(float),
    st.randoms(use_true_random=False),
)
def test_the_interval_follows_scale_shift_sign_and_ignores_order(x, scale, shift, shuffle) -> None:
    plain = mean_interval(x)
    shuffled = list(x)
    shuffle.shuffle(shuffled)
    moved = mean_interval([scale * value + shift for value in shuffled])
    mirrored = mean_interval([-value for value in x])
    assert moved.low == pytest.approx(scale * plain.low + shift, rel=1e-6, abs=1e-6 * scale * 1000)
    assert moved.high == pytest.approx(scale * plain.high + shift, rel=1e-6, abs=1e-6 * scale * 1000)
    assert (mirrored.low, mirrored.high) == pytest.approx((-plain.high, -plain.low), rel=1e-6, abs=1e-6)


def test_a_higher_level_is_never_narrower() -> None:
    x = np.random.default_rng(3).normal(size=8)
    low, high = mean_interval(x, level=0.9), mean_interval(x, level=0.99)
    assert high.low < low.low < low.high < high.high


def test_intervals_refuse_what_they_cannot_bear() -> None:
    with pytest.raises(InputError, match="at least 2 seeds; got 1"):
        mean_interval([1.0])
    with pytest.raises(InputError, match="1 of 2 values are not finite"):
        mean_interval([1.0, math.nan])
    with pytest.raises(InputError, match="at least 1 seed"):
        mean_estimate([])


def test_an_estimate_says_how_many_seeds_it_stands_on() -> None:
    one, three, six = (mean_estimate([float(i) for i in range(n)], "bits") for n in (1, 3, 6))
    assert one.interval is None
    assert one.trust is three.trust is Trust.UNRELIABLE
    assert three.reasons == ("3 seeds, and an interval over seeds needs 5",)
    assert six.trust is Trust.CALIBRATED
    assert (six.value, six.details["n"], six.details["positive"]) == (2.5, 6, 5)


def test_ratios_are_geometric_means_paired_by_seed() -> None:
    slow = {0: 40.0, 1: 20.0, 2: 10.0, 3: 80.0, 4: 40.0, 5: 40.0, 6: math.nan}
    fast = {0: 10.0, 1: 10.0, 2: 10.0, 3: 10.0, 4: 10.0, 5: 10.0, 6: 10.0, 7: 10.0}
    speedup = ratio_estimate(slow, fast)
    assert speedup.value == pytest.approx(2 ** (10 / 6))
    assert speedup.interval is not None
    assert 1 < speedup.interval.low < speedup.value < speedup.interval.high
    assert speedup.reasons == ("2 seeds have no finite pair and are left out",)
    inverse = ratio_estimate(fast, slow).interval
    assert inverse is not None
    assert (1 / inverse.high, 1 / inverse.low) == pytest.approx((speedup.interval.low, speedup.interval.high))
    with pytest.raises(InputError, match="positive times"):
        ratio_estimate({0: 0.0}, {0: 1.0})


@pytest.mark.parametrize(("effect", "spread", "textbook"), [(0.5, 1.0, 34), (0.8, 1.0, 15), (1.0, 1.0, 10)])
def test_seeds_needed_agrees_with_the_textbook(effect: float, spread: float, textbook: int) -> None:
    assert seeds_needed(effect, spread) == textbook  # G*Power, one-sample t-test, two tails, 80 %


def test_seeds_needed_gives_the_power_it_promises() -> None:
    rng = np.random.default_rng(0)
    needed = seeds_needed(1.0, 1.2)
    assert needed is not None
    hits = [mean_interval(rng.normal(1.0, 1.2, needed)).low > 0 for _ in range(1000)]
    assert np.mean(hits) >= 0.74  # the hull is a little wider than the t interval of the formula


def test_seeds_needed_at_its_limits() -> None:
    assert seeds_needed(1.0, 0.0) == seeds_needed(1.0, 1e-9) == 5
    assert seeds_needed(0.0, 1.0) is None
    assert seeds_needed(0.01, 1.0) is None
    assert seeds_needed(1.0, math.nan) is None


def test_sign_test_is_exact() -> None:
    assert sign_test([1.0] * 5).p_value == 1 / 32
    assert sign_test([1.0] * 7 + [-1.0]).p_value == pytest.approx(9 / 256)
    assert sign_test([1.0, 0.0, -1.0]).effect == 0.5
    assert sign_test([0.0, 0.0]).p_value == 1.0


def test_equivalence_is_two_one_sided_tests() -> None:
    x = np.random.default_rng(1).normal(0.02, 0.1, 10)
    ours = equivalence(x, 0.15)
    low, high = stats.t.interval(0.9, 9, x.mean(), stats.sem(x))
    assert (ours.p_value < 0.05) == (low > -0.15 and high < 0.15)
    assert ours.p_value == pytest.approx(stats.ttest_1samp(x, 0.15, alternative="less").pvalue)
    assert equivalence(-x, 0.15).p_value == pytest.approx(ours.p_value)
    assert equivalence([0.1] * 5, 0.2).p_value == 0.0
    assert equivalence([0.3] * 5, 0.2).p_value == 1.0
    with pytest.raises(InputError, match="margin > 0"):
        equivalence(x, 0.0)


def test_equivalence_is_rarely_claimed_at_the_margin() -> None:
    rng = np.random.default_rng(5)
    claimed = [equivalence(rng.normal(1.0, 0.5, 8), 1.0).p_value < 0.05 for _ in range(1000)]
    assert 0.03 <= np.mean(claimed) <= 0.07
