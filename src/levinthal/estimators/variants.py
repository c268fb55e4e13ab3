"""KSG-1 on a pair and on its variants: one side scaled, partners permuted, blocks of rows.

What the evaluations have in common is made once (kernels/variants.py), and every value is what `read` returns
on the arrays of that variant: where the shared search does not apply, or noise is needed, `read` is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree

from levinthal.estimators import arrays, trust
from levinthal.estimators.evaluation import Reading, read, reading_of
from levinthal.estimators.kernels.variants import Triple, VariantSearch
from levinthal.estimators.neighbours import (
    ALL_PAIRS_UP_TO,
    COUNT_BY_TREE_FROM,
    NEAREST_BY_TREE_FROM,
    TINY,
    NeighbourCounts,
    can_be_indexed,
    tree_wins,
)
from levinthal.estimators.resampling import Rows
from levinthal.estimators.settings import Settings


@dataclass(frozen=True)
class Variants:
    """One pair of finite float64 matrices, to be read in several ways."""

    x: Float[np.ndarray, "n dx"]
    y: Float[np.ndarray, "n dy"]
    settings: Settings

    @cached_property
    def directions(self) -> tuple[int, int]:
        """Number of independent directions of each side; a lower bound where they are many."""
        return (
            arrays.linear_dimension(self.x, trust.LOW_DIMENSION),
            arrays.linear_dimension(self.y, trust.LOW_DIMENSION),
        )

    def readings(self, factors: Sequence[float], permutations: Sequence[Rows]) -> list[Reading]:
        """The pair as it stands, with x times each factor (powers of 2), and with y in each order."""
        scaled = [(factor, None) for factor in factors]
        variants = [(1.0, None), *scaled, *((1.0, rows) for rows in permutations)]
        if not self._shares_counts:
            return [self._read(*variant) for variant in variants]
        found = self._search.count(factors, permutations)
        return [self._reading(triple, *variant) for triple, variant in zip(found, variants, strict=True)]

    def permuted(self, rows: Rows) -> Reading:
        """The pair with y in another order."""
        if not self._shares_counts:
            return self._read(1.0, rows)
        return self._reading(self._search.count_permuted(rows), 1.0, rows)

    def paired(self, x_rows: Rows, y_rows: Rows) -> Reading:
        """Some rows of x with some of y, alone."""
        return self._read(1.0, y_rows, x_rows)

    def block_values(self, blocks: Sequence[Rows]) -> list[float]:
        """The value on the rows of each block alone."""
        if not self._is_indexed or len(blocks[0]) > ALL_PAIRS_UP_TO:
            return [self._read(1.0, rows, rows).value for rows in blocks]
        found = self._search.count_blocks(blocks)
        return [self._reading(t, 1.0, rows, rows).value for t, rows in zip(found, blocks, strict=True)]

    def _reading(
        self, found: Triple, factor: float, y_rows: Rows | None, x_rows: Rows | None = None
    ) -> Reading:
        """What the counts say; points that coincide need noise, and tiny radii are not scaled exactly."""
        if found[0].min() <= TINY:
            return self._read(factor, y_rows, x_rows)
        return reading_of(NeighbourCounts(*found), False, self.settings)

    def _read(self, factor: float, y_rows: Rows | None, x_rows: Rows | None = None) -> Reading:
        x = self.x if x_rows is None else self.x[x_rows]
        y = self.y if y_rows is None else self.y[y_rows]
        return read(x if factor == 1 else factor * x, y, self.settings)

    @property
    def _is_indexed(self) -> bool:
        return self.settings.compat is None and can_be_indexed(self.x, self.y, self.settings.k)

    @property
    def _shares_counts(self) -> bool:
        joint = self.x.shape[1] + self.y.shape[1]
        return self._is_indexed and not tree_wins(NEAREST_BY_TREE_FROM, len(self.x), joint)

    @cached_property
    def _search(self) -> VariantSearch:
        trees = [cKDTree(s) if tree_wins(COUNT_BY_TREE_FROM, *s.shape) else None for s in (self.x, self.y)]
        return VariantSearch(self.x, self.y, self.settings.k, self.settings.threads, trees)
