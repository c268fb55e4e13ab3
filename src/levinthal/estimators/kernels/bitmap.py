"""Bitmap filtering: which points can lie within reach of a query, 512 points an operation.

Every coordinate is coded in 16 bits, monotonically, so that codes further apart than a reach belong to
values further apart than the radius. For 32 thresholds of every coordinate a bitmap says which points of a
tile lie at or below it; a query intersects the bitmaps of its most selective edges, and only the survivors
are looked at: first their codes, then, where the codes cannot decide, their float64 values. The filter may
let pass too much, never too little, so the counts are exact.
"""

# mypy: ignore-errors
from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from levinthal.estimators.kernels.vector import (
    below,
    code_distance,
    compare_codes,
    distance,
    intersect,
    lowest_bit,
    rate_edges,
    set_bits,
)

TILE = 512
LEVELS = 32
TOP = 65535
UNDECIDED = np.uint64(0xFFFFFFFF)
SCORE_BANDS = 2
NEAR_EDGES = 32
COUNT_EDGES = 64
RELIST = 0.97
jit = numba.njit(cache=True, nogil=True)
inline = numba.njit(forceinline=True)


class Index(NamedTuple):
    """The points of one variable, in tiles: rows of float64, rows of codes, and the bitmaps of every tile."""

    reals: np.ndarray  # (n, width of 8s) float64
    codes: np.ndarray  # (n, width of 32s) uint16
    clamped: np.ndarray  # (n,) bool: some code is cut off, so codes bound distances from below only
    thresholds: np.ndarray  # (columns of codes, LEVELS) uint16
    bulk: np.ndarray  # (columns of codes / 32, 3, 32) uint16: low end, high end, gain
    bitmaps: np.ndarray  # (tiles, columns of codes, LEVELS, 8) uint64
    quantum: float  # width of a code


@jit
def encode(values, order, origin, index, first, last):
    """Copy rows order[first:last] of `values` into the index, as float64 and as codes."""
    scale = 1.0 / index.quantum
    for i in range(first, last):
        row = values[order[i]]
        cut = False
        index.reals[i, row.size :] = 0.0
        index.codes[i, row.size :] = 0
        for c in range(row.size):
            index.reals[i, c] = row[c]
            code = (row[c] - origin[c]) * scale
            cut |= (code < 0.0) | (code > TOP)
            index.codes[i, c] = np.uint16(np.int32(min(max(code, 0.0), 65535.0)))
        index.clamped[i] = cut


