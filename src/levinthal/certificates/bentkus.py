"""The limit of a mean loss that is nearly that of a coin with the same mean."""

from __future__ import annotations

import math

from scipy.special import betainccinv

from levinthal.certificates.checked import averaged, chance


def bentkus(mean: float, samples: int, delta: float = 0.05) -> float:
    """Upper limit of a mean loss in [0, 1] (Bentkus 2004, Annals of Probability 32:1650).

    A sum of losses is so small with at most e times the chance of a sum of coins with the same mean:
    the limit is the largest p with e P(Bin(samples, p) <= ceil(samples * mean)) >= delta.

    Args:
        mean: the mean loss.
        samples: of how many independent rows.
        delta: the chance that the true mean is above the limit.

    Returns:
        The limit.

    Raises:
        InputError: a mean outside of [0, 1], no samples, or a chance outside of (0, 1).

    >>> round(bentkus(0.025, 10_000), 7)
    0.0284688
    """
    mean, samples = averaged(mean, samples)
    total = math.ceil(round(samples * mean, 6))  # a sum of 250 that floats make 250.0000000001 is 250
    left = chance(delta) / math.e
    return 1.0 if total >= samples else float(betainccinv(total + 1, samples - total, left))
