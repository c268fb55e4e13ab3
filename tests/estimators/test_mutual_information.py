"""The front door: names, what goes with what, and the cost of looking."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from tests import oracles_information as oracle

from levinthal import estimators
from levinthal.errors import InputError
from levinthal.estimators import ESTIMATORS, count_neighbours, evaluation, mutual_information

PAGE = Path(__file__).parents[2] / "docs" / "information.md"


def test_every_estimator_is_in_the_table_of_the_docs() -> None:
    exported = {name for name in estimators.__all__ if name.islower() and name != "mutual_information"}
    wanted = {*ESTIMATORS, *exported - {"count_neighbours"}}
    missing = [name for name in sorted(wanted) if f"\n| `{name}`" not in PAGE.read_text()]
    assert missing == [], f"add a row for {missing} to the table of estimators in docs/information.md"


@pytest.mark.parametrize(("wrong", "right"), [("kgs", "ksg"), ("pca-ksg", "pca_ksg"), ("coppula", "copula")])
def test_a_misspelt_estimator_is_answered_with_the_nearest(wrong: str, right: str) -> None:
    x, y = oracle.gaussian(50, 0.5)
    with pytest.raises(InputError, match=f"unknown estimator '{wrong}': did you mean '{right}'"):
        mutual_information(x, y, estimator=wrong)


def test_compat_belongs_to_ksg_and_calibration_to_neighbours() -> None:
    x, y = oracle.gaussian(50, 0.5)
    with pytest.raises(InputError, match="compat='npeet' is about estimator='ksg'; got 'copula'"):
        mutual_information(x, y, estimator="copula", compat="npeet")
    with pytest.raises(InputError, match="calibrate=True is about neighbours, and 'copula' has none"):
        mutual_information(x, y, estimator="copula", calibrate=True)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_estimator_reads_tensors_and_columns_alike(estimator: str) -> None:
    x, y = oracle.gaussian(300, 0.7)
    arrays = mutual_information(x, y, estimator=estimator)
    tensors = mutual_information(torch.tensor(x), torch.tensor(y[:, 0]), estimator=estimator)
    assert arrays == tensors
    assert arrays.details["estimator"] == estimator
    assert arrays.value == pytest.approx(oracle.gaussian_truth(0.7), abs=0.2)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_tensor_on_the_gpu_reads_the_same() -> None:
    x, y = (torch.tensor(side) for side in oracle.gaussian(300, 0.7, 5))
    assert mutual_information(x.cuda(), y.cuda()) == mutual_information(x, y)


def test_without_checks_little_is_added_to_the_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = (np.tanh(side) for side in oracle.gaussian(2000, 0.7, 100))
    counts = count_neighbours(x, y)
    monkeypatch.setattr(evaluation, "count_neighbours", lambda *_, **__: counts)
    spent = []
    for _ in range(7):
        start = time.process_time()
        mutual_information(x, y, checks="none")
        spent.append(time.process_time() - start)
    assert min(spent) < 0.02
