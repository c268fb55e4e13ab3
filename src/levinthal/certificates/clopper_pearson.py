"""The exact limit of an error rate from a count."""

from __future__ import annotations

from scipy.special import betainccinv

from levinthal.certificates.checked import chance, counted


def clopper_pearson(errors: int, samples: int, delta: float = 0.05) -> float:
    """Upper limit of an error rate, exact for independent rows (Clopper & Pearson 1934, Biometrika 26:404).

    The limit is the largest rate p at which so few errors still have a chance of `delta`:
    P(Bin(samples, p) <= errors) = delta.

    Args:
        errors: how many of the rows are wrong.
        samples: how many rows there are; independent, and not used to train or to choose the model.
        delta: the chance that the true rate is above the limit.

    Returns:
        The limit, a share.

    Raises:
        InputError: more errors than samples, no samples, or a chance outside of (0, 1).

    >>> round(clopper_pearson(0, 1000), 8) == round(1 - 0.05 ** (1 / 1000), 8)
    True
    >>> round(clopper_pearson(250, 10_000), 7)
    0.027723
    """
    errors, samples = counted(errors, samples)
    delta = chance(delta)
    return 1.0 if errors == samples else float(betainccinv(errors + 1, samples - errors, delta))
