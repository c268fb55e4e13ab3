from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests import oracles_ksg as oracle

from levinthal.errors import InputError
from levinthal.estimators import neighbours
from levinthal.estimators.kernels.bitmap import code_reach, sure_reach
from levinthal.estimators.kernels.search import BitmapSearch
from levinthal.estimators.neighbours import NeighbourCounts, count_neighbours

N = 601  # odd, and more than one tile of 512
Pair = tuple[np.ndarray, np.ndarray]


def _mixed_scale(g: np.random.Generator) -> Pair:
    return g.normal(size=(N, 12)) * 10.0 ** np.arange(-8, 4), g.normal(size=(N, 5))


CASES: dict[str, Callable[[np.random.Generator], Pair]] = {
    "gauss": lambda g: (g.normal(size=(N, 40)), g.normal(size=(N, 33))),
    "tanh": lambda g: (np.tanh(g.normal(size=(N, 32))), np.tanh(2 * g.normal(size=(N, 31)))),
    "relu": lambda g: (np.maximum(0, g.normal(size=(N, 20))), np.maximum(0, g.normal(size=(N, 9)))),
    "cauchy": lambda g: (g.standard_cauchy((N, 20)), g.standard_cauchy((N, 12))),
    "discrete": lambda g: (g.integers(0, 3, (N, 5)) * 1.0, g.integers(0, 2, (N, 4)) * 1.0),
    "saturated": lambda g: (np.tanh(30 * g.normal(size=(N, 20))), np.tanh(30 * g.normal(size=(N, 20)))),
    "mixed scale": _mixed_scale,
    "duplicates": lambda g: (
        np.repeat(g.normal(size=(N, 6)), 2, 0)[:N],
        np.repeat(g.random((N, 6)), 2, 0)[:N],
    ),
    "constant": lambda g: (np.full((N, 3), 2.5), np.zeros((N, 1))),
    "constant x": lambda g: (np.full((N, 3), 2.5), g.normal(size=(N, 6))),
    "labels": lambda g: (g.normal(size=(N, 12)), g.integers(0, 10, (N, 1)) * 1.0),
    "outliers": lambda g: (np.where(g.random((N, 8)) < 0.01, 1e9, g.random((N, 8))), g.random((N, 8))),
    "far from zero": lambda g: (1e9 + g.normal(size=(N, 9)), g.normal(size=(N, 9)) - 1e6),
    "one column": lambda g: (g.normal(size=(N, 1)), g.normal(size=(N, 1))),
    "spiral": lambda g: (np.linspace(0, 1, N)[:, None] ** np.arange(1, 9), np.linspace(1, 0, N)[:, None]),
}


def _pair(name: str) -> Pair:
    return CASES[name](np.random.default_rng(7))


def _assert_same(found: NeighbourCounts, radius: np.ndarray, n_x: np.ndarray, n_y: np.ndarray) -> None:
    np.testing.assert_array_equal(found.radius, radius)
    np.testing.assert_array_equal(found.n_x, n_x)
    np.testing.assert_array_equal(found.n_y, n_y)


def counted(x: np.ndarray, y: np.ndarray, k: int = 3, **options: Any) -> NeighbourCounts:
    """The counts by all pairs, which equal those by bitmaps."""
    with mock.patch.object(neighbours, "ALL_PAIRS_UP_TO", 0):
        filtered = count_neighbours(x, y, k, **options)
    found = count_neighbours(x, y, k, **options)
    _assert_equal(found, filtered)
    return found


def _assert_equal(one: NeighbourCounts, other: NeighbourCounts) -> None:
    _assert_same(one, other.radius, other.n_x, other.n_y)


# closed forms


def test_points_on_a_line_have_known_radii() -> None:
    line = np.arange(100.0)[:, None]
    found = counted(line, line, 2)
    expected = np.where((line[:, 0] == 0) | (line[:, 0] == 99), 2.0, 1.0)
    _assert_same(found, expected, np.where(expected == 2, 2, 1), np.where(expected == 2, 2, 1))


def test_a_map_that_keeps_distances_reaches_the_ceiling_counts() -> None:
    x = np.random.default_rng(0).normal(size=(300, 8))
    found = counted(x, x[:, ::-1].copy(), 3)
    assert (found.n_x == 3).all()
    assert (found.n_y == 3).all()


def test_radius_zero_counts_the_point_itself_alone() -> None:
    x = np.zeros((200, 4))
    _assert_same(counted(x, x, 3), np.zeros(200), np.ones(200), np.ones(200))
    _assert_same(counted(x, x, 3, compat="npeet"), np.zeros(200), np.zeros(200), np.zeros(200))


# slow reference implementations


