"""All pairs at once: counting where most points lie within reach, and where points are few.

A bitmap filter is of no use where most points survive it. There the distance of every pair is taken once, in
codes of 15 bits, for both of its points and for every radius asked for; where the codes cannot decide, the
float64 values do, so that the counts are exact.
"""

# mypy: ignore-errors
from __future__ import annotations

import numba
import numpy as np

from levinthal.estimators.kernels.bitmap import insert, measure
from levinthal.estimators.kernels.vector import below, code_distances, lowest_bit, set_bits

SIDE = 64
BATCH = 16
LONGEST = 32767
jit = numba.njit(cache=True, nogil=True)
inline = numba.njit(forceinline=True)


@inline
def reach_of(radius, quantum):
    """Return the largest difference of 15-bit codes that two values at most `radius` apart can have."""
    return np.intp(min(max(radius, 0.0) / (2.0 * quantum) * (1.0 + 1e-9) + 1.000001, 32767.0))


@inline
def sure_of(radius, quantum):
    """Return the largest difference of 15-bit codes at which values are within `radius` for sure, else -1."""
    codes = radius / (2.0 * quantum) * (1.0 - 1e-9) - 1.000001
    return np.intp(np.floor(min(max(codes, -1.0), 32766.0)))


@jit
def code_tiles(index, rows, columns):
    """Return the 15-bit codes of `rows`, by row and by tile (tiles, columns, SIDE), and who is clamped."""
    tiles = (rows.size + SIDE - 1) // SIDE
    flat = np.zeros((tiles * SIDE, columns), np.int16)
    turned = np.zeros((tiles, columns, SIDE), np.int16)
    clamped = np.zeros(2 * tiles, np.int64)
    for r in range(rows.size):
        row = index.codes[rows[r]]
        for c in range(columns):
            code = np.int16(row[c] >> np.uint16(1))
            flat[r, c] = code
            turned[r // SIDE, c, r % SIDE] = code
        if index.clamped[rows[r]]:
            clamped[r // 32] |= 1 << (r % 32)
    return flat, turned, clamped


@jit
def pair_block(flat, turned, one, other, n, block, mirrored):
    """Fill block[a, b] with the code distance of point a of tile `one` and b of `other`; absent: far."""
    columns = flat.shape[1]
    here, there = flat.ctypes.data, turned.ctypes.data + 2 * other * columns * SIDE
    for a in range(SIDE):
        code_distances(here + 2 * columns * (one * SIDE + a), there, columns, block.ctypes.data + 128 * a)
    for b in range(max(0, n - other * SIDE), SIDE):
        block[:, b] = 65535
    for a in range(SIDE):
        for b in range(SIDE):
            mirrored[b, a] = block[a, b]
    for a in range(max(0, n - one * SIDE), SIDE):
        mirrored[:, a] = 65535


@inline
def count_row(index, rows, i, codes, start, clamped, sure, far, limit):
    """Count those of 32 points, from `start`, within `limit` of point i; `codes`: their code distances."""
    inside = below(codes, sure + 1)
    unsure = (below(codes, far + 1) & ~inside) | (inside & clamped)
    found = set_bits(inside & ~clamped)
    while unsure != 0:
        j = rows[start + lowest_bit(np.uint64(unsure))]
        unsure &= unsure - 1
        found += measure(index, rows[i], j) <= limit
    return found


@jit
def count_tile(index, rows, block, one, other, clamped, limits, counts):
    """Add to counts[t, i], i in tile `one`, the points of tile `other` within limits[t, i]."""
    codes = block.ctypes.data
    for t in range(limits.shape[0]):
        for a in range(min(SIDE, rows.size - one * SIDE)):
            i = one * SIDE + a
            limit = limits[t, i]
            if limit < 0.0:
                continue
            far = reach_of(limit, index.quantum)
            sure = np.intp(-1) if index.clamped[rows[i]] else sure_of(limit, index.quantum)
            for part in range(2):
                start = other * SIDE + 32 * part
                counts[t, i] += count_row(
                    index, rows, i, codes + 128 * a + 64 * part, start, clamped[start // 32], sure, far, limit
                )


@jit
def count_pairs(index, rows, columns, limits, counts, first, last):
    """Add to counts[t, i] the points within limits[t, i] of rows[i]: tiles first..last with later ones."""
    flat, turned, clamped = code_tiles(index, rows, columns)
    block, mirrored = np.empty((SIDE, SIDE), np.uint16), np.empty((SIDE, SIDE), np.uint16)
    for one in range(first, last):
        for other in range(one, turned.shape[0]):
            pair_block(flat, turned, one, other, rows.size, block, mirrored)
            count_tile(index, rows, block, one, other, clamped, limits, counts)
            if other > one:
                count_tile(index, rows, mirrored, other, one, clamped, limits, counts)


@jit
def row_codes(flat, turned, first, n, apart):
    """Fill apart[a, j] with the code distance of points first + a and j; far where there is no point j."""
    columns, width = flat.shape[1], apart.shape[1]
    here, there, out = flat.ctypes.data, turned.ctypes.data, apart.ctypes.data
    for tile in range(turned.shape[0]):
        for a in range(min(len(apart), n - first)):
            code_distances(
                here + 2 * columns * (first + a),
                there + 2 * columns * SIDE * tile,
                columns,
                out + 2 * (width * a + SIDE * tile),
            )
    apart[:, n:] = 65535


@inline
def upper(code, quantum):
    """Return what the distance of two values, not clamped, whose codes differ by `code`, cannot exceed."""
    return (np.float64(code) + 1.000001) * 2.0 * quantum * (1.0 + 1e-9)


@jit
def bound_row(x, y, rows, i, in_x, in_y, nearest):
    """Lower `nearest` to the k smallest distances from point i that codes allow; returns the largest."""
    nearest[:] = np.inf
    if x.clamped[rows[i]] or y.clamped[rows[i]]:
        return np.inf
    bound, far_x, far_y = np.inf, np.intp(LONGEST), np.intp(LONGEST)
    for start in range(0, in_x.size, 32):
        mask = below(in_x.ctypes.data + 2 * start, far_x + 1)
        mask &= below(in_y.ctypes.data + 2 * start, far_y + 1)
        while mask != 0:
            j = start + lowest_bit(np.uint64(mask))
            mask &= mask - 1
            if j != i and not (x.clamped[rows[j]] or y.clamped[rows[j]]):
                insert(nearest, max(upper(in_x[j], x.quantum), upper(in_y[j], y.quantum)))
        if nearest[-1] < bound:
            bound = nearest[-1]
            far_x, far_y = reach_of(bound, x.quantum), reach_of(bound, y.quantum)
    return nearest[-1]


@jit
def nearest_row(x, y, rows, i, in_x, in_y, bound, nearest):
    """Fill `nearest` with the k smallest joint distances from point i, none of them beyond `bound`."""
    nearest[:] = np.inf
    far_x, far_y = reach_of(bound, x.quantum), reach_of(bound, y.quantum)
    for start in range(0, in_x.size, 32):
        mask = below(in_x.ctypes.data + 2 * start, far_x + 1)
        mask &= below(in_y.ctypes.data + 2 * start, far_y + 1)
        while mask != 0:
            j = start + lowest_bit(np.uint64(mask))
            mask &= mask - 1
            if j != i:
                insert(nearest, max(measure(x, rows[i], rows[j]), measure(y, rows[i], rows[j])))


@jit
def count_block(x, y, rows, columns_x, columns_y, k, radius, n_x, n_y):
    """Fill what KSG-1 counts among `rows` alone: k-th joint distance, points strictly nearer in x, in y."""
    flat_x, turned_x, clamped_x = code_tiles(x, rows, columns_x)
    flat_y, turned_y, clamped_y = code_tiles(y, rows, columns_y)
    in_x, in_y = np.empty((BATCH, len(flat_x)), np.uint16), np.empty((BATCH, len(flat_x)), np.uint16)
    nearest = np.empty(k)
    for first in range(0, rows.size, BATCH):
        row_codes(flat_x, turned_x, first, rows.size, in_x)
        row_codes(flat_y, turned_y, first, rows.size, in_y)
        for a in range(min(BATCH, rows.size - first)):
            i = first + a
            bound = bound_row(x, y, rows, i, in_x[a], in_y[a], nearest)
            nearest_row(x, y, rows, i, in_x[a], in_y[a], bound, nearest)
            radius[i] = nearest[-1]
            limit = np.nextafter(radius[i], -np.inf)
            n_x[i] = max(1, count_all(x, rows, i, in_x[a], clamped_x, limit))
            n_y[i] = max(1, count_all(y, rows, i, in_y[a], clamped_y, limit))


@jit
def count_all(index, rows, i, codes, clamped, limit):
    """Return how many of all points lie within `limit` of point i."""
    if limit < 0.0:
        return 0
    far = reach_of(limit, index.quantum)
    sure = np.intp(-1) if index.clamped[rows[i]] else sure_of(limit, index.quantum)
    found = 0
    for start in range(0, codes.size, 32):
        found += count_row(
            index, rows, i, codes.ctypes.data + 2 * start, start, clamped[start // 32], sure, far, limit
        )
    return found
