"""A random order: every order equally likely, every value once, the same for a seed."""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy.stats import chisquare

from levinthal.bounds.shuffling import shuffled


def test_every_order_of_four_values_is_equally_likely() -> None:
    seen = Counter(tuple(shuffled(np.arange(4.0), seed)) for seed in range(6000))
    assert len(seen) == 24
    assert chisquare(list(seen.values())).pvalue > 1e-4


def test_many_values_stay_and_mix() -> None:
    values = np.arange(100_000.0)
    mixed = shuffled(values, 1)
    assert (np.sort(mixed) == values).all()
    assert abs(np.corrcoef(values, mixed)[0, 1]) < 0.02
    assert (shuffled(values, 1) == mixed).all()
    assert (shuffled(values, 2) != mixed).any()
    assert (values == np.arange(100_000.0)).all()
