"""The same estimate on other pairs: shuffled, rescaled, and on disjoint blocks for its interval.

The interval is subsampling without replacement. A bootstrap draws points twice; a copy lies at distance zero,
so every neighbour distance shrinks and a kNN estimate is biased by it, whatever N. Blocks drawn without
replacement are samples of the same law, only smaller; for an estimate whose error is normal and falls as
1/sqrt(N), the spread over blocks of N/m, divided by sqrt(m), is the standard error at N (Politis & Romano
1994, Ann. Statist. 22:2031; for KSG: Holmes & Nemenman 2019, arXiv 1903.09280). That is sampling error alone.

Bias shows as drift between N/m and N. Where the density has an edge, the points within a neighbour distance
of it are misread: their share, and so the bias, falls as N^(-1/D), D the dimension of the joint space; smooth
densities do better. The drift over m^(1/D) - 1 is then what N has left at most, and the interval is widened
by it on the side the value moves to. Bias that does not move with N is for the other checks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import stdtrit

from levinthal.vocabulary import Interval

Evaluate = Callable[[np.ndarray, np.ndarray], float]
Rows = Int[np.ndarray, " m"]
BLOCKS = 10
ROUNDS = 4
LEAST_BLOCKS = 3
LEAST_ROWS = 50
MOST_ROWS = 500  # the cost of all blocks grows with n times this, and not with the square of n


@dataclass(frozen=True, slots=True)
class Spread:
    """An estimate on blocks: its mean, and the standard error on all rows that follows from their scatter."""

    standard_error: float
    mean: float
    blocks: int
    rounds: int = ROUNDS

    @property
    def half_width(self) -> float:
        """Half the width of a 95 % interval of sampling error."""
        return float(stdtrit(self.rounds * (self.blocks - 1), 0.975)) * self.standard_error

    def still_to_come(self, value: float, dimension: int) -> float:
        """How much further the value on all rows would move with ever more of them."""
        growth = float(self.blocks ** (1 / dimension)) - 1
        return (value - self.mean) / growth

    def around(self, value: float, to_come: float) -> Interval:
        """The interval around the value on all rows, widened by what is still to come."""
        low, high = sorted((value, value + to_come))
        method = f"subsampling, {self.rounds} x {self.blocks} disjoint blocks, widened by the drift with N"
        return Interval(low - self.half_width, high + self.half_width, 0.95, method)


def block_spread(evaluate: Callable[[Sequence[Rows]], Sequence[float]], n: int, seed: int) -> Spread | None:
    """The estimate on disjoint blocks of n rows, all at once; None where n is too small for three of 50.

    There are three to ten blocks of 50 rows or more below 5,000 rows, and then more, of 500 rows at most.
    """
    blocks = max(min(BLOCKS, n // LEAST_ROWS), math.ceil(n / MOST_ROWS))
    if blocks < LEAST_BLOCKS:
        return None
    rng = np.random.default_rng((seed, 1))
    rows = [part for _ in range(ROUNDS) for part in _partition(rng, n, blocks)]
    values = np.array(evaluate(rows)).reshape(ROUNDS, blocks)
    variance = float(values.var(axis=1, ddof=1).mean())
    return Spread(math.sqrt(variance / blocks), float(values.mean()), blocks)


def shuffled_null(
    evaluate: Evaluate, x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"], draws: int, seed: int
) -> tuple[float, ...]:
    """The estimate on pairs whose partners are permuted: what it reads where there is nothing to read."""
    return tuple(evaluate(x, y[rows]) for rows in permutations(len(y), draws, seed))


def permutations(n: int, draws: int, seed: int) -> list[Rows]:
    """The orders of y in which the null is read."""
    rng = np.random.default_rng((seed, 3))
    return [rng.permutation(n) for _ in range(draws)]


def mismatched_rows(n: int, rows: int, seed: int) -> tuple[Rows, Rows]:
    """Some of n rows of x, and for each a row of y that belongs to another of them; `rows` is two or more."""
    (order,) = permutations(n, 1, seed)
    return order[:rows], np.roll(order[:rows], 1)


def _partition(rng: np.random.Generator, n: int, blocks: int) -> Int[np.ndarray, "blocks size"]:
    size = n // blocks
    return rng.permutation(n)[: size * blocks].reshape(blocks, size)