@pytest.mark.parametrize("k", [1, 3, 7])
@pytest.mark.parametrize("name", CASES)
def test_every_point_equals_the_slow_reference(name: str, k: int) -> None:
    x, y = _pair(name)
    _assert_same(counted(x, y, k), *oracle.brute_counts(x, y, k))


@pytest.mark.parametrize("scale", [1e-8, 1e8, 1e-300, 1e-312, 1e295])
@pytest.mark.parametrize("name", ["tanh", "cauchy", "discrete"])
def test_every_point_equals_the_slow_reference_at_any_scale(name: str, scale: float) -> None:
    x, y = (values * scale for values in _pair(name))
    _assert_same(counted(x, y, 3), *oracle.brute_counts(x, y, 3))


@pytest.mark.parametrize("name", ["tanh", "cauchy", "labels"])
def test_npeet_compatibility_equals_npeets_trees(name: str) -> None:
    g = np.random.default_rng(1)
    x, y = (values + 1e-10 * g.random(values.shape) for values in _pair(name))
    expected = oracle.ball_tree_counts(x, y, 3, npeet=True)
    _assert_same(counted(x, y, 3, compat="npeet"), *expected)


def test_npeets_slack_is_absolute_and_ours_is_none() -> None:
    x, y = (values * 64.0 for values in _pair("tanh"))
    _assert_same(counted(x, y, 3, compat="npeet"), *oracle.brute_counts(x, y, 3, npeet=True))
    reached = counted(x, y, 3, compat="npeet")
    exact = counted(x, y, 3)
    assert (reached.n_x + reached.n_y > exact.n_x + exact.n_y).all()


def test_information_equals_the_ball_trees_to_the_last_digits() -> None:
    x, y = _pair("tanh")
    found = counted(x, y, 3)
    _, n_x, n_y = oracle.ball_tree_counts(x, y, 3)
    assert oracle.ksg_nats(3, found.n_x, found.n_y) == pytest.approx(oracle.ksg_nats(3, n_x, n_y), abs=1e-12)


VALUES = st.sampled_from([0.0, 1.0, -1.0, 0.5, 3.0, 1e-7, 1e5]) | st.floats(-1e9, 1e9, allow_subnormal=False)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_bitmaps_equal_the_slow_reference_on_anything(data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 40))
    x, y = (data.draw(arrays(np.float64, (n, data.draw(st.integers(1, 3))), elements=VALUES)) for _ in "xy")
    k = data.draw(st.integers(1, n - 1))
    radius, n_x, n_y = oracle.brute_counts(x, y, k)
    search = BitmapSearch(x, y, 1)
    np.testing.assert_array_equal(search.radii(k, None), radius)
    limit = np.nextafter(radius, -np.inf)
    np.testing.assert_array_equal(np.maximum(search.within(0, limit), 1), n_x)
    np.testing.assert_array_equal(np.maximum(search.within(1, limit), 1), n_y)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(CASES)), st.integers(0, 2**31), st.integers(1, 9), st.integers(65, N))
def test_every_point_equals_the_slow_reference_on_random_draws(name: str, seed: int, k: int, n: int) -> None:
    x, y = (values[:n] for values in CASES[name](np.random.default_rng(seed)))
    _assert_same(counted(x, y, k), *oracle.brute_counts(x, y, k))


# the two bugs of the pilot


def test_radii_that_shrink_inside_a_tile_stay_exact() -> None:
    # every later point is nearer to the first than all before it, so its radius shrinks hundreds of times
    reach = np.geomspace(100.0, 1e-3, N)
    x = np.zeros((N, 8))
    x[:, 0], x[1::2, 1:] = reach, reach[1::2, None]
    y = x[:, ::-1] * 0.75
    x[0] = y[0] = 0.0
    far = np.full(N, 1e3)
    for seed in (None, far):
        _assert_same(counted(x, y, 3, seed_radius=seed), *oracle.brute_counts(x, y, 3))


def test_an_infinite_or_absurd_radius_reaches_every_code() -> None:
    for radius in (np.inf, 1e308, 1e30):
        assert code_reach(radius, 1e-5) == 65535
        assert sure_reach(radius, 1e-5) == 65534
    assert code_reach(0.0, 1e-5) == 1
    assert sure_reach(0.0, 1e-5) == -1


def test_points_whose_codes_are_all_cut_off_stay_exact() -> None:
    g = np.random.default_rng(0)
    x = np.exp(12 * g.normal(size=(N, 9)))
    y = g.standard_cauchy((N, 9)) ** 5
    assert BitmapSearch(x, y, 1).index(0).clamped.any()
    _assert_same(counted(x, y, 3), *oracle.brute_counts(x, y, 3))


# exact invariances


