"""Variants that share an index say what each says alone, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from tests import oracles_information as oracle

from levinthal.estimators import variants as module
from levinthal.estimators.evaluation import read
from levinthal.estimators.kernels.variants import VariantSearch
from levinthal.estimators.neighbours import ALL_PAIRS_UP_TO
from levinthal.estimators.settings import Settings
from levinthal.estimators.variants import Variants

N = 601
FACTORS = (2.0, 0.5)


def _tanh() -> tuple[np.ndarray, np.ndarray]:
    x, y = oracle.gaussian(N, 0.6, 40)
    return np.tanh(x), np.tanh(3 * y)


def _tails() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_cauchy((N, 7)) ** 3, np.exp(9 * rng.normal(size=(N, 4)))


def _ties() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 3, (N, 2)) * 1.0, np.repeat(rng.normal(size=(N, 3)), 2, 0)[:N]


PAIRS = {
    "tanh": _tanh(),
    "heavy tails": _tails(),
    "ties": _ties(),
    "one column": oracle.gaussian(N, 0.6, 1),
    "tiny": tuple(1e-279 * side for side in oracle.gaussian(N, 0.6, 2)),
    "subnormal": (1e-310 * _tanh()[0], _tanh()[1]),
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", PAIRS)
def test_every_reading_is_that_of_the_arrays_alone(name: str, threads: int) -> None:
    x, y = PAIRS[name]
    settings = Settings(threads=threads)
    orders = [np.random.default_rng(seed).permutation(N) for seed in range(2)]
    alone = [read(a, b, settings) for a, b in ((x, y), (2 * x, y), (0.5 * x, y))]
    alone += [read(x, y[rows], settings) for rows in orders]
    assert Variants(x, y, settings).readings(FACTORS, orders) == alone
    assert Variants(x, y, settings).permuted(orders[1]) == alone[-1]


@pytest.mark.parametrize("k", [1, 3, 7])
@pytest.mark.parametrize("name", PAIRS)
def test_every_block_is_that_of_its_rows_alone(name: str, k: int) -> None:
    x, y = PAIRS[name]
    settings = Settings(k=k)
    order = np.random.default_rng(1).permutation(N)
    blocks = [order[:100], order[100:200], order[200:300]]
    expected = [read(x[rows], y[rows], settings).value for rows in blocks]
    assert Variants(x, y, settings).block_values(blocks) == expected


@pytest.mark.parametrize("name", ["tanh", "heavy tails", "ties", "one column"])
def test_bitmaps_trees_and_all_pairs_count_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = PAIRS[name]
    orders = [np.random.default_rng(0).permutation(N)]
    found = []
    for cost in (0.0, 1e9):
        monkeypatch.setattr(VariantSearch, "_bitmap_cost", lambda *_, cost=cost: cost)
        found.append(VariantSearch(x, y, 3, 1).count(FACTORS, orders))
    monkeypatch.setattr(module, "COUNT_BY_TREE_FROM", dict.fromkeys(range(99), 1))
    found.append(Variants(x, y, Settings())._search.count(FACTORS, orders))
    for triples in found[1:]:
        for one, other in zip(found[0], triples, strict=True):
            np.testing.assert_array_equal(one, other)


def test_more_points_than_all_pairs_are_taken_for_are_read_the_same() -> None:
    x, y = (np.tanh(3 * side) for side in oracle.gaussian(ALL_PAIRS_UP_TO + 1, 0.6, 10))
    settings = Settings()
    alone = [read(a, y, settings) for a in (x, 2 * x, 0.5 * x)]
    assert Variants(x, y, settings).readings(FACTORS, []) == alone


def test_npeet_compatibility_and_few_rows_are_read_alone() -> None:
    x, y = oracle.gaussian(N, 0.6, 3)
    settings = Settings(compat="npeet")
    assert Variants(x, y, settings).readings([2.0], []) == [read(x, y, settings), read(2 * x, y, settings)]
    few = Variants(x[:30], y[:30], Settings())
    assert few.readings([2.0], [])[1] == read(2 * x[:30], y[:30], Settings())
