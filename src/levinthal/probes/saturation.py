"""The saturated region of an activation, the share of units in it, and the share of units always in it.

The saturated region is the tails: the outer intervals on which the slope stays below a tenth of the largest.
The tails are found on the function itself. So they respect its parameters (`LeakyReLU(0.01)`,
`Hardtanh(-2, 2)`), and a user's own function is treated like any other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from levinthal.probes.intervals import mean_over_rows
from levinthal.probes.recording import Call, Elementwise, rows_of
from levinthal.vocabulary import Estimate, Trust

SLOPE = 0.1  # of the largest slope: a unit below it passes less than a hundredth of the squared gradient
REACH, POINTS = 7.0, 100_001


@dataclass(frozen=True, slots=True)
class Tails:
    """The saturated region is x <= low or x >= high; infinite where the activation has no such tail."""

    low: float
    high: float

    @property
    def saturates(self) -> bool:
        """Whether both ends saturate. Those of a sigmoid and a tanh do, those of a ReLU do not."""
        return math.isfinite(self.low) and math.isfinite(self.high)


def saturated_tails(function: Elementwise) -> Tails:
    """The tails of an activation on which |slope| <= 0.1 max |slope|, from its slope on [-548, 548].

    The points are even in asinh x: 1e-4 apart at 0 and a thousandth of x far out.

    >>> saturated_tails(torch.relu), saturated_tails(torch.nn.Hardtanh(-2, 1))
    (Tails(low=0.0, high=inf), Tails(low=-2.0, high=1.0))
    >>> round(saturated_tails(torch.tanh).high, 3)  # cosh(x)^2 = 10
    1.818
    """
    x = torch.linspace(-REACH, REACH, POINTS, dtype=torch.float64).sinh()
    # a caller's own saved-tensor hooks (activation checkpointing) must not count these tensors
    with torch.inference_mode(False), torch.enable_grad(), saved_tensors_hooks(_same, _same):
        leaf = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(function(leaf * 1).sum(), leaf)  # a copy: it may work in place
    steep = (slope.abs() > SLOPE * slope.abs().nan_to_num(0, 0, 0).max()).nonzero().flatten()
    if len(steep) == 0:
        return Tails(math.inf, -math.inf)  # a constant
    first, last = int(steep[0]), int(steep[-1])
    low = float(x[first - 1] + x[first]) / 2 if first > 0 else -math.inf
    high = float(x[last] + x[last + 1]) / 2 if last + 1 < POINTS else math.inf
    return Tails(_tidy(low), _tidy(high))


def _same(tensor: Tensor) -> Tensor:
    return tensor


def _tidy(x: float) -> float:
    """To the grid's own precision, so that ReLU's kink is at 0 and Hardtanh's at 1."""
    return round(x, 3) + 0.0 if math.isfinite(x) else x


def saturated_share(call: Call, batch: int, tails: Tails) -> Estimate:
    """The share of units (over all inputs) in the saturated region, with its interval over inputs."""
    low, high = _on_tails(call, tails)
    return mean_over_rows(rows_of((low | high).double(), batch).mean(1))


def dead_share(call: Call, batch: int, tails: Tails) -> Estimate:
    """The share of units in the same saturated tail for every input. They are constant and get no gradient.

    A unit is a channel of a convolution (n, c, h, w), else an entry of the last axis.
    """
    low, high = (_by_unit(side) for side in _on_tails(call, tails))
    dead = low.all(0) | high.all(0)
    why = f"{len(dead)} units, {batch} inputs: a unit active for fewer than 1 in {batch / 3:.0f} looks dead"
    return Estimate(
        float(dead.double().mean()), trust=Trust.ORDINAL, reasons=(why,), details={"units": len(dead)}
    )


def _on_tails(call: Call, tails: Tails) -> tuple[Bool[Tensor, "..."], Bool[Tensor, "..."]]:
    return call.before <= tails.low, call.before >= tails.high


def _by_unit(on: Bool[Tensor, "..."]) -> Bool[Tensor, "all units"]:
    axis = 1 if on.dim() >= 4 else -1
    return on.movedim(axis, -1).reshape(-1, on.shape[axis])
