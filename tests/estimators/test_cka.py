"""Linear CKA: invariances, the reference implementation by kernels, and its null."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests import oracles_information as oracle

from levinthal.errors import InputError
from levinthal.estimators import cka
from levinthal.vocabulary import Trust


def rotation(d: int) -> np.ndarray:
    q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(d, d)))
    return np.asarray(q)


def test_it_equals_three_unbiased_hsics() -> None:
    x, y = oracle.gaussian(60, 0.5, 4)
    x, y = x + 3, y[:, :3] - 1
    assert cka(x, y, checks="none").value == pytest.approx(oracle.cka_twin(x, y), abs=1e-12)


def test_the_plain_ratio_is_that_of_frobenius_norms() -> None:
    x, y = (side - side.mean(0) for side in oracle.gaussian(60, 0.5, 4))
    expected = np.linalg.norm(x.T @ y) ** 2 / np.linalg.norm(x.T @ x) / np.linalg.norm(y.T @ y)
    assert cka(x, y, debiased=False).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("scale", [1e-100, 1.0, 1e100])
def test_a_rotated_scaled_shifted_copy_is_one(scale: float) -> None:
    x, _ = oracle.gaussian(200, 0.5, 5)
    found = cka(x, scale * (x @ rotation(5)) + 1e-3 * scale)
    assert found.value == pytest.approx(1.0, abs=1e-9)


def test_unrelated_wide_layers_read_zero_only_without_bias() -> None:
    x, y = oracle.gaussian(200, 0.0, 200)
    debiased, plain = cka(x, y), cka(x, y, debiased=False)
    assert abs(debiased.value) < 0.05
    assert plain.value > 0.4
    assert plain.trust is Trust.ORDINAL
    assert plain.details["null"] > 0.4


def test_its_interval_covers_the_population_value() -> None:
    """x and y = rho x + noise in d dimensions: the population CKA is rho^2."""
    inside = []
    for seed in range(200):
        interval = cka(*oracle.gaussian(400, 0.6, 5, seed), seed=seed).interval
        assert interval is not None
        inside.append(interval.low < 0.36 < interval.high)
    assert 0.9 <= np.mean(inside) <= 0.995


def test_it_is_a_similarity_of_tensors_too() -> None:
    x, y = oracle.gaussian(200, 0.9, 3)
    found = cka(torch.tensor(x), torch.tensor(y))
    assert found.value == cka(x, y).value
    assert found.reasons == ("a similarity, not an information",)
    assert found.trust is Trust.CALIBRATED
    assert cka(x, y, checks="none").trust is Trust.ORDINAL


def test_constant_and_scarce_rows_are_refused() -> None:
    x, y = oracle.gaussian(50, 0.5, 3)
    with pytest.raises(InputError, match="y is constant"):
        cka(x, np.ones((50, 2)))
    with pytest.raises(InputError, match="at least 4 rows; got 3"):
        cka(x[:3], y[:3])
