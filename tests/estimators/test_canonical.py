"""Canonical correlations and what Gaussians share."""

from __future__ import annotations

import numpy as np
import pytest
from tests import oracles_information as oracle

from levinthal.estimators.canonical import canonical, gaussian_bias, gaussian_information


def test_they_do_not_move_under_linear_maps_and_ignore_copies_of_columns() -> None:
    rng = np.random.default_rng(0)
    x, y = oracle.gaussian(500, 0.6, 3)
    fit = canonical(x, y)
    mapped = canonical(1e6 * x @ rng.normal(size=(3, 3)) + 5, np.hstack([y, y @ rng.normal(size=(3, 2))]))
    np.testing.assert_allclose(mapped.correlations, fit.correlations, atol=1e-8)
    assert mapped.ranks == (3, 3)


def test_variates_correlate_as_they_should_and_with_nothing_else() -> None:
    x, y = oracle.gaussian(500, 0.6, 4)
    fit = canonical(x @ np.diag([1, 2, 3, 4]) + 7, y[:, :3])
    u, v = fit.variates(x @ np.diag([1, 2, 3, 4]) + 7, y[:, :3], 2)
    np.testing.assert_allclose(u.T @ v / 500, np.diag(fit.correlations[:2]), atol=1e-10)
    np.testing.assert_allclose(u.T @ u / 500, np.eye(2), atol=1e-10)


def test_one_column_each_is_the_correlation_coefficient() -> None:
    x, y = oracle.gaussian(300, 0.6)
    expected = abs(np.corrcoef(x[:, 0], y[:, 0])[0, 1])
    assert canonical(x, y).correlations[0] == pytest.approx(expected, abs=1e-12)


def test_information_adds_over_pairs() -> None:
    assert gaussian_information(np.full(16, 0.5)) == pytest.approx(2.30146, abs=1e-5)
    assert gaussian_information(np.array([0.9])) == pytest.approx(0.830366, abs=1e-6)
    assert gaussian_information(np.zeros(3)) == 0


def test_the_bias_is_what_simulation_finds() -> None:
    found = [
        gaussian_information(canonical(*oracle.gaussian(120, 0.4, 6, seed)).correlations)
        for seed in range(300)
    ]
    expected = oracle.gaussian_truth(0.4, 6) + gaussian_bias(120, 6, 6)
    assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / np.sqrt(300))
