from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.datasets import load_digits as sklearn_digits

from levinthal.data import digits as digits_module
from levinthal.data.digits import load_digits, rows_for_testing
from levinthal.errors import DataError

labelled = hnp.arrays(np.int64, st.integers(1, 60), elements=st.integers(0, 4))


def test_sizes_types_and_range() -> None:
    digits = load_digits()
    assert digits.train_inputs.shape == (1197, 64)
    assert digits.test_inputs.shape == (600, 64)
    assert digits.train_inputs.dtype == digits.test_inputs.dtype == np.float32
    assert digits.train_labels.dtype == digits.test_labels.dtype == np.int64
    assert digits.train_inputs.min() == 0
    assert digits.train_inputs.max() == 1
    assert digits.classes == 10


def test_the_split_is_all_of_scikit_learns_digits_and_nothing_twice() -> None:
    digits, bunch = load_digits(), sklearn_digits()
    ours = np.concatenate([digits.train_inputs, digits.test_inputs]) * 16
    labels = np.concatenate([digits.train_labels, digits.test_labels])
    together = np.column_stack([ours, labels])
    original = np.column_stack([bunch.data, bunch.target])
    assert np.array_equal(together[np.lexsort(together.T)], original[np.lexsort(original.T)])


def test_test_labels_have_the_documented_counts() -> None:
    assert np.bincount(load_digits().test_labels).tolist() == [59, 61, 59, 61, 61, 61, 60, 60, 58, 60]


def test_the_checksum_never_moves() -> None:
    assert load_digits().checksum == "2f586a24c28a47e1d499e22b6c69918062a1b97fe68fc291026b38f9ac55c792"


@given(labels=labelled, data=st.data())
def test_split_is_of_the_asked_size_and_stratified(labels: np.ndarray, data: st.DataObject) -> None:
    size = data.draw(st.integers(0, len(labels)))
    chosen = rows_for_testing(labels, size)
    assert chosen.sum() == size
    for label in np.unique(labels):
        exact = size * np.sum(labels == label) / len(labels)
        assert abs(np.sum(chosen & (labels == label)) - exact) < 1


@given(labels=labelled, data=st.data())
def test_split_within_a_class_is_the_slow_rule(labels: np.ndarray, data: st.DataObject) -> None:
    chosen = rows_for_testing(labels, data.draw(st.integers(0, len(labels))))
    for label in np.unique(labels):
        mine = [row for row in range(len(labels)) if labels[row] == label]
        quota = sum(bool(chosen[row]) for row in mine)
        expected = [mine[int((j + 0.5) * len(mine) / quota)] for j in range(quota)]
        assert [row for row in mine if chosen[row]] == expected


def test_a_missing_file_is_one_line_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits_module, "FILE", "datasets/data/elsewhere.csv.gz")
    with pytest.raises(DataError, match=r"elsewhere.csv.gz is not here: install it with"):
        load_digits()
