"""The gap between validation and training rows, with its interval."""

from __future__ import annotations

import pytest
import torch

from levinthal.clinic.recording.scoring import Score
from levinthal.clinic.rules.generalisation_gap import gap


def score(right: int, rows: int) -> Score:
    return Score(torch.full((10,), 0.3), torch.tensor(right), rows)


def test_the_interval_of_a_gap_narrows_with_the_number_of_rows() -> None:
    few, many = gap(score(40, 50), score(50, 50)), gap(score(800, 1000), score(1000, 1000))
    assert few is not None
    assert many is not None
    assert few.value == many.value == pytest.approx(0.2)
    assert few.low < many.low < 0.2
    assert many.is_wide
    assert not few.is_wide
    equal = gap(score(90, 100), score(90, 100))
    assert equal is not None
    assert equal.low < 0 < -equal.low < 0.1
