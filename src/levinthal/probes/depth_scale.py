"""The depth to which mean-field theory predicts that a gradient survives.

In wide, fully connected networks at initialisation every layer multiplies the squared gradient by one number:
chi_1 without normalisation (Poole et al. 2016; Schoenholz et al. 2017, arXiv 1611.01232), and with batch norm
a number above 1, whatever the weights (Yang et al. 2019, arXiv 1902.08129).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from levinthal.errors import InputError, require_one_of
from levinthal.vocabulary import Estimate, Trust

Activation = Callable[[Tensor], Tensor]
NODES, REACH = 10_000, 12.0
LARGEST = 1e12
TRAINABLE = 16.0
_Z = (torch.arange(NODES, dtype=torch.float64) + 0.5 - NODES / 2) * (2 * REACH / NODES)
WIDE = "for infinite width; a network of finite width differs by about 1 / width per layer"
RATE = "x per layer"


def _linear(z: Tensor) -> Tensor:
    return z * 1.0


NAMED: dict[str, Activation] = {"linear": _linear, "relu": torch.relu}


def chi(activation: Activation, *, sigma_w: float, sigma_b: float = 0.0) -> Estimate:
    """chi_1 = sigma_w^2 E phi'(sqrt(q) z)^2 at the fixed point q = sigma_w^2 E phi(sqrt(q) z)^2 + sigma_b^2.

    It multiplies the squared gradient at every layer z = W phi + b, W ~ N(0, sigma_w^2 / n),
    b ~ N(0, sigma_b^2). Below 1 the gradient vanishes. Above 1 it explodes and nearby inputs separate
    (chaos). The means are quadratures on 10,000 points, because Gauss-Hermite rules of 400 nodes have errors
    of 1e-3 at a kink.

    Args:
        activation: phi, elementwise.
        sigma_w: standard deviation of the weights times the root of the width.
        sigma_b: standard deviation of the biases.

    Returns:
        chi_1, a factor per layer; `details["q"]` is the fixed point. Exact for infinite width.

    >>> print(chi(torch.relu, sigma_w=2**0.5).value, round(chi(torch.tanh, sigma_w=1.0).value, 2))
    1.0 1.0
    """
    length = 1.0
    for _ in range(3000):  # at criticality it converges as 1 / steps, and chi_1 with it
        following = sigma_w**2 * _mean_square(activation, math.sqrt(length)) + sigma_b**2
        if abs(following - length) <= 1e-13 * length or not 0 < following < LARGEST:
            break
        length = following
    slope = _slope(activation, math.sqrt(max(length, 1e-30)))
    details = {"q": length, "sigma_w": sigma_w, "sigma_b": sigma_b}
    return Estimate(
        round(sigma_w**2 * slope, 12), RATE, trust=Trust.CALIBRATED, reasons=(WIDE,), details=details
    )


def batchnorm_rate(activation: str | Activation, batch: int | None = None) -> Estimate:
    """The factor by which a layer phi(batch norm(W x)) multiplies the squared gradient, towards the input.

    In the limit of large batches it is E phi'^2 / Var phi at a standard normal, for any activation:
    pi / (pi - 1) for ReLU. A finite batch B has a closed form for "linear", (B - 2) / (B - 3), and "relu".
    The norm itself grows by the root: 1.211174 for ReLU in the limit, 1.3372 at B = 8.

    ReLU: normalised values lie on a sphere of radius sqrt(B) in the B - 1 dimensions without mean, so two of
    a batch correlate by r = -1 / (B - 1). Batch norm divides by the variance a = 1/2 - E phi phi' (arc-cosine
    kernel), and both are active with probability p = 1/4 + arcsin(r) / 2 pi. Then

        rate = (B / 2 (1 - 1/B)^2 + (1 - 1/B) (p - a)) B / (a (B - 1) (B - 3)).

    >>> [round(float(batchnorm_rate("relu", b)) ** 0.5, 4) for b in (8, 16, 32, 64, 128, 256)]
    [1.3372, 1.2609, 1.2337, 1.2219, 1.2164, 1.2138]
    >>> round(float(batchnorm_rate("relu")) ** 0.5, 6), float(batchnorm_rate("linear", 8))
    (1.211174, 1.2)

    Args:
        activation: "linear", "relu", or (in the limit only) an elementwise function.
        batch: batch size B, at least 4; None is the limit.

    Returns:
        The factor per layer. Exact for infinite width.

    Raises:
        InputError: the batch is below 4, where the expectation is infinite, or the name is unknown.
    """
    if batch is None:
        function = (
            NAMED[require_one_of("activation", activation, NAMED)]
            if isinstance(activation, str)
            else activation
        )
        return Estimate(
            _limit(function), RATE, trust=Trust.CALIBRATED, reasons=(WIDE,), details={"batch": "infinite"}
        )
    if not isinstance(activation, str):
        raise InputError("a finite batch has a closed form for 'linear' and 'relu' only: leave `batch` out")
    require_one_of("activation", activation, NAMED)
    if batch < 4:
        raise InputError(f"batch={batch}: the mean of the squared gradient is infinite below 4")
    rate = (batch - 2) / (batch - 3) if activation == "linear" else _relu_rate(batch)
    return Estimate(rate, RATE, trust=Trust.CALIBRATED, reasons=(WIDE,), details={"batch": batch})


def depth_scale(rate: float | Estimate) -> float:
    """1 / |ln rate|: the layers over which the squared gradient changes by e; infinite at rate 1."""
    log = abs(math.log(float(rate)))
    return math.inf if log < 1e-12 else 1 / log


def trainable_depth(rate: float | Estimate) -> Estimate:
    """About 16 depth scales: how deep networks with such a rate have been trained (Yang et al. 2019).

    >>> print(round(trainable_depth(batchnorm_rate("relu")).value))
    42
    """
    why = "16 is a rule of thumb from experiments: an order of magnitude"
    return Estimate(TRAINABLE * depth_scale(rate), "layers", trust=Trust.ORDINAL, reasons=(why,))


def _relu_rate(batch: int) -> float:
    b, r = float(batch), -1 / (batch - 1)
    variance = 0.5 - (math.sqrt(1 - r * r) + r * (math.pi - math.acos(r))) / (2 * math.pi)
    both = 0.25 + math.asin(r) / (2 * math.pi)
    inner = b / 2 * (1 - 1 / b) ** 2 + (1 - 1 / b) * (both - variance)
    return inner * b / (variance * (b - 1) * (b - 3))


def _limit(activation: Activation) -> float:
    spread = _mean_square(activation, 1.0) - _mean(activation) ** 2
    return _slope(activation, 1.0) / spread


def _mean_square(activation: Activation, scale: float) -> float:
    return _mean(lambda z: activation(scale * z) ** 2)


def _slope(activation: Activation, scale: float) -> float:
    """E phi'(scale z)^2."""

    def squared_slope(z: Tensor) -> Tensor:
        leaf = (scale * z).requires_grad_()
        (slope,) = torch.autograd.grad(activation(leaf).sum(), leaf)
        return slope**2

    return _mean(squared_slope)


def _mean(function: Activation) -> float:
    """E function(z), z standard normal, by the midpoint rule: no node on a kink at 0, 1e-7 off beside one."""
    weights = torch.exp(-(_Z**2) / 2)
    return float((function(_Z.clone()) * weights).sum().detach() / weights.sum())
