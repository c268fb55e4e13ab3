"""Bitmap filtering: which points can lie within reach of a query, 512 points an operation.

Every coordinate is coded in 16 bits, monotonically, so that codes further apart than a reach belong to
values further apart than the radius. For 32 thresholds of every coordinate a bitmap says which points of a
tile lie at or below it; a query intersects the bitmaps of its most selective edges, and only the survivors
are looked at: first their codes, then, where the codes cannot decide, their float64 values. The filter may
let pass too much, never too little, so the counts are exact.
"""

# mypy: ignore-errors - numba infers the types of what it compiles
from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from levinthal.estimators.kernels.vector import (
    below,
    code_distance,
    distance,
    intersect,
    lowest_bit,
    rate_edges,
    set_bits,
)

TILE = 512
LEVELS = 32
TOP = 65535
SCORE_BANDS = 8
NEAR_EDGES = 32
COUNT_EDGES = 64
RELIST = 0.97
jit = numba.njit(cache=True, nogil=True)


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


@jit
def code_reach(radius, quantum):
    """Return the largest difference of codes that two values at most `radius` apart can have."""
    return np.intp(min(radius / quantum * (1.0 + 1e-9) + 1.000001, 65535.0))


@jit
def sure_reach(radius, quantum):
    """Return the largest difference of codes at which values are at most `radius` apart for sure."""
    return np.intp(np.floor(min(radius / quantum * (1.0 - 1e-9) - 1.000001, 65535.0)))


