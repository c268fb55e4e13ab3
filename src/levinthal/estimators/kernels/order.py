"""An order of the points that keeps neighbours together: it makes counting fast, and changes no count."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from __future__ import annotations

from functools import lru_cache

import numba
import numpy as np

DIRECTIONS = 8
LEAF = 32


@lru_cache(maxsize=16)
def sample_rows(n: int, size: int) -> np.ndarray:
    """Draw `size` different rows of n (all, if there are no more), always the same ones."""
    rows = np.random.default_rng(0).permutation(n)[:size].copy()
    rows.flags.writeable = False
    return rows


def kd_order(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the rows in k-d order: halved again and again along differences of random pairs of rows."""
    n = len(x)
    ends = sample_rows(n, 2 * DIRECTIONS)
    starts, stops = ends[: len(ends) // 2], ends[-(len(ends) // 2) :]
    levels = max(0, int(np.ceil(np.log2(n / LEAF))))
    padding = -n % 2**levels
    along = np.zeros((n + padding, len(starts)))
    along[n:] = np.inf
    for values in (x, y):
        project(values, values[stops] - values[starts], along)
    order = np.arange(n + padding)
    for level in range(levels):
        halves = order.reshape(2**level, -1)
        by = np.argpartition(along[halves, level % len(starts)], halves.shape[1] // 2, axis=1)
        order = np.take_along_axis(halves, by, axis=1).ravel()
    return order[order < n]


@numba.njit(cache=True, nogil=True, fastmath=True)
def project(values, directions, along):
    """Add to `along` the products of rows and directions; not by BLAS, whose threads compete."""
    for i in range(len(values)):
        for a in range(len(directions)):
            product = 0.0
            for c in range(values.shape[1]):
                product += values[i, c] * directions[a, c]
            along[i, a] += product
