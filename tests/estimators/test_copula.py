"""The Gaussian copula: exact where the dependence is Gaussian, flagged where it is not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests import oracles_information as oracle

from levinthal.errors import InputError
from levinthal.estimators import mutual_information
from levinthal.vocabulary import Trust

DENSE = {2: 0.293893, 3: 0.413339, 5: 0.592812, 25: 1.292184, 50: 1.624265}


@pytest.mark.parametrize("d", DENSE)
def test_a_dense_gaussian_of_any_dimension_is_calibrated_and_right(d: int) -> None:
    found = [
        mutual_information(*oracle.dense(1000, d, seed=s), estimator="copula", seed=s) for s in range(10)
    ]
    assert [one.trust for one in found].count(Trust.CALIBRATED) >= 9
    spans = [one.interval for one in found if one.interval is not None]
    assert sum(span.low < DENSE[d] < span.high for span in spans) >= 8
    assert np.mean([one.value for one in found]) == pytest.approx(DENSE[d], abs=0.03)


def test_it_equals_the_reference_with_three_determinants() -> None:
    x, y = oracle.gaussian(200, 0.6, 7)
    found = mutual_information(x, y[:, :4], estimator="copula", checks="none").value
    assert found == pytest.approx(oracle.copula_twin(x, y[:, :4]), abs=1e-10)


def test_independent_layers_as_wide_as_the_bias_read_zero() -> None:
    found = mutual_information(*oracle.gaussian(1500, 0.0, 100), estimator="copula")
    assert found.details["bias_removed"] > 3
    assert abs(found.value) < 0.3
    assert found.interval is not None
    assert found.interval.low < 0 < found.interval.high


def test_monotone_maps_and_copied_columns_change_nothing() -> None:
    x, y = oracle.gaussian(500, 0.7, 3)
    first = mutual_information(x, y, estimator="copula", checks="none").value
    bent = mutual_information(
        np.exp(5 * x), np.hstack([y**3, y, np.ones((500, 1))]), estimator="copula", checks="none"
    )
    assert bent.value == pytest.approx(first, abs=1e-9)


def test_a_dependence_that_is_not_gaussian_is_flagged() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=3000)
    found = mutual_information(x, x**2 + 0.1 * rng.normal(size=3000), estimator="copula")
    assert found.value < 0.1
    assert found.trust is Trust.ORDINAL
    assert found.reasons[0].startswith("not a Gaussian copula")


def test_a_dependence_whose_kurtosis_looks_gaussian_is_seen_by_neighbours() -> None:
    found = mutual_information(*oracle.additive_noise(1000, 0.75), estimator="copula")
    assert found.value < 0.25 < 1 / 3
    assert found.trust is Trust.ORDINAL
    assert any("not a Gaussian copula: KSG reads" in reason for reason in found.reasons)


def test_unchecked_it_is_ordinal() -> None:
    found = mutual_information(*oracle.gaussian(300, 0.5), estimator="copula", checks="none")
    assert found.trust is Trust.ORDINAL
    assert "null" not in found.details


def test_a_linear_map_is_infinite_and_said_to_be() -> None:
    x, _ = oracle.gaussian(300, 0.5, 2)
    found = mutual_information(x, 3 * x[:, :1] + 1, estimator="copula")
    assert found.value == math.inf
    assert found.trust is Trust.UNRELIABLE
    assert found.reasons[0].startswith("deterministic map")
    assert found.interval is None


def test_fewer_rows_than_directions_are_refused() -> None:
    with pytest.raises(InputError, match="30 \\+ 30 directions needs more rows than that; got 50"):
        mutual_information(*oracle.gaussian(50, 0.5, 30), estimator="copula")


def test_ties_and_constants_are_told() -> None:
    x, y = oracle.gaussian(500, 0.5)
    assert any("discrete data" in r for r in mutual_information(np.sign(x), y, estimator="copula").reasons)
    assert mutual_information(np.ones(500), y, estimator="copula").trust is Trust.EXACT


def test_bits_are_nats_over_ln_two() -> None:
    x, y = oracle.gaussian(500, 0.5, 2)
    nats, bits = (mutual_information(x, y, estimator="copula", units=unit) for unit in ("nats", "bits"))
    assert bits.value * math.log(2) == pytest.approx(nats.value)
    assert bits.details["null"] * math.log(2) == pytest.approx(nats.details["null"])


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    inside = []
    for seed in range(200):
        found = mutual_information(*oracle.gaussian(400, 0.6, 3, seed), estimator="copula", checks="none")
        assert found.interval is not None
        inside.append(found.interval.low < oracle.gaussian_truth(0.6, 3) < found.interval.high)
    assert 0.9 <= np.mean(inside) <= 0.99
