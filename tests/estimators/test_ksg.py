"""KSG-1: closed forms, its reference implementation, exact invariances, and where it must not be believed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import digamma
from scipy.stats import norm
from tests import oracles_information as oracle

from levinthal.estimators import mutual_information
from levinthal.vocabulary import Estimate, Trust


def value(x: np.ndarray, y: np.ndarray, **settings: Any) -> float:
    return mutual_information(x, y, checks="none", **settings).value


def said(estimate: Estimate) -> str:
    return "; ".join(estimate.reasons)


# closed forms


@pytest.mark.parametrize("rho", [0.5, 0.75, 0.9])
def test_a_bivariate_gaussian_is_calibrated_and_within_its_interval(rho: float) -> None:
    found = mutual_information(*oracle.gaussian(5000, rho))
    assert found.trust is Trust.CALIBRATED
    assert found.reasons == ()
    assert found.interval is not None
    assert found.interval.low < oracle.gaussian_truth(rho) < found.interval.high
    assert found.interval.high - found.interval.low < 0.1


@pytest.mark.parametrize(("width", "truth"), [(0.1, 1.709438), (0.75, 0.333333)])
def test_additive_uniform_noise(width: float, truth: float) -> None:
    found = mutual_information(*oracle.additive_noise(5000, width))
    assert oracle.additive_noise_truth(width) == pytest.approx(truth, abs=1e-6)
    assert found.interval is not None
    assert found.interval.low < truth < found.interval.high


@pytest.mark.parametrize(("d", "truth"), [(2, 0.293893), (3, 0.413339)])
def test_a_dense_gaussian_in_few_dimensions(d: int, truth: float) -> None:
    assert value(*oracle.dense(4000, d)) == pytest.approx(truth, abs=0.05)


def test_the_sign_of_x_tells_one_bit() -> None:
    x, _ = oracle.gaussian(4000, 0.0)
    found = mutual_information(x, np.sign(x), units="bits")
    assert found.value == pytest.approx(1.0, abs=0.003)
    assert found.trust is Trust.ORDINAL
    assert "discrete data: ties, 100.0% of the rows" in said(found)
    assert "scale-driven: the x-count of 100%" in said(found)


@pytest.mark.parametrize("k", [1, 3, 7])
def test_a_tiny_perturbation_reads_the_ceiling_exactly(k: int) -> None:
    x, noise = oracle.gaussian(1000, 0.0)
    found = mutual_information(x, x + 1e-9 * noise, k=k)
    assert found.value == pytest.approx(digamma(1000) - digamma(k + 1), abs=1e-12)
    assert found.details["ceiling"] == pytest.approx(found.value, abs=1e-12)
    assert found.trust is Trust.UNRELIABLE
    assert found.reasons[0].startswith("ceiling")


def test_transforms_of_each_side_leave_the_truth_where_it_was() -> None:
    x, y = oracle.gaussian(4000, 0.75)
    maps = [norm.cdf, np.arcsinh, lambda s: np.sign(s) * np.sqrt(np.abs(s)) ** 3]
    for f in maps:
        assert value(f(x), f(y)) == pytest.approx(0.413339, abs=0.05)


def test_a_spiral_and_a_swiss_roll_keep_the_truth_of_what_is_rolled_up() -> None:
    x, y = oracle.gaussian(4000, 0.75)
    turn = 1.5 * math.pi * (1 + 2 * norm.cdf(x))
    spiral = np.hstack([turn * np.cos(turn), turn * np.sin(turn)]) / 15
    roll = np.hstack([spiral, np.random.default_rng(3).uniform(size=x.shape)])
    assert value(spiral, norm.cdf(y)) == pytest.approx(0.413339, abs=0.06)
    assert value(roll, norm.cdf(y)) == pytest.approx(0.413339, abs=0.08)


@pytest.mark.parametrize("n", [500, 2000])
def test_discrete_pairs_are_told_apart_by_noise_and_flagged(n: int) -> None:
    rng = np.random.default_rng(0)
    symbols = rng.integers(0, 8, size=n).astype(float)
    found = mutual_information(symbols + 1e9, symbols // 2)
    assert found.value == pytest.approx(math.log(4), abs=0.1)
    assert found.details["jittered"]
    assert found.trust is Trust.ORDINAL
    assert "discrete data: ties, 100% of the rows" in said(found)


def test_a_constant_side_carries_nothing_and_that_is_exact() -> None:
    x, y = oracle.gaussian(300, 0.5)
    for pair in ((np.full_like(x, 3.0), y), (x, np.zeros((300, 4)))):
        found = mutual_information(*pair)
        assert (found.value, found.trust) == (0.0, Trust.EXACT)
        assert "is constant" in said(found)


# the slow reference implementation

PAIRS = {
    "gaussian": oracle.gaussian(151, 0.6, 3),
    "tanh": tuple(np.tanh(3 * side) for side in oracle.gaussian(150, 0.6, 5)),
    "relu": tuple(np.maximum(side, 0) for side in oracle.gaussian(149, 0.6, 6)),
    "mixed scale": tuple(side * np.logspace(-3, 3, 4) for side in oracle.gaussian(150, 0.6, 4)),
}


@pytest.mark.parametrize("k", [1, 3, 7])
@pytest.mark.parametrize("name", PAIRS)
def test_it_equals_the_slow_reference(name: str, k: int) -> None:
    x, y = PAIRS[name]
    assert value(x, y, k=k) == pytest.approx(oracle.ksg_twin(x, y, k), abs=1e-12)


@pytest.mark.parametrize("name", PAIRS)
def test_compat_returns_what_npeet_returns_after_seeding_numpy(name: str) -> None:
    x, y = PAIRS[name]
    state = np.random.get_state()
    np.random.seed(11)
    expected = oracle.npeet_twin(x, y)
    np.random.set_state(state)
    assert value(x, y, compat="npeet", units="bits", seed=11) == pytest.approx(expected, abs=1e-12)
    assert value(x, y, compat="npeet", units="bits", seed=12) == pytest.approx(expected, abs=0.2)


def test_compat_keeps_the_absolute_slack_and_the_default_does_not() -> None:
    x, y = np.round(PAIRS["gaussian"][0], 2) * 2**40, np.round(PAIRS["gaussian"][1], 2) * 2**40
    assert value(x, y) == value(x / 2**40, y / 2**40)


# invariances, exactly

seeds = st.integers(0, 10_000)


def small_pair(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Multiples of 1/1024, so that translations are exact too."""
    x, y = oracle.gaussian(80, 0.7, 3, seed)
    return np.round(x * 1024) / 1024, np.round(y * 1024) / 1024


