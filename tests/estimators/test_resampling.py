"""Intervals by blocks, on a statistic whose error is known: the mean."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from levinthal.estimators.resampling import Spread, block_spread, shuffled_null


def on_rows(
    evaluate: Callable[[np.ndarray, np.ndarray], float], x: np.ndarray, y: np.ndarray, seed: int = 0
) -> Spread | None:
    return block_spread(lambda blocks: [evaluate(x[rows], y[rows]) for rows in blocks], len(x), seed)


def mean_of_products(x: np.ndarray, y: np.ndarray) -> float:
    return float((x * y).mean())


def test_the_standard_error_of_a_mean_is_sigma_over_root_n() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 1))
    errors = [on_rows(mean_of_products, x, np.ones_like(x), seed) for seed in range(40)]
    found = np.mean([spread.standard_error for spread in errors if spread is not None])
    assert found == pytest.approx(x.std() / np.sqrt(4000), rel=0.05)


def test_blocks_never_draw_a_point_twice() -> None:
    x = np.arange(997.0)[:, None]
    sizes = []

    def distinct(a: np.ndarray, b: np.ndarray) -> float:
        assert len(np.unique(a)) == len(a)
        np.testing.assert_array_equal(a, b)
        sizes.append(len(a))
        return 0.0

    on_rows(distinct, x, x)
    assert sizes == [99] * 40


@pytest.mark.parametrize(("rows", "blocks", "size"), [(5000, 10, 500), (5001, 11, 454), (12_000, 24, 500)])
def test_many_rows_make_more_blocks_and_no_larger_ones(rows: int, blocks: int, size: int) -> None:
    x = np.zeros((rows, 1))
    spread = on_rows(lambda a, b: float(len(a)), x, x)
    assert spread is not None
    assert (spread.blocks, spread.mean, spread.standard_error) == (blocks, size, 0)


def test_the_standard_error_does_not_depend_on_the_number_of_blocks() -> None:
    x = np.random.default_rng(3).normal(size=(12_000, 1))
    errors = [on_rows(mean_of_products, x, np.ones_like(x), seed) for seed in range(20)]
    found = np.mean([spread.standard_error for spread in errors if spread is not None])
    assert found == pytest.approx(x.std() / np.sqrt(12_000), rel=0.05)


def test_too_few_rows_make_no_interval() -> None:
    x = np.zeros((149, 1))
    assert on_rows(mean_of_products, x, x) is None
    assert on_rows(mean_of_products, np.zeros((150, 1)), np.zeros((150, 1))) is not None


@pytest.mark.parametrize(("to_come", "low", "high"), [(0.0, 2.0, 2.0), (0.1, 2.0, 2.1), (-0.1, 1.9, 2.0)])
def test_the_interval_reaches_where_the_value_drifts(to_come: float, low: float, high: float) -> None:
    x = np.random.default_rng(1).normal(size=(1000, 1))
    spread = on_rows(mean_of_products, x, x)
    assert spread is not None
    interval = spread.around(2.0, to_come)
    assert spread.half_width == pytest.approx(2.03 * spread.standard_error, rel=0.01)
    assert interval.low == pytest.approx(low - spread.half_width)
    assert interval.high == pytest.approx(high + spread.half_width)
    assert "4 x 10 disjoint blocks" in interval.method


@pytest.mark.parametrize("dimension", [2, 4])
def test_a_bias_that_falls_as_an_edge_does_is_foreseen(dimension: int) -> None:
    """value(n) = 1 - 3 n^(-1/D) is 1 at last."""

    def biased(x: np.ndarray, y: np.ndarray) -> float:
        return 1 - 3 * len(x) ** (-1 / dimension)

    x = np.zeros((1000, 1))
    spread = on_rows(biased, x, x)
    assert spread is not None
    assert biased(x, x) + spread.still_to_come(biased(x, x), dimension) == pytest.approx(1.0)


def test_shuffling_breaks_pairs_and_keeps_both_sides() -> None:
    x = np.arange(500.0)[:, None]
    first = shuffled_null(lambda a, b: float((a == b).mean()), x, x, 3, seed=0)
    again = shuffled_null(lambda a, b: float((a == b).mean()), x, x, 3, seed=0)
    assert first == again
    assert max(first) < 0.02
    assert shuffled_null(lambda a, b: float(b.sum() - a.sum()), x, x, 2, seed=1) == (0.0, 0.0)
