"""The limit of a mean loss that knows nothing but its range."""

from __future__ import annotations

import math

from levinthal.certificates.checked import averaged, chance


def hoeffding(mean: float, samples: int, delta: float = 0.05) -> float:
    """Upper limit of a mean loss in [0, 1] (Hoeffding 1963, JASA 58:13, theorem 1).

    Args:
        mean: the mean loss.
        samples: of how many independent rows.
        delta: the chance that the true mean is above the limit.

    Returns:
        mean + sqrt(ln(1 / delta) / (2 samples)), at most 1.

    Raises:
        InputError: a mean outside of [0, 1], no samples, or a chance outside of (0, 1).

    >>> round(hoeffding(0.025, 10_000), 4)
    0.0372
    """
    mean, samples = averaged(mean, samples)
    return min(1.0, mean + math.sqrt(math.log(1 / chance(delta)) / (2 * samples)))
