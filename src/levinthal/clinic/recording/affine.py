"""Whether a network is an affine function of its input as a whole, and of how many layers in sequence."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from levinthal.clinic.recording.batch_call import BatchCall
from levinthal.clinic.recording.output_comparison import differ, spread_of
from levinthal.clinic.recording.passes import Given

FAR = 30.0
"""How far beyond a row the line through it and the next one is followed: no activation is affine there."""

LEAST_SPREAD = 1e-3
"""Spread of the outputs over their size below which rounding hides a nonlinearity."""


def layers_of_affine(
    model: nn.Module, call: BatchCall, main: Tensor, output: Callable[[Given], Tensor | None]
) -> int:
    """Number of weighted layers in sequence of a network without nonlinearity.

    On a line through two inputs an affine function is known from its two values. If it is one, all matrices
    are doubled: the differences of the outputs grow by 2 to the power of the number of layers in sequence.
    The copy is of no further use then.

    Args:
        model: A copy of the network that owns its weights.
        call: The call with some rows.
        main: (rows, ...) its output.
        output: From arguments to the output of the copy.

    Returns:
        The number of layers; 0 where it is nonlinear, or has other inputs than one of floats.
    """
    if len(call.batched) != 1 or not all(x.is_floating_point() for x in call.batched.values()):
        return 0
    if float((main - main.mean(0)).norm()) < LEAST_SPREAD * float(main.norm()):
        return 0  # the rows differ by little more than rounding
    far = output(call.with_rows(lambda x: x + FAR * (x.roll(1, 0) - x)))
    expected = main + FAR * (main.roll(1, 0) - main)
    is_known = far is not None and far.shape == main.shape and bool(torch.isfinite(expected).all())
    if far is None or not is_known or bool(differ(expected, far, FAR * spread_of(main)).any()):
        return 0
    with torch.no_grad():
        for p in model.parameters():
            if p.dim() > 1:
                p.mul_(2)
    doubled = output(call.given)
    return 0 if doubled is None else _power_of_two(main - main.roll(1, 0), doubled - doubled.roll(1, 0))


def _power_of_two(before: Tensor, after: Tensor) -> int:
    """The exponent of two by which a tensor has grown, to the next whole number; 0 where it was zero.

    >>> _power_of_two(torch.tensor([1.0, -1.0]), torch.tensor([4.0, -4.0]))
    2
    """
    ratio = float(after.double().norm() / before.double().norm().clamp(min=1e-30))
    return round(math.log2(ratio)) if ratio > 0 else 0