@given(seeds)
def test_the_order_of_rows_columns_and_sides_does_not_matter(seed: int) -> None:
    x, y = small_pair(seed)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(80), rng.permutation(3)
    expected = value(x, y)
    assert value(x[rows], y[rows]) == expected
    assert value(x[:, columns], y) == expected
    assert value(y, x) == expected


@given(seeds, st.integers(-50, 50))
def test_neither_translation_nor_reflection_nor_extra_columns_matter(seed: int, shift: int) -> None:
    x, y = small_pair(seed)
    expected = value(x, y)
    assert value(x + shift, shift - y) == expected
    assert value(np.hstack([x, x[:, :2], np.full((80, 1), 9.0)]), np.hstack([y, y])) == expected


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 32.0, 1e8])
def test_a_common_scale_does_not_matter(scale: float) -> None:
    x, y = oracle.gaussian(500, 0.7, 3)
    assert value(scale * x, scale * y) == value(x, y)
    nats = mutual_information(scale * x, scale * y)
    plain = mutual_information(x, y)
    assert (nats.value, nats.details, nats.reasons) == (plain.value, plain.details, plain.reasons)


def test_zscores_undo_the_scale_of_every_column() -> None:
    x, y = oracle.gaussian(500, 0.7, 3)
    wild = x * [1e-4, 1.0, 1e5] + [1.0, -3.0, 0.0]
    assert value(wild, y, estimator="zscored_ksg") == pytest.approx(
        value(x, y, estimator="zscored_ksg"), abs=0.01
    )
    assert abs(value(wild, y) - value(x, y)) > 0.2


# units, determinism, details


