"""The limit of an error rate that may be read after every row."""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.special import betainc, betaln

from levinthal.certificates.checked import chance, counted

PRIOR = 0.5
"""Both parameters of the beta prior (Jeffreys)."""
PRECISION = 1e-12


def mixture(errors: int, samples: int, delta: float = 0.05) -> float:
    """Upper limit of an error rate that holds at all numbers of rows at once (Robbins 1970, AMS 41:1397).

    For each rate p, the likelihood of the rows under smaller rates, averaged over a beta prior that is cut at
    p, is divided by that under p. The ratio is a supermartingale for every rate of p or more, so it reaches
    1 / delta with at most the chance `delta` at any number of rows (Ville's inequality). The limit is the
    smallest p at which it does.

    Args:
        errors: How many of the rows so far are wrong.
        samples: How many rows there are so far.
        delta: The chance that the true rate is ever above the limit, however often it is read.

    Returns:
        The limit, a share.

    Raises:
        InputError: More errors than samples, no samples, or a chance outside of (0, 1).

    >>> round(mixture(250, 10_000), 4)
    0.0306
    """
    errors, samples = counted(errors, samples)
    goal = math.log(1 / chance(delta))
    a, b = errors + PRIOR, samples - errors + PRIOR

    def short(rate: float) -> float:
        averaged = betaln(a, b) - betaln(PRIOR, PRIOR)
        averaged += math.log(betainc(a, b, rate)) - math.log(betainc(PRIOR, PRIOR, rate))
        return goal - float(averaged - errors * math.log(rate) - (samples - errors) * math.log1p(-rate))

    largest = 1 - 1e-15
    if errors == samples or short(largest) > 0:
        return 1.0
    low = max(errors / samples, 1e-300)
    return min(1.0, float(brentq(short, low, largest, xtol=PRECISION)) + PRECISION)
