"""The bitmap search from end to end: order, index, radii, counts, on one thread or several."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial

import numpy as np

from levinthal.estimators.kernels.bitmap import Index, bound_radii, count_within, find_nearest
from levinthal.estimators.kernels.block import count_block, room_for
from levinthal.estimators.kernels.index import build_index
from levinthal.estimators.kernels.order import kd_order

WINDOW = 16


def in_ranges(threads: int, n: int, task: Callable[[int, int], None]) -> None:
    """Call task(first, last) on ranges that cover 0..n, one a thread; compiled loops let go of the lock."""
    edges = [n * part // threads for part in range(threads + 1)]
    if threads == 1:
        task(0, n)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(task, edges[:-1], edges[1:]))


def count_few(x: np.ndarray, y: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return k-th joint distance and counts strictly within it, in x and y, from all pairs of rows."""
    n, as_they_stand = len(x), np.arange(len(x))
    in_x, in_y = (build_index(side, as_they_stand, partial(in_ranges, 1), bitmaps=False) for side in (x, y))
    radius, n_x, n_y = np.empty(n), np.empty(n, np.int64), np.empty(n, np.int64)
    count_block(in_x, in_y, as_they_stand, x.shape[1], y.shape[1], k, room_for(n), radius, n_x, n_y)
    return radius, n_x, n_y


def nearest_radii(x: Index, y: Index, k: int, seed: np.ndarray | None, threads: int) -> np.ndarray:
    """Return the distance of every point of two indices of one order to its k-th joint neighbour."""
    bound = np.full(len(x.codes), np.inf)
    in_ranges(threads, len(bound), lambda first, last: bound_radii(x, y, WINDOW, first, last, k, bound))
    start = bound if seed is None else np.fmin(bound, seed)
    found = _nearest(x, y, np.arange(len(bound)), k, start, threads)
    missed = np.flatnonzero(~np.isfinite(found))
    if missed.size:
        found[missed] = _nearest(x, y, missed, k, bound[missed], threads)
    return found


def _nearest(x: Index, y: Index, rows: np.ndarray, k: int, bound: np.ndarray, threads: int) -> np.ndarray:
    """Return the k-th smallest distance of each row if it is at most `bound`, else infinity."""
    radius, nearest = bound.copy(), np.full((len(rows), k), np.inf)
    in_ranges(threads, len(rows), lambda a, b: find_nearest(x, y, rows[a:b], radius[a:b], nearest[a:b]))
    return nearest[:, -1].copy()


class BitmapSearch:
    """Two variables seen as one space; whatever is not asked for is not built."""

    def __init__(self, x: np.ndarray, y: np.ndarray, threads: int) -> None:
        self.sides = (x, y)
        self.threads = threads
        self._built: dict[int, Index] = {}

    @cached_property
    def order(self) -> np.ndarray:
        """The rows in an order that keeps neighbours together."""
        return kd_order(*self.sides)

    def index(self, side: int) -> Index:
        """Return the index of x (side 0) or y (side 1)."""
        if side not in self._built:
            self._built[side] = build_index(self.sides[side], self.order, self._run)
        return self._built[side]

    def radii(self, k: int, seed: np.ndarray | None) -> np.ndarray:
        """Return the distance of every row to its k-th joint neighbour; too small a `seed` is tried again."""
        ordered = None if seed is None else seed[self.order]
        return self._restored(nearest_radii(self.index(0), self.index(1), k, ordered, self.threads))

    def within(self, side: int, limit: np.ndarray) -> np.ndarray:
        """Return the number of rows of one variable within `limit` of each row, itself included."""
        index, limit = self.index(side), limit[self.order]
        rows, counts = np.arange(len(limit)), np.empty(len(limit), np.int64)
        self._run(len(limit), lambda a, b: count_within(index, rows[a:b], limit[a:b], counts[a:b]))
        return self._restored(counts)

    def _restored(self, ordered: np.ndarray) -> np.ndarray:
        values = np.empty_like(ordered)
        values[self.order] = ordered
        return values

    def _run(self, n: int, task: Callable[[int, int], None]) -> None:
        in_ranges(self.threads, n, task)
