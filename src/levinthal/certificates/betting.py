"""The limit of a mean loss by betting against every larger mean."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from scipy.optimize import brentq

from levinthal.arguments import flag
from levinthal.certificates.checked import chance, losses_of

CAP = 0.5
"""The share of the capital that one row can lose at most."""
LARGEST = 1 - 1e-12
PRECISION = 1e-10
BIG, LOG_BIG = 2.0**500, 500 * math.log(2.0)


def betting(losses: Any, delta: float = 0.05, *, anytime: bool = False) -> float:
    """Upper limit of a mean loss in [0, 1] by betting (Waudby-Smith & Ramdas 2024, JRSS-B 86:1).

    Against each mean m somebody bets on smaller losses, with a stake that the rows before decide: the capital
    grows by the factor 1 + stake (m - loss) at each row. Capital that reaches 1 / delta at any row refutes m
    (Ville's inequality). The limit is the smallest mean that is refuted.

    The stake is sqrt(2 ln(1 / delta) / (n v)), with v the variance of the rows before (with one row of
    variance 1/4 ahead of them), and at most 0.5 / (1 - m). Any stake that only the rows before decide is
    valid; this choice is from memory, and its coverage is measured (`benchmarks/bounds.py`).

    Args:
        losses: One loss in [0, 1] for each row, in the order in which they were drawn.
        delta: The chance that the true mean is above the limit.
        anytime: Whether the limit is read again while rows arrive, and may end the collection. At row t the
            stake then has t ln(1 + t) in the place of n, which is not known.

    Returns:
        The limit; it depends on the order of the rows.

    Raises:
        InputError: Losses outside of [0, 1], none, or a chance outside of (0, 1).

    >>> rng = np.random.default_rng(0)
    >>> losses = rng.beta(1, 30, 10_000)
    >>> bool(losses.mean() < betting(losses) < losses.mean() + 0.0010)
    True
    """
    values, delta, anytime = losses_of(losses), chance(delta), flag("anytime", anytime)
    goal = math.log(1 / delta)
    stakes = _stakes(values, 2 * goal, 0 if anytime else len(values))

    def short(mean: float) -> float:
        return goal - float(_largest_capital(values, stakes, mean, CAP / (1 - mean)))

    if short(LARGEST) > 0:
        return 1.0
    low = float(values.mean())
    width = math.sqrt(2 * goal * (low * (1 - low) + 1 / len(values)) / len(values))
    while short(min(low + width, LARGEST)) > 0:
        low, width = low + width, 2 * width
    high = min(low + width, LARGEST)
    if short(low) <= 0:  # one lucky streak refutes the measured mean itself
        low = 0.0
    return min(1.0, float(brentq(short, low, high, xtol=PRECISION)) + PRECISION)


@njit(cache=True)
def _stakes(values: np.ndarray, twice: float, planned: int) -> np.ndarray:
    """The stake at each row before its cap, from the rows before it alone.

    Args:
        values: The losses.
        twice: 2 ln(1 / delta).
        planned: The number of rows; 0 where it is not known.
    """
    stakes = np.empty(len(values))
    total, squares, variance = 0.5, 0.25, 0.25
    for row in range(len(values)):
        rows = planned if planned else (row + 1) * math.log(row + 2.0)
        stakes[row] = math.sqrt(twice / (variance * rows))
        total += values[row]
        squares += (values[row] - total / (row + 2)) ** 2
        variance = squares / (row + 2)
    return stakes


@njit(cache=True)
def _largest_capital(values: np.ndarray, stakes: np.ndarray, mean: float, most: float) -> float:
    """The logarithm of the largest capital that a bet against a mean reaches at any row."""
    capital, largest, exponent = 1.0, 1.0, 0
    for row in range(len(values)):
        capital *= 1.0 + min(stakes[row], most) * (mean - values[row])
        largest = max(largest, capital)
        if capital > BIG:
            capital, largest, exponent = capital / BIG, largest / BIG, exponent + 1
    return math.log(largest) + exponent * LOG_BIG