@jit
def draw_bitmaps(index, first, last):
    """Draw the bitmaps of tiles first..last."""
    n, width = index.codes.shape
    columns = np.zeros((32, TILE), np.uint16)
    masks = index.bitmaps.view(np.uint32)
    for tile in range(first, last):
        start = tile * TILE
        size = min(TILE, n - start)
        for block in range(0, width, 32):
            for j in range(size):
                for c in range(32):
                    columns[c, j] = index.codes[start + j, block + c]
            for c in range(32):
                column = columns[c].ctypes.data
                for level in range(LEVELS):
                    edge = np.intp(index.thresholds[block + c, level]) + 1
                    for part in range(TILE // 32):
                        masks[tile, block + c, level, part] = below(column + 64 * part, edge)


@inline
def code_reach(radius, quantum):
    """Return the largest difference of codes that two values at most `radius` apart can have."""
    return np.intp(min(radius / quantum * (1.0 + 1e-9) + 1.000001, 65535.0))


@inline
def sure_reach(radius, quantum):
    """Return the largest difference of codes at which values are at most `radius` apart for sure, else -1."""
    codes = radius / quantum * (1.0 - 1e-9) - 1.000001
    return np.intp(np.floor(min(max(codes, -1.0), 65534.0)))


@jit
def list_edges(index, i, radius, scores, steps):
    """List in `steps` the bitmaps that reject most of what is further than `radius` from point i."""
    width = index.codes.shape[1]
    row, reach = index.codes[i].ctypes.data, code_reach(radius, index.quantum)
    high = rate_edges(row, index.bulk.ctypes.data, reach, scores.ctypes.data, width)
    capacity, listed = steps.size, 0
    band = high // SCORE_BANDS + 1
    floor = high + 1
    while floor > 1 and listed < capacity:
        ceiling, floor = floor, max(1, floor - band)
        for vector in range(2 * width // 32):
            address = scores.ctypes.data + 64 * vector
            mask = below(address, ceiling) & ~below(address, floor)
            while mask != 0 and listed < capacity:
                column = 32 * (vector >> 1) + lowest_bit(np.uint64(mask))
                mask &= mask - 1
                code = np.intp(index.codes[i, column])
                edge = min(code + reach, TOP) if vector & 1 else max(code - reach, 0)
                level = set_bits(below(index.thresholds[column].ctypes.data, edge))
                if vector & 1 and level < LEVELS:
                    steps[listed] = (column * LEVELS + level) << 1
                    listed += 1
                elif not vector & 1 and level > 0:
                    steps[listed] = ((column * LEVELS + level - 1) << 1) | 1
                    listed += 1
    while listed & 3:
        steps[listed] = steps[listed - 1]
        listed += 1
    return listed


@inline
def present(n, tile, words):
    """Set the bits of the points that a tile holds."""
    for w in range(8):
        left = n - tile * TILE - 64 * w
        words[w] = np.uint64(0)
        if left >= 64:
            words[w] = ~np.uint64(0)
        elif left > 0:
            words[w] = (np.uint64(1) << np.uint64(left)) - np.uint64(1)


@inline
def survive(index, tile, steps, listed, words):
    """Keep in `words` the points of a tile that no listed edge rejects; returns whether there are any."""
    bitmaps = index.bitmaps[tile].ctypes.data
    return listed == 0 or intersect(words.ctypes.data, bitmaps, steps.ctypes.data, listed) != 0


@inline
def compare(index, i, j, sure, far):
    """Compare two points by their codes: 0 if at most `sure` apart, above UNDECIDED if more than `far`."""
    codes, width = index.codes.ctypes.data, index.codes.shape[1]
    return compare_codes(codes + 2 * width * i, codes + 2 * width * j, width, sure, far)


@inline
def measure(index, i, j):
    """Return the distance of points i and j, in float64."""
    reals, width = index.reals.ctypes.data, index.reals.shape[1]
    return distance(reals + 8 * width * i, reals + 8 * width * j, width)


@jit
def insert(nearest, d):
    """Insert a distance into an ascending list, dropping the last, unless it is no nearer than that."""
    at = nearest.size - 1
    if not d < nearest[at]:
        return
    while at > 0 and nearest[at - 1] > d:
        nearest[at] = nearest[at - 1]
        at -= 1
    nearest[at] = d


@jit
def bound_radii(x, y, window, first, last, k, radius):
    """Lower each radius to what the codes of a window of rows allow: k of them lie within it."""
    n = x.codes.shape[0]
    nearest = np.empty(k)
    for i in range(first, last):
        nearest[:] = np.inf
        start = max(0, min(i - window, n - 2 * window - 1))
        for j in range(start, min(n, start + 2 * window + 1)):
            if j != i and not (x.clamped[i] or y.clamped[i] or x.clamped[j] or y.clamped[j]):
                insert(nearest, max(upper_bound(x, i, j), upper_bound(y, i, j)))
        radius[i] = min(radius[i], nearest[k - 1])


@inline
def upper_bound(index, i, j):
    """Return what the distance of points i and j cannot exceed if neither is clamped."""
    codes, width = index.codes.ctypes.data, index.codes.shape[1]
    apart = code_distance(codes + 2 * width * i, codes + 2 * width * j, width)
    return (apart + 1.000001) * index.quantum * (1.0 + 1e-9)


@jit
def find_nearest(x, y, rows, radius, nearest):
    """Fill nearest[r] with the k smallest joint distances of point rows[r], as far as they are <= radius[r].

    Radii shrink as neighbours are found, and the edges are listed anew once they have shrunk enough.
    """
    tiles = x.bitmaps.shape[0]
    edges = np.empty((2, rows.size, NEAR_EDGES), np.int32)
    listed, listed_at = np.zeros((2, rows.size), np.int64), np.full(rows.size, np.inf)
    scores = np.empty(2 * max(x.codes.shape[1], y.codes.shape[1]), np.uint16)
    everyone, words = np.empty(8, np.uint64), np.empty(8, np.uint64)
    for turn in range(tiles + 1):
        for r in range(rows.size):
            i = rows[r]
            # its own tile comes first, for it holds the likeliest neighbours
            tile = i // TILE if turn == 0 else turn - 1
            if r == 0 or turn == 0:
                present(x.codes.shape[0], tile, everyone)
            if turn > 0 and tile == i // TILE:
                continue
            if turn == 0 or radius[r] < listed_at[r] * RELIST:
                listed_at[r] = radius[r]
                listed[0, r] = list_edges(x, i, radius[r], scores, edges[0, r])
                listed[1, r] = list_edges(y, i, radius[r], scores, edges[1, r])
            words[:] = everyone
            if not survive(x, tile, edges[0, r], listed[0, r], words):
                continue
            if survive(y, tile, edges[1, r], listed[1, r], words):
                radius[r] = take_nearer(x, y, i, tile, words, radius[r], nearest[r])


@inline
def take_nearer(x, y, i, tile, words, radius, nearest):
    """Insert the surviving points of a tile that lie within `radius` of point i; returns the new radius."""
    # the reach must follow the radius: codes compared with the old one would only cost time, never exactness
    far_x, far_y = code_reach(radius, x.quantum), code_reach(radius, y.quantum)
    for w in range(8):
        left = words[w]
        while left != 0:
            j = tile * TILE + 64 * w + lowest_bit(left)
            left &= left - np.uint64(1)
            if compare(x, i, j, -1, far_x) > UNDECIDED or j == i:
                continue
            if compare(y, i, j, -1, far_y) > UNDECIDED:
                continue
            d = max(measure(x, i, j), measure(y, i, j))
            if d <= radius:
                insert(nearest, d)
                radius = min(radius, nearest[-1])
                far_x, far_y = code_reach(radius, x.quantum), code_reach(radius, y.quantum)
    return radius


@jit
def count_within(index, rows, radius, counts):
    """Fill counts[r] with the number of points, itself included, within radius[r] of point rows[r]."""
    edges, listed = np.empty((rows.size, COUNT_EDGES), np.int32), np.zeros(rows.size, np.int64)
    scores = np.empty(2 * index.codes.shape[1], np.uint16)
    everyone, words = np.empty(8, np.uint64), np.empty(8, np.uint64)
    counts[:] = 0
    for r in range(rows.size):
        listed[r] = list_edges(index, rows[r], max(0.0, radius[r]), scores, edges[r])
    for tile in range(index.bitmaps.shape[0]):
        present(index.codes.shape[0], tile, everyone)
        for r in range(rows.size):
            words[:] = everyone
            if radius[r] >= 0.0 and survive(index, tile, edges[r], listed[r], words):
                counts[r] += count_survivors(index, rows[r], tile, words, radius[r])


@inline
def count_survivors(index, i, tile, words, radius):
    """Return how many of the surviving points of a tile lie within `radius` of point i."""
    far = code_reach(radius, index.quantum)
    sure = -1 if index.clamped[i] else sure_reach(radius, index.quantum)
    found = 0
    for w in range(8):
        left = words[w]
        while left != 0:
            j = tile * TILE + 64 * w + lowest_bit(left)
            left &= left - np.uint64(1)
            apart = compare(index, i, j, sure, far)
            found += apart <= UNDECIDED
            if 0 < apart <= UNDECIDED or (apart == 0 and index.clamped[j]):
                found -= measure(index, i, j) > radius
    return found
