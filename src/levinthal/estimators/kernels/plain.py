"""KSG-1 neighbour counting as two readable loops: the fallback of the fast kernel and its cross-check."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def row_distances(points, i, out):
    """Write the max-norm distance of row i to every row into `out`."""
    n, d = points.shape
    for j in range(n):
        worst = 0.0
        for c in range(d):
            worst = max(worst, abs(points[i, c] - points[j, c]))
        out[j] = worst


@numba.njit(cache=True, nogil=True)
def count_plain(x, y, k, slack, first, last, radius, n_x, n_y):
    """Fill rows first..last: k-th neighbour distance, and points strictly nearer in x and in y.

    `slack` < 0 means strictly nearer, self always counted; otherwise distance <= radius - slack.
    """
    n = x.shape[0]
    in_x = np.empty(n)
    in_y = np.empty(n)
    nearest = np.empty(k)
    for i in range(first, last):
        row_distances(x, i, in_x)
        row_distances(y, i, in_y)
        nearest[:] = np.inf
        for j in range(n):
            d = max(in_x[j], in_y[j])
            if j != i and d < nearest[k - 1]:
                at = k - 1
                while at > 0 and nearest[at - 1] > d:
                    nearest[at] = nearest[at - 1]
                    at -= 1
                nearest[at] = d
        reach = nearest[k - 1]
        radius[i] = reach
        if slack < 0.0:
            n_x[i] = max(1, np.sum(in_x < reach))
            n_y[i] = max(1, np.sum(in_y < reach))
        else:
            n_x[i] = np.sum(in_x <= reach - slack)
            n_y[i] = np.sum(in_y <= reach - slack)
