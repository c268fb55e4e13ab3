"""The limit of a mean loss that uses its measured variance."""

from __future__ import annotations

import math

from levinthal.arguments import number
from levinthal.certificates.checked import averaged, chance


def empirical_bernstein(mean: float, variance: float, samples: int, delta: float = 0.05) -> float:
    """Upper limit of a mean loss in [0, 1] (Maurer & Pontil 2009, COLT, theorem 4).

    Args:
        mean: the mean loss.
        variance: the variance of the losses, with samples - 1 in its denominator.
        samples: of how many independent rows.
        delta: the chance that the true mean is above the limit.

    Returns:
        mean + sqrt(2 variance ln(2 / delta) / samples) + 7 ln(2 / delta) / (3 (samples - 1)),
        at most 1; 1 for one row.

    Raises:
        InputError: a mean outside of [0, 1], a negative variance, no samples, or a chance outside of (0, 1).

    >>> round(empirical_bernstein(0.025, 0.025 * 0.975, 10_000), 4)
    0.0301
    """
    mean, samples = averaged(mean, samples)
    variance = number("variance", variance, least=0, most=1)
    if samples == 1:
        return 1.0
    bits = math.log(2 / chance(delta))
    return min(1.0, mean + math.sqrt(2 * variance * bits / samples) + 7 * bits / (3 * (samples - 1)))
