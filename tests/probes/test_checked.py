"""What a probe is made from is checked when it is made."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from levinthal.errors import InputError
from levinthal.probes import checked
from levinthal.vocabulary import Estimate

X, Y = torch.rand(6, 2), torch.arange(6) % 3


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (Y[:5], "6 inputs and 5 labels"),
        (Y.float(), "pass one class number an input"),
        (Y[:, None], r"labels has shape \(6, 1\)"),
        (-Y, "labels begin at -2: number the classes from 0"),
        (None, "labels=None has no rows"),
    ],
)
def test_labels_are_one_class_an_input(labels: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        checked.classified(X, labels)


def test_classes_of_any_integer_type_and_in_lists_are_read() -> None:
    for labels in (Y.tolist(), Y.to(torch.uint8), Y.numpy()[::-1][::-1]):
        assert torch.equal(checked.classified(X, labels)[1], Y)
    with pytest.raises(InputError, match="labels run to 2, and the model has 2 outputs"):
        checked.require_classes(Y, X)


def test_one_name_is_a_list_of_one() -> None:
    assert checked.readings("running") == ("running",)
    with pytest.raises(InputError, match="batchnorm is empty"):
        checked.readings([])


def test_an_estimator_returns_an_estimate() -> None:
    assert checked.estimated(lambda x, y: Estimate.exact(1.0), X, X).value == 1.0
    with pytest.raises(InputError, match=r"the estimator returns 0.5: return an Estimate"):
        checked.estimated(lambda x, y: 0.5, X, X)
    with pytest.raises(InputError, match=r"the estimator fails on sides .* ZeroDivisionError") as caught:
        checked.estimated(lambda x, y: 1 / 0, X, X)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_probe_reads_snapshots_and_a_pair_is_a_pair() -> None:
    with pytest.raises(InputError, match="a probe reads a snapshot, and got an int"):
        checked.require_snapshot(5)
    with pytest.raises(InputError, match=r"test=5 is no pair: pass \(inputs, labels\)"):
        checked.as_pair("test", 5)
    with pytest.raises(InputError, match="test: 6 inputs and 5 labels"):
        checked.as_pair("test", (X, Y[:5]))
