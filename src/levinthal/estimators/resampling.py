"""The same estimate on other pairs: shuffled, rescaled, halved, and on disjoint blocks for its interval.

The interval is subsampling without replacement. A bootstrap draws points twice; a twin lies at distance zero,
so every neighbour distance shrinks and a kNN estimate is biased by it, whatever N. Blocks drawn without
replacement are samples of the same law, only smaller; for an estimate whose error is normal and falls as
1/sqrt(N), the spread over blocks of N/m, divided by sqrt(m), is the standard error at N (Politis & Romano
1994, Ann. Statist. 22:2031; for KSG: Holmes & Nemenman 2019, arXiv 1903.09280). That is sampling error alone.
What the estimate still moves between N/2 and N is the bias that is left where bias falls as 1/N, so the
interval is widened by it, on the side it moves to. Bias that does not move with N is for the other checks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import t as student_t

from levinthal.vocabulary import Interval

Evaluate = Callable[[np.ndarray, np.ndarray], float]
BLOCKS = 10
ROUNDS = 4
LEAST_BLOCKS = 3
LEAST_ROWS = 50


@dataclass(frozen=True, slots=True)
class Spread:
    """The standard error of an estimate, from `rounds` partitions into `blocks` disjoint blocks."""

    standard_error: float
    blocks: int
    rounds: int = ROUNDS

    @property
    def half_width(self) -> float:
        """Half the width of a 95 % interval."""
        return float(student_t.ppf(0.975, self.rounds * (self.blocks - 1))) * self.standard_error

    def around(self, value: float, half: float) -> Interval:
        """The interval around the value on all rows, widened by its drift from `half` of them."""
        low, high = sorted((value, value + (value - half)))
        method = f"subsampling, {self.rounds} x {self.blocks} disjoint blocks, with the drift from N/2 to N"
        return Interval(low - self.half_width, high + self.half_width, 0.95, method)


def block_spread(
    evaluate: Evaluate, x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"], seed: int
) -> Spread | None:
    """The standard error by disjoint blocks; None where N is too small for three blocks of 50 rows."""
    blocks = min(BLOCKS, len(x) // LEAST_ROWS)
    if blocks < LEAST_BLOCKS:
        return None
    rng = np.random.default_rng((seed, 1))
    variances = []
    for _ in range(ROUNDS):
        parts = _partition(rng, len(x), blocks)
        variances.append(np.var([evaluate(x[part], y[part]) for part in parts], ddof=1))
    return Spread(math.sqrt(float(np.mean(variances)) / blocks), blocks)


def half_sample(
    evaluate: Evaluate, x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"], seed: int
) -> float:
    """The mean of the estimate over two disjoint halves."""
    halves = _partition(np.random.default_rng((seed, 2)), len(x), 2)
    return float(np.mean([evaluate(x[part], y[part]) for part in halves]))


def shuffled_null(
    evaluate: Evaluate, x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"], draws: int, seed: int
) -> tuple[float, ...]:
    """The estimate on pairs whose partners were dealt anew: what it reads where there is nothing to read."""
    rng = np.random.default_rng((seed, 3))
    return tuple(evaluate(x, y[rng.permutation(len(y))]) for _ in range(draws))


def _partition(rng: np.random.Generator, n: int, blocks: int) -> Int[np.ndarray, "blocks size"]:
    size = n // blocks
    return rng.permutation(n)[: size * blocks].reshape(blocks, size)
