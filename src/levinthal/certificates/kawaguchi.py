"""The validation bound that the sources print, in its exact form."""

from __future__ import annotations

import math

from levinthal.arguments import number
from levinthal.certificates.checked import averaged, chance


def kawaguchi(
    mean: float, samples: int, delta: float = 0.05, *, most: float = 1.0, second_moment: float = 1.0
) -> float:
    """Upper limit of a mean loss by the validation bound of Kawaguchi, Kaelbling & Bengio (arXiv 1710.05468).

    mean + 2 C ln(1 / delta) / (3 n) + sqrt(2 g2 ln(1 / delta) / n): Bernstein's inequality for one model. For
    K models that were fixed before the rows were seen, pass delta / K.

    Args:
        mean: the mean loss.
        samples: n, the number of independent rows.
        delta: the chance that the true mean is above the limit.
        most: C, the largest possible distance of a loss from its mean.
        second_moment: g2, no less than the variance of the loss: 1 as the source has it; 1/4 holds for any
            loss in [0, 1].

    Returns:
        The limit; it may exceed 1.

    Raises:
        InputError: a mean outside of [0, 1], no samples, or a chance outside of (0, 1).

    >>> round(kawaguchi(0.0, 10_000, 0.1 / 1e9), 7)
    0.0693965
    >>> round(kawaguchi(0.0, 10_000, 0.1 / 1e9, second_moment=0.25), 7)
    0.0354658
    """
    mean, samples = averaged(mean, samples)
    bits = math.log(1 / chance(delta))
    c, g2 = number("most", most, above=0), number("second_moment", second_moment, above=0)
    return mean + 2 * c * bits / (3 * samples) + math.sqrt(2 * g2 * bits / samples)