def test_every_number_is_in_the_unit_asked_for() -> None:
    x, y = oracle.gaussian(600, 0.8)
    nats, bits = mutual_information(x, y), mutual_information(x, y, units="bits")
    assert (nats.unit, bits.unit) == ("nats", "bits")
    for name in ("ceiling", "null", "x_doubled", "x_halved", "block_mean", "still_to_come"):
        assert bits.details[name] * math.log(2) == pytest.approx(nats.details[name], abs=1e-12)
    assert bits.value * math.log(2) == pytest.approx(nats.value, abs=1e-12)
    assert nats.interval is not None
    assert bits.interval is not None
    assert bits.interval.low * math.log(2) == pytest.approx(nats.interval.low, abs=1e-12)
    assert nats.trust is bits.trust


def test_the_same_call_gives_the_same_estimate_and_the_seed_moves_no_value() -> None:
    x, y = oracle.gaussian(600, 0.8)
    first, again, other = (mutual_information(x, y, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.value == other.value
    assert first.interval != other.interval


def test_details_hold_counts_and_what_scaling_does() -> None:
    x, y = oracle.gaussian(600, 0.8)
    details = mutual_information(x, y).details
    in_x, in_y = oracle.max_norm(x), oracle.max_norm(y)
    radius = np.sort(np.maximum(in_x, in_y), 1)[:, 3]
    assert details["n_x"] == pytest.approx((in_x < radius[:, None]).sum(1).mean())
    assert details["n_y"] == pytest.approx((in_y < radius[:, None]).sum(1).mean())
    assert details["share_x_at_minimum"] == np.mean((in_x < radius[:, None]).sum(1) == 3)
    assert details["x_doubled"] == value(2 * x, y)
    assert details["x_halved"] == value(x, 2 * y)
    plain = {str, int, float, bool, tuple, type(None)}
    assert {type(one) for one in details.values()} <= plain, "details go into a store as they are"


# trust


def test_a_check_not_run_caps_the_trust_and_is_named() -> None:
    x, y = oracle.gaussian(1000, 0.8)
    for checks in ("none", "null"):
        found = mutual_information(x, y, checks=checks)
        assert found.trust is Trust.ORDINAL
        assert found.interval is None
        assert f"not checked: scale, sample size, interval (checks='{checks}')" in said(found)
        assert ("null" in found.details) == (checks == "null")


def test_five_nats_in_fifty_dimensions_come_back_flagged_at_a_tenth() -> None:
    rho = math.sqrt(1 - math.exp(-2 * 5 / 50))
    x, y = oracle.gaussian(1000, rho, 50)
    assert oracle.gaussian_truth(rho, 50) == pytest.approx(5.0)
    found = mutual_information(x, y, calibrate=True)
    assert found.value < 1.0
    assert found.trust is Trust.ORDINAL
    assert found.reasons[0].startswith("dimension: a Gaussian of the same N, dimensions and spectra, truth")
    assert found.details["calibration"]["bias"] == pytest.approx(found.value - 5.0, abs=0.5)
    assert "scale-driven" in said(found)
    unchecked = mutual_information(x, y, checks="none")
    assert "dimension: at least 50 + 50" in said(unchecked)


@pytest.mark.parametrize(("d", "truth"), [(5, 0.592812), (25, 1.292184), (50, 1.624265)])
def test_a_dense_gaussian_in_many_dimensions_is_flagged(d: int, truth: float) -> None:
    found = mutual_information(*oracle.dense(800, d))
    assert found.value < truth
    assert found.trust is Trust.ORDINAL
    assert "dimension" in said(found)


def test_sixteen_pairs_are_flagged_and_too_small() -> None:
    found = mutual_information(*oracle.gaussian(1000, 0.5, 16), checks="none")
    assert oracle.gaussian_truth(0.5, 16) == pytest.approx(2.30146, abs=1e-5)
    assert found.value < 2.0
    assert found.trust is Trust.ORDINAL


def test_a_layer_that_outscales_the_other_is_flagged() -> None:
    x, y = oracle.gaussian(1000, 0.8, 2)
    found = mutual_information(1e4 * x, y)
    assert found.details["share_x_at_minimum"] > 0.9
    assert "scale-driven: the x-count" in said(found)


def test_nothing_in_many_dimensions_is_unreliable_and_nothing_in_two_is_calibrated() -> None:
    many = mutual_information(*oracle.gaussian(600, 0.0, 20))
    two = mutual_information(*oracle.gaussian(2000, 0.0))
    assert many.trust is Trust.UNRELIABLE
    assert "does not mean zero" in said(many)
    assert two.trust is Trust.CALIBRATED
    assert two.interval is not None
    assert two.interval.low < 0 < two.interval.high


def test_few_rows_make_no_interval_and_no_calibrated_word() -> None:
    found = mutual_information(*oracle.gaussian(100, 0.5))
    assert found.interval is None
    assert found.trust is Trust.ORDINAL
    assert "undersampled: 100 rows are too few" in said(found)


@pytest.mark.parametrize("n", [2, 4, 5, 9])
def test_a_handful_of_rows_still_answers_and_is_not_believed(n: int) -> None:
    found = mutual_information(*oracle.gaussian(n, 0.5), k=1)
    assert math.isfinite(found.value)
    assert found.trust in (Trust.ORDINAL, Trust.UNRELIABLE)


@pytest.mark.parametrize("checks", ["none", "null", "full"])
@pytest.mark.parametrize("estimator", ["ksg", "zscored_ksg", "pca_ksg", "copula"])
@pytest.mark.parametrize("n", [4, 5, 9])
def test_fewer_than_ten_rows_are_unreliable(n: int, estimator: str, checks: str) -> None:
    found = mutual_information(*oracle.gaussian(n, 0.9), estimator=estimator, checks=checks)
    assert found.trust is Trust.UNRELIABLE
    assert f"undersampled: {n} rows" in said(found)


@pytest.mark.parametrize("estimator", ["ksg", "zscored_ksg", "copula"])
def test_constant_columns_cost_no_trust_and_are_named(estimator: str) -> None:
    x, y = oracle.gaussian(2000, 0.75)
    constant = np.full((2000, 3), 0.1)
    plain = mutual_information(x, y, estimator=estimator)
    wider = mutual_information(np.hstack([x, constant]), np.hstack([constant, y]), estimator=estimator)
    assert plain.trust is wider.trust is Trust.CALIBRATED
    assert wider.value == pytest.approx(plain.value, abs=1e-12)
    assert wider.interval is not None
    assert plain.interval is not None
    ends = (plain.interval.low, plain.interval.high)
    assert (wider.interval.low, wider.interval.high) == pytest.approx(ends, abs=1e-12)
    assert wider.interval.method == plain.interval.method
    assert plain.reasons == ()
    assert "3 of the 4 columns of x and 3 of the 4 columns of y" in said(wider)


def test_a_second_shuffle_is_read_only_where_the_first_leaves_doubt() -> None:
    x, y = oracle.gaussian(600, 0.8)
    full, one = mutual_information(x, y).details, mutual_information(x, y, checks="null").details
    assert full["null"] == one["null"] == value(x, y[np.random.default_rng((0, 3)).permutation(600)])
    doubtful = mutual_information(*oracle.gaussian(600, 0.0, 20)).details
    assert len(doubtful["null_draws"]) == 2
    assert doubtful["null"] == np.mean(doubtful["null_draws"])


def test_beyond_1500_rows_in_many_dimensions_1500_of_them_are_shuffled_first() -> None:
    x, y = oracle.gaussian(1600, 0.9, 8)
    found = mutual_information(x, y)
    order = np.random.default_rng((0, 3)).permutation(1600)
    some = order[:1500]
    assert found.details["null_rows"] == 1500
    assert found.details["null"] == value(x[some], y[np.roll(some, 1)])
    everything = value(x, y[order])
    assert mutual_information(x, y, checks="null").details["null"] == everything
    assert mutual_information(x, y, calibrate=True).details["null_draws"][0] == everything
    doubtful = mutual_information(*oracle.gaussian(1600, 0.0, 8))
    assert doubtful.details["null_rows"] == 1600
    assert doubtful.trust is Trust.UNRELIABLE


def test_half_the_values_at_zero_are_flagged_in_few_dimensions() -> None:
    x, y = oracle.gaussian(2000, 0.8, 2)
    assert "discrete data" in said(mutual_information(np.maximum(x, 0), y))


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.5, 0.75, 0.9])
def test_the_interval_covers_the_truth_as_often_as_it_says(rho: float) -> None:
    inside = []
    for seed in range(100):
        found = mutual_information(*oracle.gaussian(2000, rho, seed=seed), seed=seed)
        assert found.interval is not None
        inside.append(found.interval.low < oracle.gaussian_truth(rho) < found.interval.high)
    assert np.mean(inside) >= 0.88
