"""Intervals over the inputs of a batch: means, ratios and slopes from the influence of each row.

The error of a smooth function of means is the mean of the rows' influences (the delta method; Efron &
Tibshirani 1993, ch. 21). So its standard error is that of a mean over independent rows.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from scipy import special
from torch import Tensor

from levinthal.vocabulary import Estimate, Interval, Trust

FEWEST_ROWS = 8
BATCH_NORM = "batch norm makes the rows of a batch depend on each other"
METHOD = "delta method over inputs"


def standard_error(influence: Float[Tensor, " n"]) -> float:
    """The standard error of a mean whose rows have this influence; infinite for a single row."""
    n = len(influence)
    return float(influence.double().std()) / math.sqrt(n) if n > 1 else math.inf


def mean_over_rows(values: Float[Tensor, " n"], unit: str = "", *, coupled: bool = False) -> Estimate:
    """A mean over inputs."""
    return estimate(float(values.double().mean()), values, unit, coupled=coupled)


def root_mean(squares: Float[Tensor, " n"], unit: str = "", *, coupled: bool = False) -> Estimate:
    """The root of a mean of squares over inputs."""
    mean = squares.double().mean()
    value = float(mean.sqrt())
    influence = squares.double() / (2 * value) if value > 0 else torch.zeros_like(squares)
    return estimate(value, influence, unit, coupled=coupled)


def ratio(log: float, influence: Float[Tensor, " n"], *, coupled: bool = False) -> Estimate:
    """exp(log), with the interval symmetric in the logarithm; `influence` is that on the logarithm."""
    found = estimate(log, influence, coupled=coupled)
    span = found.interval and Interval(_exp(found.interval.low), _exp(found.interval.high), 0.95, METHOD)
    return Estimate(_exp(log), "", span, trust=found.trust, reasons=found.reasons, details=found.details)


def relative(values: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """The influence of each row on the logarithm of the mean."""
    mean = values.double().mean()
    return values.double() / mean - 1 if float(mean) > 0 else torch.zeros_like(values).double()


def estimate(
    value: float, influence: Float[Tensor, " n"], unit: str = "", *, coupled: bool = False
) -> Estimate:
    """A value with Student's interval over rows, and with the reasons that limit its trust."""
    n, error = len(influence), standard_error(influence)
    details = {"rows": n}
    if not math.isfinite(value):
        return Estimate(value, unit, trust=Trust.UNRELIABLE, reasons=("not finite",), details=details)
    if n < FEWEST_ROWS:
        why = f"{n} row{'s' * (n != 1)} of the batch, and an interval over inputs needs {FEWEST_ROWS}"
        return Estimate(value, unit, trust=Trust.UNRELIABLE, reasons=(why,), details=details)
    reach = float(special.stdtrit(n - 1, 0.975)) * error
    span = Interval(value - reach, value + reach, 0.95, METHOD)
    if coupled:
        return Estimate(value, unit, span, trust=Trust.ORDINAL, reasons=(BATCH_NORM,), details=details)
    return Estimate(value, unit, span, trust=Trust.CALIBRATED, details=details)


def _exp(log: float) -> float:
    return math.exp(log) if log < 709 else math.inf
