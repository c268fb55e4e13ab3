from __future__ import annotations

import numpy as np
import pytest
from tests.clinic.histories import history, setup

from levinthal.clinic.presentation.update_ratios import gradients, step_sizes, steps_in_words, weights
from levinthal.clinic.recording.history import History


def test_matrices_are_distinguished_from_vectors() -> None:
    held = weights(history([1.0], depth=2), setup(2))
    assert (held.columns, held.names, held.sizes) == ((0, 2), ("0.weight", "1.weight"), (16, 16))


def test_sizes_are_those_of_a_single_weight() -> None:
    seen = history([1.0, 0.9], depth=3)
    assert gradients(seen, setup(3))[0] == pytest.approx([0.01, 0.1, 1.0])
    assert step_sizes(seen, setup(3)) == pytest.approx(np.full((2, 3), 0.01))


def test_steps_that_change_nothing_are_reported() -> None:
    assert steps_in_words(np.zeros((5, 2))) == "a step leaves most matrices unchanged"
    assert steps_in_words(np.zeros((0, 0))) == ""


def test_nothing_seen_is_nothing() -> None:
    assert gradients(History(), setup()).size == 0
    assert step_sizes(History(), None).size == 0
