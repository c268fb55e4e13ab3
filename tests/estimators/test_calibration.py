"""The matched Gaussian is like the data, and its truth is what is claimed."""

from __future__ import annotations

import numpy as np
import pytest
from tests import oracles_information as oracle

from levinthal.errors import InputError
from levinthal.estimators import mutual_information
from levinthal.estimators.calibration import matched_bias
from levinthal.estimators.canonical import canonical, gaussian_bias, gaussian_information
from levinthal.vocabulary import Trust


def test_the_draw_has_the_spectra_and_the_information_it_claims() -> None:
    rng = np.random.default_rng(0)
    x, y = oracle.gaussian(20_000, 0.7, 4)
    x, y = x @ rng.normal(size=(4, 5)), y * [1, 10, 0.1, 1]
    drawn = {}

    def keep(a: np.ndarray, b: np.ndarray) -> float:
        drawn["pair"] = (a, b)
        return 0.0

    bias = matched_bias(keep, x, y, 1.0, seed=0)
    a, b = drawn["pair"]
    assert (a.shape, b.shape) == (x.shape, y.shape)
    for like, real in ((a, x), (b, y)):
        np.testing.assert_allclose(np.cov(like.T), np.cov(real.T), atol=0.05 * np.cov(real.T).max())
    found = gaussian_information(canonical(a, b).correlations) - gaussian_bias(20_000, 4, 4)
    assert bias.truth == pytest.approx(oracle.gaussian_truth(0.7, 4), abs=0.05)
    assert found == pytest.approx(bias.truth, abs=0.05)


def test_noise_correlations_are_shrunk_away() -> None:
    x, y = oracle.gaussian(400, 0.0, 30)
    assert gaussian_information(canonical(x, y).correlations) > 0.9
    assert matched_bias(lambda a, b: 0.0, x, y, 1.0, seed=0).truth < 0.2


def test_a_small_bias_vouches_for_more_dimensions_than_we_would() -> None:
    x, y = oracle.gaussian(3000, 0.9)
    quiet = 1e-4 * np.random.default_rng(1).normal(size=(3000, 6))
    x = np.hstack([x, quiet])
    bare, calibrated = mutual_information(x, y), mutual_information(x, y, calibrate=True)
    assert bare.trust is Trust.ORDINAL
    assert calibrated.trust is Trust.CALIBRATED
    assert "a Gaussian of the same N, dimensions and spectra, truth 0.8" in calibrated.reasons[0]


def test_a_dependence_no_gaussian_has_is_not_vouched_for() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(2000, 4))
    y = np.abs(x) + 0.1 * rng.normal(size=(2000, 4))
    found = mutual_information(x, y, calibrate=True)
    assert found.details["calibration"]["truth"] < 0.1
    assert found.trust is not Trust.CALIBRATED


def test_more_directions_than_rows_are_refused() -> None:
    with pytest.raises(InputError, match="needs more rows than directions; got 40 rows for 30 \\+ 30"):
        mutual_information(*oracle.gaussian(40, 0.5, 30), calibrate=True)
