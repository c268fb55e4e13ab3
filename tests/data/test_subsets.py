"""The part of a data set that a study trains on."""

from __future__ import annotations

import numpy as np
import pytest

from levinthal.data import load
from levinthal.data.subsets import training_subset
from levinthal.errors import InputError


def test_the_first_samples_with_their_labels() -> None:
    digits = load("digits")
    inputs, labels = training_subset(digits, 30)
    assert np.array_equal(inputs.numpy(), digits.train_inputs[:30])
    assert np.array_equal(labels.numpy(), digits.train_labels[:30])


def test_shuffled_labels_are_one_permutation_of_the_same_labels() -> None:
    digits = load("digits")
    once, again = (training_subset(digits, 200, "shuffled")[1].numpy() for _ in range(2))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, digits.train_labels[:200])
    assert np.array_equal(np.sort(once), np.sort(digits.train_labels[:200]))


@pytest.mark.parametrize("samples", [0, 10**6])
def test_too_few_or_too_many_samples_are_refused(samples: int) -> None:
    with pytest.raises(InputError, match=f"samples={samples} but digits has"):
        training_subset(load("digits"), samples)


def test_another_word_for_the_labels_is_refused() -> None:
    with pytest.raises(InputError, match="shuffled"):
        training_subset(load("digits"), 5, "shufled")
