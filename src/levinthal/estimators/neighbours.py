"""Exact neighbour counting for KSG-1: how far the k-th joint neighbour is, how many lie nearer in x and y.

Four ways lead to the same counts: all pairs in codes up to 1,500 points (kernels/block.py); beyond, k-d trees
in few dimensions, bitmap filtering in many (kernels/bitmap.py); and two plain loops (kernels/plain.py) for a
handful of points or absurd ranges, and as the check of the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from levinthal.errors import InputError, require_one_of
from levinthal.estimators.arrays import host, require_rows
from levinthal.estimators.kernels.plain import count_plain
from levinthal.estimators.kernels.search import BitmapSearch, count_few, in_ranges
from levinthal.estimators.settings import COMPATIBLE, whole_number

REAL = "fiub"
"""Kinds of numbers that are counted: whole numbers too, because counting is exact."""
NPEET_SLACK = 1e-15
FEW_POINTS = 64
ALL_PAIRS_UP_TO = 1500  # beyond, a filter was measured to be the faster way
# beyond these magnitudes differences overflow, or lose their relative precision, before they can be coded
HUGE, TINY = 1e290, 1e-280
# dimensions -> number of points from which a k-d tree was measured to be the faster way
NEAREST_BY_TREE_FROM = {2: 10_000, 3: 20_000, 4: 40_000, 5: 70_000, 6: 100_000}
COUNT_BY_TREE_FROM = {1: 2_000, 2: 35_000, 3: 100_000}


@dataclass(frozen=True, slots=True)
class NeighbourCounts:
    """The counts of KSG-1 for each of n rows.

    Args:
        radius: distance to the k-th joint neighbour, in the unit of the data.
        n_x: number of rows strictly nearer in x, the row itself included.
        n_y: number of rows strictly nearer in y, the row itself included.
    """

    radius: Float[np.ndarray, " n"]
    n_x: Int[np.ndarray, " n"]
    n_y: Int[np.ndarray, " n"]


def count_neighbours(
    x: Float[np.ndarray, "n dx"],
    y: Float[np.ndarray, "m dy"],
    k: int = 3,
    *,
    threads: int = 1,
    compat: str | None = None,
    seed_radius: Float[np.ndarray, " s"] | None = None,
) -> NeighbourCounts:
    """Count what KSG-1 counts, exactly, in float64 and max-norm.

    radius_i is the distance of row i to its k-th nearest other row in the joint space,
    max(|x_i - x_j|_max, |y_i - y_j|_max); n_x[i] = 1 + #{j != i : |x_i - x_j|_max < radius_i}, and n_y
    likewise, so MI = psi(k) + psi(N) - <psi(n_x)> - <psi(n_y)> in nats (Kraskov et al. 2004, Eq. 8, arXiv
    cond-mat/0305641). Memory grows as N (dx + dy), with 2 N^2 bytes more up to 1,500 rows.

    Args:
        x: one side, (N, dx): an array, a tensor or a list of rows, of any real numbers.
        y: the other side, (N, dy).
        k: number of neighbours.
        threads: number of threads, at most 1,024; they change no count.
        compat: "npeet" counts rows, the row itself included, at distance <= radius_i - 1e-15, as NPEET does.
        seed_radius: expected radii (N,), for instance those of an epoch ago: wrong ones cost time only.

    Returns:
        Radius, n_x and n_y of every row, each (N,), in the order of the rows; radii in the unit of the data.

    Raises:
        InputError: unequal or too few rows, rows of different lengths, values that are not finite, k or
            threads that are no whole number of 1 or more, an unknown `compat`.

    >>> counts = count_neighbours(np.array([[0.0], [1.0], [3.0]]), np.array([[0.0], [2.0], [2.5]]), k=1)
    >>> counts.radius.tolist(), counts.n_x.tolist(), counts.n_y.tolist()
    ([2.0, 2.0, 2.0], [2, 2, 1], [1, 2, 2])
    """
    if compat is not None:
        require_one_of("compat", compat, COMPATIBLE)
    k, threads = whole_number("k", k), whole_number("threads", threads)
    x, y = _checked(x, y, k)
    seed_radius = _radii(seed_radius, len(x))
    npeet = compat is not None
    if not can_be_indexed(x, y, k):
        return _count_plainly(x, y, k, threads, npeet)
    if len(x) <= ALL_PAIRS_UP_TO and not npeet:
        return NeighbourCounts(*count_few(x, y, k))
    search = BitmapSearch(x, y, threads)
    if tree_wins(NEAREST_BY_TREE_FROM, len(x), x.shape[1] + y.shape[1]):
        radius = _radii_by_tree(np.hstack([x, y]), k, threads)
    else:
        radius = search.radii(k, seed_radius)
    limit = radius - NPEET_SLACK if npeet else np.nextafter(radius, -np.inf)
    n_x, n_y = (_within(search, side, limit, 0 if npeet else 1) for side in (0, 1))
    return NeighbourCounts(radius, n_x, n_y)


def _within(search: BitmapSearch, side: int, limit: np.ndarray, least: int) -> Int[np.ndarray, " n"]:
    """Count the rows of x (side 0) or y within `limit` of each row, itself included, in the faster way."""
    values = search.sides[side]
    if tree_wins(COUNT_BY_TREE_FROM, *values.shape):
        tree = cKDTree(values)
        counts = tree.query_ball_point(values, limit, p=np.inf, return_length=True, workers=search.threads)
    else:
        counts = search.within(side, limit)
    at_least: np.ndarray = np.maximum(counts, least)
    return at_least


def can_be_indexed(x: np.ndarray, y: np.ndarray, k: int) -> bool:
    """Whether points are enough, and values moderate enough, for a search by index."""
    return len(x) > max(FEW_POINTS, k + 1) and _codable(x) and _codable(y)


def tree_wins(table: dict[int, int], n: int, dimensions: int) -> bool:
    """Whether a k-d tree was measured to be faster on n points of so many dimensions."""
    return dimensions in table and n >= table[dimensions]


def _radii_by_tree(joint: np.ndarray, k: int, threads: int) -> Float[np.ndarray, " n"]:
    """Return the distance of every row to its k-th neighbour; the nearest of k + 1 is the row itself."""
    distances: np.ndarray = cKDTree(joint).query(joint, k=[k + 1], p=np.inf, workers=threads)[0]
    return distances[:, 0]


def _count_plainly(x: np.ndarray, y: np.ndarray, k: int, threads: int, npeet: bool) -> NeighbourCounts:
    """Count by two plain loops over all pairs."""
    n = len(x)
    radius, n_x, n_y = np.empty(n), np.empty(n, np.int64), np.empty(n, np.int64)
    slack = NPEET_SLACK if npeet else -1.0
    in_ranges(threads, n, lambda first, last: count_plain(x, y, k, slack, first, last, radius, n_x, n_y))
    return NeighbourCounts(radius, n_x, n_y)


def _codable(values: np.ndarray) -> bool:
    """Whether the differences of the values are safely inside the range of float64, or all zero."""
    low, high = values.min(initial=0.0), values.max(initial=0.0)
    return bool(-HUGE < low <= high < HUGE and (low == high or max(high, -low) > TINY))


def _checked(
    x: np.ndarray, y: np.ndarray, k: int
) -> tuple[Float[np.ndarray, "n dx"], Float[np.ndarray, "n dy"]]:
    """Return both arrays as contiguous float64, or raise the line that names what disagrees."""
    x, y = host(x, "x", REAL), host(y, "y", REAL)
    for name, values in (("x", x), ("y", y)):
        if values.ndim != 2:
            raise InputError(
                f"{name} has shape {values.shape}, not (N, d): reshape it to N rows of d columns"
            )
    if len(x) != len(y):
        raise InputError(f"x has {len(x)} rows and y has {len(y)}: pass one row of each per sample")
    require_rows(len(x), k)
    x, y = np.ascontiguousarray(x, np.float64), np.ascontiguousarray(y, np.float64)
    for name, values in (("x", x), ("y", y)):
        if not np.isfinite([values.min(initial=0.0), values.max(initial=0.0)]).all():
            bad = values.size - np.count_nonzero(np.isfinite(values))
            raise InputError(f"{name} holds {bad} values of {values.size} not finite: drop those rows")
    return x, y


def _radii(values: np.ndarray | None, rows: int) -> Float[np.ndarray, " n"] | None:
    """Expected radii, one for each row."""
    if values is None:
        return None
    radii = host(values, "seed_radius", REAL)
    if radii.shape != (rows,):
        raise InputError(
            f"seed_radius has shape {radii.shape} for {rows} rows: pass one radius for each row, of shape "
            f"({rows},)"
        )
    return np.ascontiguousarray(radii, np.float64)
