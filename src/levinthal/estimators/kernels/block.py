"""KSG-1 counts of a few points from all of their pairs: no order, no bitmaps, every distance taken once.

The code distances of all pairs are stored (2 n^2 bytes), and gone through three times: for an upper bound
of every k-th joint distance, for the distance itself, and for the points nearer than it in x and in y.
"""

# mypy: ignore-errors
from __future__ import annotations

import numba
import numpy as np

from levinthal.estimators.kernels.bitmap import measure
from levinthal.estimators.kernels.index import aligned
from levinthal.estimators.kernels.pairs import (
    SIDE,
    at_cache_line,
    code_tiles,
    count_lanes,
    count_rows,
    limit_edges,
    pair_block,
)
from levinthal.estimators.kernels.vector import below, below_each, lowest_bit

EVERY_CODE = 32768
jit = numba.njit(cache=True, nogil=True)
inline = numba.njit(forceinline=True)


def room_for(n: int) -> np.ndarray:
    """Return room for the code distances of all pairs of n points: (x or y, pairs of tiles, SIDE, SIDE)."""
    tiles = -(-n // SIDE)
    return aligned(np.uint16, 2, tiles * (tiles + 1) // 2, SIDE, SIDE)


@jit
def count_block(x, y, rows, columns_x, columns_y, k, room, radius, n_x, n_y):
    """Fill what KSG-1 counts among `rows` alone: k-th joint distance, points strictly nearer in x, in y."""
    in_x, in_y = room[0], room[1]
    clamped_x = fill_blocks(x, rows, columns_x, in_x)
    clamped_y = fill_blocks(y, rows, columns_y, in_y)
    tiles = clamped_x.size // 2
    reach = at_cache_line(2 * tiles * SIDE).reshape((2, tiles * SIDE))
    reach[:, : rows.size], reach[:, rows.size :] = EVERY_CODE, 0
    nearest = np.empty((rows.size, k))
    for exact in (False, True):
        nearest[:] = np.inf
        pair = 0
        for apart in range(tiles):
            for one in range(tiles - apart):
                near_pairs(x, y, rows, in_x[pair], in_y[pair], one, one + apart, reach, nearest, exact)
                pair += 1
    radius[:] = nearest[:, k - 1]
    limits = np.nextafter(radius, -np.inf).reshape((1, -1))
    count_stored(x, rows, in_x, clamped_x, limits, n_x)
    count_stored(y, rows, in_y, clamped_y, limits, n_y)


@jit
def fill_blocks(index, rows, columns, blocks):
    """Fill in the code distances of all pairs of tiles, the nearest tiles first; returns who is clamped."""
    codes = code_tiles(index, rows, columns)
    tiles, pair = len(codes.turned), 0
    for apart in range(tiles):
        for one in range(tiles - apart):
            pair_block(codes, one, one + apart, rows.size, blocks[pair])
            pair += 1
    return codes.clamped


@jit
def near_pairs(x, y, rows, in_x, in_y, one, other, reach, nearest, exact):
    """Lower `nearest`, and with it `reach`, by the pairs of two tiles: by what codes allow, or exactly."""
    scale_x, scale_y = (1.0 + 1e-9) / (2.0 * x.quantum), (1.0 + 1e-9) / (2.0 * y.quantum)
    edges_x = reach.ctypes.data
    edges_y = edges_x + 2 * reach.shape[1]
    for a in range(min(SIDE, rows.size - one * SIDE)):
        i = one * SIDE + a
        for part in range(2):
            start = other * SIDE + 32 * part
            here, there = in_x.ctypes.data + 128 * a + 64 * part, in_y.ctypes.data + 128 * a + 64 * part
            mask = below(here, np.intp(reach[0, i])) & below(there, np.intp(reach[1, i]))
            mask |= below_each(here, edges_x + 2 * start) & below_each(there, edges_y + 2 * start)
            if one == other:
                mask &= ~((1 << min(max(i + 1 - start, 0), 32)) - 1)
            while mask != 0:
                b = lowest_bit(np.uint64(mask))
                mask &= mask - 1
                j = start + b
                if exact:
                    d = max(measure(x, rows[i], rows[j]), measure(y, rows[i], rows[j]))
                else:
                    d = max(
                        upper(x, rows[i], rows[j], in_x[a, b + 32 * part]),
                        upper(y, rows[i], rows[j], in_y[a, b + 32 * part]),
                    )
                lower(nearest, reach, i, d, scale_x, scale_y)
                lower(nearest, reach, j, d, scale_x, scale_y)


@inline
def upper(index, i, j, code):
    """Return what the distance of points i and j, whose codes differ by `code`, cannot exceed."""
    if index.clamped[i] or index.clamped[j]:
        return np.inf
    return (np.float64(code) + 1.000001) * 2.0 * index.quantum * (1.0 + 1e-9)


@inline
def lower(nearest, reach, i, d, scale_x, scale_y):
    """Insert a distance from point i, and shrink its reach to its k-th nearest so far."""
    at = nearest.shape[1] - 1
    if not d < nearest[i, at]:
        return
    while at > 0 and nearest[i, at - 1] > d:
        nearest[i, at] = nearest[i, at - 1]
        at -= 1
    nearest[i, at] = d
    worst = nearest[i, nearest.shape[1] - 1]
    reach[0, i] = min(np.intp(reach[0, i]), np.intp(min(worst * scale_x + 2.000001, 32768.0)))
    reach[1, i] = min(np.intp(reach[1, i]), np.intp(min(worst * scale_y + 2.000001, 32768.0)))


@jit
def count_stored(index, rows, blocks, clamped, radii, counts):
    """Fill counts[i] with the points within radii[0, i] of rows[i], at least 1, from stored distances."""
    limits = limit_edges(index, rows, radii)
    so_far, found = np.zeros((1, rows.size), np.int64), at_cache_line(2 * SIDE)
    tiles, pair = clamped.size // 2, 0
    for apart in range(tiles):
        for one in range(tiles - apart):
            count_rows(index, rows, blocks[pair], one, one + apart, clamped, limits, so_far)
            if apart > 0:
                count_lanes(index, rows, blocks[pair], one, one + apart, limits, so_far, found)
            pair += 1
    counts[:] = np.maximum(so_far[0], 1)
