"""Curves over training, seed by seed, and the numbers that one curve comes down to.

curves       from the long table to a curve a seed
first, last  the ends
trend        does it rise or fall?
peak         does it stand higher in between than at both ends?
steps_to     when does it come down to a level?  time_to: the same, with a number for never
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from levinthal.lab.judging.trends import rank_correlation
from levinthal.lab.storage.rows import Rows

Curve = tuple[np.ndarray, np.ndarray]
"""Steps and values, in the order of the steps."""
MEDIAN_OF = 3
"""Values of the running medians that `peak` reads, so that one wild value is no peak."""


def curves(rows: Rows, **wanted: Any) -> dict[int, Curve]:
    """The curve of each seed.

    Args:
        rows: the long table.
        wanted: conditions on the rows, as in `Rows.where`; one curve for each seed must be left.

    Returns:
        Seed -> (steps, values), each of shape (n,), in the order of the steps.
    """
    found = rows.where(**wanted)
    return {
        seed: (trace.values("step"), trace.values())
        for (seed,), trace in found.sorted_by("step").group_by("seed").items()
    }


def first(curve: Curve) -> float:
    """The value before the first step.

    Args:
        curve: steps and values.

    Returns:
        The first value.
    """
    return float(curve[1][0])


def last(curve: Curve) -> float:
    """The value after the last step.

    Args:
        curve: steps and values.

    Returns:
        The last value.
    """
    return float(curve[1][-1])


def trend(curve: Curve) -> float:
    """Spearman's rank correlation of value and step.

    Args:
        curve: steps and values.

    Returns:
        The correlation, from -1 to 1; 0 for a constant.

    >>> trend((np.array([0, 1, 2, 4]), np.array([1.0, 1.5, 2.5, 2.0])))
    0.8
    """
    return rank_correlation(*curve)


def peak(curve: Curve) -> float:
    """How far the highest value (of running medians of 3) stands above both ends.

    Args:
        curve: steps and values.

    Returns:
        The height, in the unit of the values; 0 for a monotone curve, NaN for fewer than three values.

    >>> peak((np.arange(5), np.array([1.0, 3.0, 4.0, 3.5, 2.0])))
    1.5
    """
    values = curve[1]
    if len(values) < MEDIAN_OF:
        return math.nan
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(values, MEDIAN_OF), axis=1)
    return float(max(smooth.max() - max(values[0], values[-1]), 0.0))


def steps_to(curve: Curve, error: float) -> float:
    """The first step at which the error is at most `error`, interpolated in log(1 + step).

    Args:
        curve: steps and errors.
        error: the level.

    Returns:
        The step, rarely a whole number; inf if the error never comes down to it.

    >>> steps_to((np.array([0, 1, 3]), np.array([0.9, 0.5, 0.1])), 0.3)
    1.8284...
    """
    steps, values = curve
    below = np.flatnonzero(values <= error)
    if not len(below):
        return math.inf
    i = int(below[0])
    if i == 0:
        return float(steps[0])
    share = (values[i - 1] - error) / (values[i - 1] - values[i])
    x0, x1 = np.log1p(steps[i - 1]), np.log1p(steps[i])
    return float(np.expm1(x0 + share * (x1 - x0)))


def time_to(error: float, curve: Curve) -> float:
    """`steps_to`, where a run that never gets there counts as twice its budget: slower than all that do.

    Args:
        error: the level.
        curve: steps and errors.

    Returns:
        The step, or twice the last step of the curve.
    """
    return min(steps_to(curve, error), 2.0 * float(curve[0][-1]))
