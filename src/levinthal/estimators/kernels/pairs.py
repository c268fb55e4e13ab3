"""All pairs at once: counting where most points lie within reach, and where points are few.

A bitmap filter is of no use where most points survive it. There the distance of every pair is taken once, in
codes of 15 bits, for both of its points and for every radius asked for; where the codes cannot decide, the
float64 values do, so that the counts are exact. Points are taken in tiles of 64; a point of the one tile is a
row of a block of distances, a point of the other a lane.
"""

# mypy: ignore-errors
from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from levinthal.estimators.kernels.bitmap import measure
from levinthal.estimators.kernels.vector import below, code_distances, lowest_bit, set_bits, tally

SIDE = 64
ABSENT = 65535
jit = numba.njit(cache=True, nogil=True)
inline = numba.njit(forceinline=True)


class Tiles(NamedTuple):
    """The 15-bit codes of some rows of an index, in tiles of SIDE."""

    flat: np.ndarray  # (tiles * SIDE, columns) int32: every code twice, side by side
    turned: np.ndarray  # (tiles, columns, SIDE) int16
    clamped: np.ndarray  # (2 tiles) int64: 32 bits each, set where a point is clamped


class Limits(NamedTuple):
    """Radii within which to count, and what they say about code distances."""

    reals: np.ndarray  # (t, n) float64
    sure: np.ndarray  # (t, tiles * SIDE) uint16: codes below are within the radius
    far: np.ndarray  # (t, tiles * SIDE) uint16: codes not below are beyond it


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
def at_cache_line(size):
    """Return `size` values of uint16 that start at a cache line: vectors that straddle two cost double."""
    raw = np.empty(size + 32, np.uint16)
    start = (-raw.ctypes.data % 64) // 2
    return raw[start : start + size]


@jit
def code_tiles(index, rows, columns):
    """Return the codes of `rows`, by row and by tile."""
    tiles = (rows.size + SIDE - 1) // SIDE
    flat = np.empty((tiles * SIDE, columns), np.int32)
    turned = at_cache_line(tiles * columns * SIDE).view(np.int16).reshape((tiles, columns, SIDE))
    turned[-1] = 0
    clamped = np.zeros(2 * tiles, np.int64)
    for r in range(rows.size):
        row = index.codes[rows[r]]
        for c in range(columns):
            code = np.int32(row[c] >> np.uint16(1))
            flat[r, c] = code * np.int32(65537)
            turned[r // SIDE, c, r % SIDE] = code
        if index.clamped[rows[r]]:
            clamped[r // 32] |= 1 << (r % 32)
    return Tiles(flat, turned, clamped)


@jit
def limit_edges(index, rows, limits):
    """Return the limits (t, n) with their edges among the codes of `rows`."""
    tiles = (rows.size + SIDE - 1) // SIDE
    shape = (len(limits), tiles * SIDE)
    sure = at_cache_line(shape[0] * shape[1]).reshape(shape)
    far = at_cache_line(shape[0] * shape[1]).reshape(shape)
    sure[:], far[:] = 0, 0
    for t in range(len(limits)):
        for i in range(rows.size):
            if limits[t, i] >= 0.0:
                far[t, i] = reach_of(limits[t, i], index.quantum) + 1
                if not index.clamped[rows[i]]:
                    sure[t, i] = sure_of(limits[t, i], index.quantum) + 1
    return Limits(limits, sure, far)


@jit
def pair_block(tiles, one, other, n, block):
    """Fill block[a, b] with the code distance of point a of tile `one` and b of `other`; absent: far."""
    columns = tiles.flat.shape[1]
    here, there = tiles.flat.ctypes.data, tiles.turned.ctypes.data + 2 * other * columns * SIDE
    for a in range(min(SIDE, n - one * SIDE)):
        code_distances(here + 4 * columns * (one * SIDE + a), there, columns, block.ctypes.data + 128 * a)
    for b in range(max(0, n - other * SIDE), SIDE):
        block[:, b] = ABSENT


@jit
def count_rows(index, rows, block, one, other, clamped, limits, counts):
    """Add to counts[t, i], i in tile `one`, the points of tile `other` within limit t of point i."""
    for t in range(len(limits.reals)):
        for a in range(min(SIDE, rows.size - one * SIDE)):
            i = one * SIDE + a
            sure, far = np.intp(limits.sure[t, i]), np.intp(limits.far[t, i])
            for part in range(2):
                start = other * SIDE + 32 * part
                codes = block.ctypes.data + 128 * a + 64 * part
                inside = below(codes, sure) & ~clamped[start // 32]
                counts[t, i] += set_bits(inside)
                unsure = below(codes, far) & ~inside
                while unsure != 0:
                    j = start + lowest_bit(np.uint64(unsure))
                    unsure &= unsure - 1
                    counts[t, i] += measure(index, rows[i], rows[j]) <= limits.reals[t, i]


@jit
def count_lanes(index, rows, block, one, other, limits, counts, found):
    """Add to counts[t, j], j in tile `other`, the points of tile `one` within limit t of point j."""
    width = limits.far.shape[1]
    # addresses are computed: a slice of an array would be counted as a reference, atomically
    sure, far, lanes = limits.sure.ctypes.data, limits.far.ctypes.data, found.ctypes.data
    found[SIDE:] = 0
    for t in range(len(limits.reals)):
        found[:SIDE] = 0
        for a in range(min(SIDE, rows.size - one * SIDE)):
            i = one * SIDE + a
            # codes of a clamped point bound its distances from below only: none of them is sure
            cut = index.clamped[rows[i]]
            for part in range(2):
                start = other * SIDE + 32 * part
                at = 2 * (t * width + start)
                codes = block.ctypes.data + 128 * a + 64 * part
                unsure = tally(codes, lanes + 128 if cut else sure + at, far + at, lanes + 64 * part)
                while unsure != 0:
                    j = start + lowest_bit(np.uint64(unsure))
                    unsure &= unsure - 1
                    counts[t, j] += measure(index, rows[i], rows[j]) <= limits.reals[t, j]
        for b in range(min(SIDE, rows.size - other * SIDE)):
            counts[t, other * SIDE + b] += found[b]


@jit
def count_pairs(index, rows, columns, radii, counts, first, last):
    """Add to counts[t, i] the points within radii[t, i] of rows[i]: tiles first..last with later ones."""
    tiles, limits = code_tiles(index, rows, columns), limit_edges(index, rows, radii)
    block = at_cache_line(SIDE * SIDE).reshape((SIDE, SIDE))
    found = at_cache_line(2 * SIDE)
    for one in range(first, last):
        for other in range(one, len(tiles.turned)):
            pair_block(tiles, one, other, rows.size, block)
            count_rows(index, rows, block, one, other, tiles.clamped, limits, counts)
            if other > one:
                count_lanes(index, rows, block, one, other, limits, counts, found)