@jit
def list_edges(index, i, radius, scores, steps):
    """List in `steps` the bitmaps that reject most of what is further than `radius` from point i."""
    width = index.codes.shape[1]
    row, reach = index.codes[i].ctypes.data, code_reach(radius, index.quantum)
    high = rate_edges(row, index.bulk.ctypes.data, reach, scores.ctypes.data, width)
    room, listed = steps.size, 0
    band = high // SCORE_BANDS + 1
    floor = high + 1
    while floor > 1 and listed < room:
        ceiling, floor = floor, max(1, floor - band)
        for vector in range(2 * width // 32):
            address = scores.ctypes.data + 64 * vector
            mask = below(address, ceiling) & ~below(address, floor)
            while mask != 0 and listed < room:
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


@jit
def present(n, tile, words):
    """Set the bits of the points that a tile holds."""
    for w in range(8):
        left = n - tile * TILE - 64 * w
        words[w] = np.uint64(0)
        if left >= 64:
            words[w] = ~np.uint64(0)
        elif left > 0:
            words[w] = (np.uint64(1) << np.uint64(left)) - np.uint64(1)


@jit
def bound_radii(x, y, k, window, first, last, radius):
    """Lower each radius to what the codes of a window of rows allow: k of them lie within it."""
    n = x.codes.shape[0]
    wx, wy = x.codes.shape[1], y.codes.shape[1]
    ax, ay = x.codes.ctypes.data, y.codes.ctypes.data
    nearest = np.empty(k)
    for i in range(first, last):
        nearest[:] = np.inf
        start = max(0, min(i - window, n - 2 * window - 1))
        if x.clamped[i] or y.clamped[i]:
            continue
        for j in range(start, min(n, start + 2 * window + 1)):
            if j != i and not (x.clamped[j] or y.clamped[j]):
                in_x = code_distance(ax + 2 * wx * i, ax + 2 * wx * j, wx)
                in_y = code_distance(ay + 2 * wy * i, ay + 2 * wy * j, wy)
                insert(nearest, max((in_x + 1.000001) * x.quantum, (in_y + 1.000001) * y.quantum))
        radius[i] = min(radius[i], nearest[k - 1] * (1.0 + 1e-9))


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
def find_nearest(x, y, rows, radius, nearest):
    """Fill nearest[r] with the k smallest joint distances of point rows[r], as far as they are <= radius[r].

    On return radius[r] is the k-th of them where there are k.
    """
    n, k = x.codes.shape[0], nearest.shape[1]
    tiles = x.bitmaps.shape[0]
    ax, ay, bx, by = x.codes.ctypes.data, y.codes.ctypes.data, x.reals.ctypes.data, y.reals.ctypes.data
    wx, wy, dx, dy = x.codes.shape[1], y.codes.shape[1], x.reals.shape[1], y.reals.shape[1]
    steps = np.empty((rows.size, 2, NEAR_EDGES), np.int32)
    listed = np.zeros((rows.size, 2), np.int64)
    listed_at = np.full(rows.size, np.inf)
    scores = np.empty(2 * max(wx, wy), np.uint16)
    everyone, words = np.empty(8, np.uint64), np.empty(8, np.uint64)
    for turn in range(tiles + 1):
        for r in range(rows.size):
            i = rows[r]
            # its own tile comes first, for it holds the likeliest neighbours
            tile = i // TILE if turn == 0 else turn - 1
            if r == 0 or turn == 0:
                present(n, tile, everyone)
            if turn > 0 and tile == i // TILE:
                continue
            reach = radius[r]
            if reach < listed_at[r] * RELIST or turn == 0:
                listed_at[r] = reach
                listed[r, 0] = list_edges(x, i, reach, scores, steps[r, 0])
                listed[r, 1] = list_edges(y, i, reach, scores, steps[r, 1])
            words[:] = everyone
            if (
                listed[r, 0] > 0
                and intersect(
                    words.ctypes.data, x.bitmaps[tile].ctypes.data, steps[r, 0].ctypes.data, listed[r, 0]
                )
                == 0
            ):
                continue
            if (
                listed[r, 1] > 0
                and intersect(
                    words.ctypes.data, y.bitmaps[tile].ctypes.data, steps[r, 1].ctypes.data, listed[r, 1]
                )
                == 0
            ):
                continue
            reach_x, reach_y = code_reach(reach, x.quantum), code_reach(reach, y.quantum)
            for w in range(8):
                left = words[w]
                while left != 0:
                    j = tile * TILE + 64 * w + lowest_bit(left)
                    left &= left - np.uint64(1)
                    if j == i or code_distance(ax + 2 * wx * i, ax + 2 * wx * j, wx) > reach_x:
                        continue
                    if code_distance(ay + 2 * wy * i, ay + 2 * wy * j, wy) > reach_y:
                        continue
                    d = max(
                        distance(bx + 8 * dx * i, bx + 8 * dx * j, dx),
                        distance(by + 8 * dy * i, by + 8 * dy * j, dy),
                    )
                    if d <= reach:
                        insert(nearest[r], d)
                        reach = min(reach, nearest[r, k - 1])
                        reach_x, reach_y = code_reach(reach, x.quantum), code_reach(reach, y.quantum)
            radius[r] = reach


@jit
def count_within(index, rows, radius, counts):
    """Fill counts[r] with the number of points, itself included, within radius[r] of point rows[r]."""
    n, width = index.codes.shape
    tiles = index.bitmaps.shape[0]
    a, b, d = index.codes.ctypes.data, index.reals.ctypes.data, index.reals.shape[1]
    steps = np.empty((rows.size, COUNT_EDGES), np.int32)
    listed = np.zeros(rows.size, np.int64)
    scores = np.empty(2 * width, np.uint16)
    everyone, words = np.empty(8, np.uint64), np.empty(8, np.uint64)
    for r in range(rows.size):
        counts[r] = 0
        if radius[r] >= 0.0:
            listed[r] = list_edges(index, rows[r], radius[r], scores, steps[r])
    for tile in range(tiles):
        present(n, tile, everyone)
        bitmaps = index.bitmaps[tile].ctypes.data
        for r in range(rows.size):
            i = rows[r]
            reach = radius[r]
            words[:] = everyone
            if reach < 0.0 or (
                listed[r] > 0 and intersect(words.ctypes.data, bitmaps, steps[r].ctypes.data, listed[r]) == 0
            ):
                continue
            far, sure = code_reach(reach, index.quantum), sure_reach(reach, index.quantum)
            if index.clamped[i]:
                sure = -1
            found = 0
            for w in range(8):
                left = words[w]
                while left != 0:
                    j = tile * TILE + 64 * w + lowest_bit(left)
                    left &= left - np.uint64(1)
                    apart = code_distance(a + 2 * width * i, a + 2 * width * j, width)
                    if apart > far:
                        continue
                    known = apart <= sure and not index.clamped[j]
                    found += known or distance(b + 8 * d * i, b + 8 * d * j, d) <= reach
            counts[r] += found
