"""The noise of one seed: fourteen laws, each with mean 0 and standard deviation 1, and a share.

The effect of a seed is `truth + spread * noise`, so the truth is the mean over all possible seeds, whatever
the law. A failed run in ten is a law of its own: either it has an effect far below the others (`one in ten
fails`), or it has no finite effect (`one in ten not finite`; the truth is then the mean over the seeds that
have one).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

Generator = np.random.Generator
Shape = tuple[int, ...]
Array = Float[np.ndarray, "..."]
Law = Callable[[Generator, Shape], Array]

FAILS = 0.1
"""How often a seed fails, or succeeds wildly."""
ZERO = 0.75
"""How often a zero-inflated effect is zero; else it is exponential."""
DISORDER = 0.3
"""The weight of a pair in the wrong order, in the ranking of four points (Mallows' law)."""
SHARE = "0/1 share"
NULL, SIZE = 0.5, 0.2
"""Null of a share, and how far beyond it an effect counts: at the four truths it is .5, .6, .7 and .9."""


def normal(rng: Generator, shape: Shape) -> Array:
    return rng.standard_normal(shape)


def heavy(rng: Generator, shape: Shape) -> Array:
    """Student's t with 3 degrees of freedom, whose variance is 3."""
    return rng.standard_t(3, shape) / math.sqrt(3)


def exponential(rng: Generator, shape: Shape) -> Array:
    return rng.standard_exponential(shape) - 1


def lognormal(sigma: float) -> Law:
    """Skewed upwards: the mean is exp(sigma^2 / 2), the variance mean^2 (exp(sigma^2) - 1)."""
    mean = math.exp(sigma**2 / 2)
    deviation = mean * math.sqrt(math.expm1(sigma**2))
    return lambda rng, shape: (rng.lognormal(0, sigma, shape) - mean) / deviation


def two_points(low: float) -> Law:
    """Two values; the lower one has probability `low`."""
    mean, deviation = 1 - low, math.sqrt(low * (1 - low))
    return lambda rng, shape: ((rng.random(shape) >= low) - mean) / deviation


def not_finite(rng: Generator, shape: Shape) -> Array:
    """Normal where there is an effect; one seed in ten has none."""
    return np.where(rng.random(shape) < FAILS, np.nan, rng.standard_normal(shape))


def zero_inflated(rng: Generator, shape: Shape) -> Array:
    present = 1 - ZERO
    raw = rng.standard_exponential(shape) * (rng.random(shape) < present)
    return (raw - present) / math.sqrt(2 * present - present**2)


def four_points() -> tuple[Array, Array]:
    """Spearman's correlation of every ranking of four points with the true one, and its probability."""
    rankings = list(itertools.permutations(range(4)))
    distances = [sum((rank - place) ** 2 for place, rank in enumerate(r)) for r in rankings]
    wrong = [sum(a > b for a, b in itertools.combinations(r, 2)) for r in rankings]
    weights = np.power(DISORDER, np.array(wrong, dtype=float))
    return 1 - np.array(distances) / 10, weights / weights.sum()


def spearman(rng: Generator, shape: Shape) -> Array:
    values, weights = four_points()
    mean = float(values @ weights)
    deviation = math.sqrt(float(values**2 @ weights) - mean**2)
    return (rng.choice(values, shape, p=weights) - mean) / deviation


def downwards(law: Law) -> Law:
    """The mirrored law."""
    return lambda rng, shape: -law(rng, shape)


LAWS: dict[str, Law] = {
    "normal": normal,
    "t, 3 d.f.": heavy,
    "exponential, tail up": exponential,
    "exponential, tail down": downwards(exponential),
    "lognormal .5, tail up": lognormal(0.5),
    "lognormal .5, tail down": downwards(lognormal(0.5)),
    "lognormal 1, tail up": lognormal(1.0),
    "lognormal 1, tail down": downwards(lognormal(1.0)),
    "two values, 50/50": two_points(0.5),
    "Spearman of four points": spearman,
    "zero-inflated": zero_inflated,
    "one in ten fails": two_points(FAILS),
    "one in ten not finite": not_finite,
    "one in ten succeeds wildly": downwards(two_points(FAILS)),
}
"""Every law by its name, except the share, whose spread follows from its mean."""
NAMES = (*LAWS, SHARE)


def probability(truth: float) -> float:
    """Of a share whose truth is a multiple of the smallest effect size, beyond the null.

    >>> probability(2.0)
    0.9
    """
    return NULL + SIZE * truth
