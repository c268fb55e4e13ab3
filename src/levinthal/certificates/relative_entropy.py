"""The limit of a mean loss from the relative entropy of two coins."""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.special import rel_entr

from levinthal.certificates.checked import averaged, chance


def relative_entropy(mean: float, samples: int, delta: float = 0.05) -> float:
    """Upper limit of a mean loss in [0, 1] by the Chernoff bound, inverted (Langford 2005, JMLR 6:273).

    The limit is the largest p with samples * kl(mean || p) <= ln(1 / delta), in nats.

    Args:
        mean: the mean loss.
        samples: of how many independent rows.
        delta: the chance that the true mean is above the limit.

    Returns:
        The limit.

    Raises:
        InputError: a mean outside of [0, 1], no samples, or a chance outside of (0, 1).

    >>> round(relative_entropy(0.0, 1000), 8) == round(1 - 0.05 ** (1 / 1000), 8)
    True
    >>> round(relative_entropy(0.025, 10_000), 7)
    0.029013
    """
    mean, samples = averaged(mean, samples)
    most = math.log(1 / chance(delta)) / samples
    return 1.0 if mean == 1 else float(brentq(lambda p: _between(mean, p) - most, mean, 1.0, xtol=1e-15))


def _between(q: float, p: float) -> float:
    """kl(q || p) in nats; a large number where it is infinite."""
    return min(float(rel_entr(q, p) + rel_entr(1 - q, 1 - p)), 1e300)
