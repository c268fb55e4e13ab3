"""Arguments that every certificate takes: a mean or a count, a number of rows, the chance of being wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from levinthal.arguments import in_short, number, whole
from levinthal.errors import InputError
from levinthal.estimators.arrays import host

MOST_ROWS = 10**12
SMALLEST_DELTA, LARGEST_DELTA = 1e-150, 0.5
"""Below the first, the inverse of the incomplete beta function was measured to fail; above the second, a
limit lies below what is measured."""
MOST_MODELS = 10**100
NO_ANSWER = (
    "give 1 where the model failed; leave rows out only for a reason that has nothing to do with the model"
)
NOT_BOUNDED = (
    "a loss lies in [0, 1], as 0 for right and 1 for wrong or 1 minus the probability of the label do; "
    "cross-entropy has no largest value, and that of a sample is none"
)


def chance(delta: Any) -> float:
    """The chance that a limit is wrong, from 1e-150 to 1/2."""
    return number("delta", delta, least=SMALLEST_DELTA, most=LARGEST_DELTA)


def for_each(delta: float, models: int) -> float:
    """The chance that is left for each of several models.

    >>> for_each(0.05, 10)
    0.005
    """
    left = delta / models
    if left < SMALLEST_DELTA:
        raise InputError(
            f"delta={delta:.3g} for {float(models):.3g} models leaves {left:.3g} for each, less than "
            f"{SMALLEST_DELTA:g}: use a larger delta, or fewer models or bits"
        )
    return left


def counted(errors: Any, samples: Any) -> tuple[int, int]:
    """Errors among samples, as whole numbers that agree.

    >>> counted(251, 250)
    Traceback (most recent call last):
        ...
    levinthal.errors.InputError: errors=251 are more than samples=250: pass the errors among the samples
    """
    samples = whole("samples", samples, least=1, most=MOST_ROWS)
    errors = whole("errors", errors, least=0, most=MOST_ROWS)
    if errors > samples:
        raise InputError(
            f"errors={errors} are more than samples={samples}: pass the errors among the samples"
        )
    return errors, samples


def averaged(mean: Any, samples: Any) -> tuple[float, int]:
    """A mean loss in [0, 1], and of how many rows it is."""
    return number("mean", mean, least=0, most=1), whole("samples", samples, least=1, most=MOST_ROWS)


def losses_of(losses: Any) -> np.ndarray:
    """One loss a row, each in [0, 1], as float64.

    >>> losses_of([False, True]).tolist()
    [0.0, 1.0]
    """
    values = np.ascontiguousarray(host(losses, "losses", "fiub"), np.float64)
    if values.ndim != 1 or not len(values):
        raise InputError(f"losses have shape {values.shape}: pass one loss for each row, of shape (n,)")
    outside = ~((values >= 0) & (values <= 1))
    if outside.any():
        row = int(outside.argmax())
        is_missing = bool(np.isnan(values[row]))
        way_out = NO_ANSWER if is_missing else NOT_BOUNDED
        raise InputError(f"losses[{row}] is {in_short(float(values[row]))}: {way_out}")
    return values
