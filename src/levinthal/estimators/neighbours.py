"""Exact neighbour counting for KSG-1: how far the k-th joint neighbour is, how many lie nearer in x and y."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from levinthal.errors import InputError, require_one_of
from levinthal.estimators.kernels.plain import count_plain


@dataclass(frozen=True, slots=True)
class NeighbourCounts:
    """Per point: distance to the k-th joint neighbour; points strictly nearer in x and in y, self included."""

    radius: Float[np.ndarray, " n"]
    n_x: Int[np.ndarray, " n"]
    n_y: Int[np.ndarray, " n"]


def count_neighbours(
    x: Float[np.ndarray, "n dx"],
    y: Float[np.ndarray, "n dy"],
    k: int = 3,
    *,
    threads: int = 1,
    compat: str | None = None,
    seed_radius: Float[np.ndarray, " n"] | None = None,
) -> NeighbourCounts:
    """Count what KSG-1 counts, exactly, in float64 and max-norm.

    radius_i is the distance of row i to its k-th nearest other row in the joint space,
    max(|x_i - x_j|_max, |y_i - y_j|_max); n_x[i] = 1 + #{j != i : |x_i - x_j|_max < radius_i}, n_y alike, so
    MI = psi(k) + psi(N) - <psi(n_x)> - <psi(n_y)> (Kraskov et al. 2004, Eq. 8, arXiv cond-mat/0305641).
    `compat="npeet"` counts rows, self among them, at distance <= radius_i - 1e-15, as NPEET does.
    `seed_radius` is a guess of the radius: a wrong one costs time, never exactness.
    Raises InputError for unequal or too few rows, for values that are not finite, and for k or threads < 1.

    >>> counts = count_neighbours(np.array([[0.0], [1.0], [3.0]]), np.array([[0.0], [2.0], [2.5]]), k=1)
    >>> counts.radius.tolist(), counts.n_x.tolist(), counts.n_y.tolist()
    ([2.0, 2.0, 2.0], [2, 2, 1], [1, 2, 2])
    """
    del seed_radius  # nothing to gain from it in the plain loop
    x, y = _checked(x, y, k, threads)
    slack = -1.0 if compat is None else 1e-15
    if compat is not None:
        require_one_of("compat", compat, ["npeet"])
    n = len(x)
    radius, n_x, n_y = np.empty(n), np.empty(n, np.int64), np.empty(n, np.int64)
    count_plain(x, y, k, slack, 0, n, radius, n_x, n_y)
    return NeighbourCounts(radius, n_x, n_y)


def _checked(
    x: np.ndarray, y: np.ndarray, k: int, threads: int
) -> tuple[Float[np.ndarray, "n dx"], Float[np.ndarray, "n dy"]]:
    """Both arrays as contiguous float64, or the one line that says what disagrees."""
    if len(x) != len(y):
        raise InputError(f"x has {len(x)} rows and y has {len(y)}: pass one row of each per sample")
    if k < 1 or threads < 1:
        raise InputError(f"k={k} neighbours on {threads} threads: both must be at least 1")
    if len(x) <= k:
        raise InputError(
            f"k={k} neighbours need at least {k + 1} rows; got {len(x)}: lower k or pass more samples"
        )
    for name, values in (("x", x), ("y", y)):
        bad = values.size - np.count_nonzero(np.isfinite(values))
        if bad:
            raise InputError(f"{name} holds {bad} values of {values.size} not finite: drop those rows")
    return np.ascontiguousarray(x, np.float64), np.ascontiguousarray(y, np.float64)
