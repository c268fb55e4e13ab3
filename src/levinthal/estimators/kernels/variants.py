"""Neighbour counts of one pair of variables and of its variants, from one order and one index of each side.

Doubling or halving a side scales its float64 values and the width of its codes, exactly; a permutation of y
moves the rows of its index; a block of rows is a subset of them. Nothing is ordered or coded again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from scipy.spatial import cKDTree

from levinthal.estimators.kernels.bitmap import Index, count_within, draw_bitmaps
from levinthal.estimators.kernels.block import count_block, room_for
from levinthal.estimators.kernels.index import aligned
from levinthal.estimators.kernels.order import sample_rows
from levinthal.estimators.kernels.pairs import SIDE, count_pairs
from levinthal.estimators.kernels.search import BitmapSearch, in_ranges, nearest_radii

SAMPLED = 48
Triple = tuple[np.ndarray, np.ndarray, np.ndarray]
Trees = Sequence[cKDTree | None]


class VariantSearch:
    """Radii and counts of (x, y), of (factor * x, y), of (x, permuted y), and of blocks of rows."""

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        k: int,
        threads: int,
        trees: Sequence[cKDTree | None] = (None, None),
    ) -> None:
        self.k, self.threads, self.trees = k, threads, trees
        search = BitmapSearch(x, y, threads)
        self.columns = (x.shape[1], y.shape[1])
        self.order, self.x, self.y = search.order, search.index(0), search.index(1)
        self.place = np.empty_like(self.order)
        self.place[self.order] = np.arange(len(self.order))

    def count(self, factors: Sequence[float], permutations: Sequence[np.ndarray]) -> list[Triple]:
        """Radius, n_x and n_y of every row: as it stands, with x times each factor, with y permuted."""
        base = nearest_radii(self.x, self.y, self.k, None, self.threads)
        scaled = [self._scaled_radii(factor, base) for factor in factors]
        partners = [self.place[rows[self.order]] for rows in permutations]
        radii = [base, *scaled, *(self._permuted_radii(partner) for partner in partners)]
        limits = [np.nextafter(radius, -np.inf) for radius in radii]
        scales = [1.0, *factors, *(1.0 for _ in partners)]
        in_x = self._within(self.x, 0, [limit / s for limit, s in zip(limits, scales, strict=True)])
        own = [np.arange(len(base))] * (1 + len(factors)) + partners
        in_y = self._within(self.y, 1, [_moved(a, rows) for a, rows in zip(limits, own, strict=True)])
        in_y = [counts[rows] for counts, rows in zip(in_y, own, strict=True)]
        return [self._restored(*triple) for triple in zip(radii, in_x, in_y, strict=True)]

    def count_permuted(self, permutation: np.ndarray) -> Triple:
        """Radius, n_x and n_y of every row with y permuted."""
        partner = self.place[permutation[self.order]]
        radius = self._permuted_radii(partner)
        limit = np.nextafter(radius, -np.inf)
        (in_x,) = self._within(self.x, 0, [limit])
        (in_y,) = self._within(self.y, 1, [_moved(limit, partner)])
        return self._restored(radius, in_x, in_y[partner])

    def count_blocks(self, blocks: Sequence[np.ndarray]) -> list[Triple]:
        """Radius, n_x and n_y of the rows of each block, among the rows of that block alone."""
        found = [
            (np.empty(len(rows)), np.empty(len(rows), np.int64), np.empty(len(rows), np.int64))
            for rows in blocks
        ]

        def task(first: int, last: int) -> None:
            room = room_for(len(blocks[0]))
            for rows, triple in zip(blocks[first:last], found[first:last], strict=True):
                count_block(self.x, self.y, np.sort(self.place[rows]), *self.columns, self.k, room, *triple)

        in_ranges(self.threads, len(blocks), task)
        return found

    def _scaled_radii(self, factor: float, base: np.ndarray) -> np.ndarray:
        """No distance of the scaled pair exceeds the plain one's times the factor, or the plain one."""
        scaled = self.x._replace(reals=_like(factor * self.x.reals), quantum=factor * self.x.quantum)
        return nearest_radii(scaled, self.y, self.k, base * max(1.0, factor), self.threads)

    def _permuted_radii(self, partner: np.ndarray) -> np.ndarray:
        permuted = self.y._replace(
            reals=_like(self.y.reals[partner]),
            codes=_like(self.y.codes[partner]),
            clamped=self.y.clamped[partner],
            bitmaps=aligned(np.uint64, *self.y.bitmaps.shape),
        )
        in_ranges(self.threads, len(permuted.bitmaps), partial(draw_bitmaps, permuted))
        return nearest_radii(self.x, permuted, self.k, None, self.threads)

    def _within(self, index: Index, side: int, limits: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Count within each limit, itself included: by bitmaps one by one, or by all pairs at once."""
        n, d, tree = len(self.order), self.columns[side], self.trees[side]
        if tree is not None:
            return [self._by_tree(tree, index.reals[:, :d], limit) for limit in limits]
        if sum(self._bitmap_cost(index, limit, d) for limit in limits) <= 0.1 + d / 80 + len(limits) / 8:
            return [self._by_bitmaps(index, limit, np.arange(n)) for limit in limits]
        return list(self._by_pairs(index, d, np.stack(limits)))

    def _by_tree(self, tree: cKDTree, values: np.ndarray, limit: np.ndarray) -> np.ndarray:
        counts = tree.query_ball_point(values, limit, p=np.inf, return_length=True, workers=self.threads)
        return np.asarray(np.maximum(counts, 1))

    def _bitmap_cost(self, index: Index, limit: np.ndarray, d: int) -> float:
        """Nanoseconds a pair, as they were measured for the share of the points within the limit."""
        rows = sample_rows(len(limit), SAMPLED)
        share = float(self._by_bitmaps(index, limit, rows).mean()) / len(limit)
        return float(0.3 + (4 * share**0.5 + 6 * share) * (0.3 + d / 280))

    def _by_bitmaps(self, index: Index, limit: np.ndarray, rows: np.ndarray) -> np.ndarray:
        counts, limit = np.empty(len(rows), np.int64), limit[rows]
        in_ranges(
            self.threads, len(rows), lambda a, b: count_within(index, rows[a:b], limit[a:b], counts[a:b])
        )
        return np.maximum(counts, 1)

    def _by_pairs(self, index: Index, d: int, limits: np.ndarray) -> np.ndarray:
        """Each thread counts on its own, for a pair adds to both of its points."""
        rows, tiles = np.arange(limits.shape[1]), -(-limits.shape[1] // SIDE)
        parts: list[np.ndarray] = []

        def task(first: int, last: int) -> None:
            counts = np.zeros(limits.shape, np.int64)
            count_pairs(index, rows, d, limits, counts, first, last)
            parts.append(counts)

        in_ranges(self.threads, tiles, task)
        return np.asarray(np.maximum(sum(parts[1:], parts[0]), 1))

    def _restored(self, *ordered: np.ndarray) -> Triple:
        """From the order of the index to the order of the rows."""
        radius, n_x, n_y = (values[self.place] for values in ordered)
        return radius, n_x, n_y


def _moved(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    moved = np.empty_like(values)
    moved[rows] = values
    return moved


def _like(values: np.ndarray) -> np.ndarray:
    """The same values at a cache line."""
    copy = aligned(values.dtype.type, *values.shape)
    copy[...] = values
    return copy
