"""How fast the loss falls at the end of a run, and how many more steps that pace needs."""

from __future__ import annotations

import math

import numpy as np

from levinthal.clinic.rules.loss_trend import FEWEST, SURE

CONTRADICTS = 1.0
"""Standard errors by which the fall of the last half may lie below that of all samples."""


def pace(steps: np.ndarray, losses: np.ndarray) -> float:
    """The fall of the loss per step at the end; 0 where no fall is certain.

    It is read over the last half of the samples. Where their noise hides it, it is read over all of them, if
    the last half does not contradict it.

    >>> pace(np.arange(0, 200, 10), np.linspace(2.0, 1.0, 20)) > 0, pace(np.arange(20), np.ones(20))
    (True, 0.0)
    """
    known = np.isfinite(losses)
    x, y = steps[known].astype(float), losses[known]
    if len(x) < 2 * FEWEST or not np.ptp(x):
        return 0.0
    late, error = _fall(x[len(x) // 2 :], y[len(y) // 2 :])
    if late > SURE * error:
        return late
    whole, noise = _fall(x, y)
    goes_on = late > 0 and whole > SURE * noise and whole - late < CONTRADICTS * error
    return whole if goes_on else 0.0


def _fall(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Minus the least-squares slope, and its standard error."""
    x, middle = x - x.mean(), y.mean()
    squares = max(float(x @ x), 1e-300)
    slope = float(x @ (y - middle)) / squares
    rest = y - middle - slope * x
    return -slope, math.sqrt(float(rest @ rest) / (len(x) - 2) / squares)


def steps_needed(loss: float, goal: float, per_step: float) -> int:
    """Steps until the loss reaches the goal at this pace, in one or two digits; 0 where it is there.

    A loss falls more slowly the lower it is, so this is a lower limit.

    >>> steps_needed(2.0, 1.0, 1e-4), steps_needed(1.0, 1.0, 1e-4)
    (10000, 0)
    """
    if loss <= goal:
        return 0
    steps = (loss - goal) / per_step
    unit = int(10 ** max(math.floor(math.log10(max(steps, 1))) - 1, 0))
    return max(round(steps / unit), 1) * unit
