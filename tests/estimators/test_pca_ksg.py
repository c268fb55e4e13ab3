"""Principal components first: rotation and scale of a side no longer matter."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA
from tests import oracles_information as oracle

from levinthal.estimators import mutual_information

SPECTRUM = np.logspace(0, -2, 30)


def layers(n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    x, y = oracle.gaussian(n, 0.8, 30)
    return x * SPECTRUM, y * SPECTRUM


def test_it_is_ksg_of_the_components() -> None:
    sides = []
    for side in layers():
        scores = PCA(4).fit_transform(side)
        sides.append(scores / scores[:, 0].std())
    found = mutual_information(*layers(), estimator="pca_ksg", components=4, checks="none")
    assert found.value == pytest.approx(oracle.ksg_twin(*sides), abs=1e-9)
    assert found.details["components"] == (4, 4)
    assert found.details["variance_kept"][0] == pytest.approx(
        PCA(4).fit(layers()[0]).explained_variance_ratio_.sum()
    )


def test_a_rotated_and_rescaled_layer_reads_the_same() -> None:
    x, y = layers()
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(30, 30)))
    first = mutual_information(x, y, estimator="pca_ksg", checks="none").value
    for scale in (0.5, 1e-6, 1e6):
        assert mutual_information(
            scale * x @ rotation, y, estimator="pca_ksg", checks="none"
        ).value == pytest.approx(first, abs=1e-9)


def test_what_the_components_leave_out_is_said() -> None:
    x, y = oracle.gaussian(400, 0.5, 30)
    found = mutual_information(x, y, estimator="pca_ksg", checks="none")
    assert any("the components hold" in reason for reason in found.reasons)
    few = mutual_information(*layers(), estimator="pca_ksg", components=30, checks="none")
    assert not any("the components hold" in reason for reason in few.reasons)


def test_one_column_is_plain_ksg_and_a_constant_side_is_nothing() -> None:
    x, y = oracle.gaussian(500, 0.7)
    found = mutual_information(x / x.std(), y / y.std(), checks="none").value
    assert mutual_information(x, y, estimator="pca_ksg", checks="none").value == pytest.approx(
        found, abs=1e-9
    )
    assert mutual_information(np.ones((500, 3)), y, estimator="pca_ksg").value == 0