@pytest.mark.parametrize("name", ["tanh", "cauchy", "discrete", "mixed scale"])
def test_what_must_not_matter_does_not(name: str) -> None:
    x, y = _pair(name)
    base = counted(x, y, 3)
    g = np.random.default_rng(3)
    rows = g.permutation(N)
    permuted = counted(x[rows], y[rows], 3)
    _assert_same(permuted, base.radius[rows], base.n_x[rows], base.n_y[rows])
    columns = g.permutation(x.shape[1])
    _assert_equal(counted(x[:, columns], y, 3), base)
    constant = np.full((N, 1), 0.1)
    _assert_equal(counted(np.hstack([x, x[:, :2], constant]), np.hstack([constant, y, y]), 3), base)
    swapped = counted(y, x, 3)
    _assert_same(swapped, base.radius, base.n_y, base.n_x)


@settings(max_examples=20, deadline=None)
@given(st.integers(-200, 200))
def test_a_common_power_of_two_scales_radii_alone(power: int) -> None:
    x, y = _pair("tanh")
    base, scaled = counted(x, y, 3), counted(x * 2.0**power, y * 2.0**power, 3)
    _assert_same(scaled, base.radius * 2.0**power, base.n_x, base.n_y)


def test_translation_by_what_float64_can_hold_does_not_matter() -> None:
    x, y = (np.round(values * 1024) / 1024 for values in _pair("gauss"))
    _assert_equal(counted(x + 4096.0, y - 8192.0, 3), counted(x, y, 3))


# ways of asking


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_do_not_change_a_count(threads: int) -> None:
    x, y = _pair("tanh")
    _assert_equal(counted(x, y, 3, threads=threads), counted(x, y, 3))


@pytest.mark.parametrize("name", ["tanh", "cauchy"])
def test_a_wrong_seed_costs_time_only(name: str) -> None:
    x, y = _pair(name)
    base = counted(x, y, 3)
    for seed in (base.radius, base.radius * 0.9, base.radius * 2, np.zeros(N), np.full(N, np.nan)):
        _assert_equal(counted(x, y, 3, seed_radius=seed), base)


@pytest.mark.parametrize("name", ["one column", "labels", "discrete", "constant"])
def test_trees_and_bitmaps_and_plain_loops_agree(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = _pair(name)
    base = count_neighbours(x, y, 3)
    monkeypatch.setattr(neighbours, "ALL_PAIRS_UP_TO", 0)
    _assert_equal(count_neighbours(x, y, 3, threads=2), base)
    monkeypatch.setattr(neighbours, "NEAREST_BY_TREE_FROM", dict.fromkeys(range(20), 1))
    monkeypatch.setattr(neighbours, "COUNT_BY_TREE_FROM", dict.fromkeys(range(20), 1))
    _assert_equal(count_neighbours(x, y, 3, threads=2), base)
    monkeypatch.setattr(neighbours, "FEW_POINTS", N)
    _assert_equal(count_neighbours(x, y, 3, threads=2), base)


def test_inputs_are_left_alone_and_any_layout_or_float_will_do() -> None:
    x, y = _pair("tanh")
    original = x.copy()
    base = counted(x, y, 3)
    np.testing.assert_array_equal(x, original)
    _assert_equal(counted(np.asfortranarray(x), np.repeat(y, 2, axis=1)[:, ::2], 3), base)
    single_x, single_y = x.astype(np.float32), y.astype(np.float32)
    widened = counted(single_x.astype(np.float64), single_y.astype(np.float64), 3)
    _assert_equal(counted(single_x, single_y, 3), widened)


def test_memory_grows_with_the_rows_not_with_their_square() -> None:
    g = np.random.default_rng(0)
    peaks = []
    for n in (1024, 8192):
        x = g.normal(size=(n, 8))
        tracemalloc.start()
        count_neighbours(x, x, 3)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 9 * peaks[0]


# errors


def test_arguments_that_disagree_are_named() -> None:
    x = np.zeros((5, 2))
    with pytest.raises(InputError, match="x has 5 rows and y has 4"):
        count_neighbours(x, x[:4], 1)
    with pytest.raises(InputError, match="k=5 neighbours need at least 6 rows; got 5"):
        count_neighbours(x, x, 5)
    with pytest.raises(InputError, match="k=0 is less than 1: use k=1 or more"):
        count_neighbours(x, x, 0)
    with pytest.raises(InputError, match="threads=0 is less than 1"):
        count_neighbours(x, x, 1, threads=0)
    with pytest.raises(InputError, match="did you mean 'npeet'"):
        count_neighbours(x, x, 1, compat="npet")
    with pytest.raises(InputError, match=r"seed_radius has shape \(4,\) for 5 rows: pass one"):
        count_neighbours(x, x, 1, seed_radius=np.zeros(4))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_count_neighbours(value: float) -> None:
    x = np.zeros((5, 2))
    y = x.copy()
    y[3, 1] = value
    with pytest.raises(InputError, match="y holds 1 values of 10 not finite"):
        count_neighbours(x, y, 1)
