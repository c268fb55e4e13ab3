"""A value from counts: its closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import digamma

from levinthal.estimators.evaluation import reading_of
from levinthal.estimators.neighbours import NeighbourCounts
from levinthal.estimators.settings import Settings


def test_the_value_is_kraskovs_equation_8() -> None:
    counts = NeighbourCounts(np.ones(4), np.array([3, 4, 9, 1]), np.array([3, 3, 2, 5]))
    found = reading_of(counts, False, Settings(k=3, units="nats"))
    expected = digamma(3) + digamma(4) - np.mean(digamma(counts.n_x) + digamma(counts.n_y))
    assert found.value == pytest.approx(expected, abs=1e-12)
    assert (found.n_x, found.n_y, found.share_x, found.share_y) == (4.25, 3.25, 0.5, 0.75)
