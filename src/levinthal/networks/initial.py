"""Initial weights: drawn in float64, in a fixed order, from a generator that belongs to the seed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from levinthal.arguments import whole
from levinthal.errors import require_one_of

TRUNCATED_SD = 0.8796256610342398
"""Standard deviation of a standard normal truncated at 2. Keras divides by it from version 2.2.0 on."""

Matrix = Float[Tensor, "out in"]


def generator(seed: int, purpose: str) -> torch.Generator:
    """A CPU generator for one purpose of one seed; different purposes are independent streams."""
    seed = whole("seed", seed, least=0, because="is negative")
    words = np.random.SeedSequence([seed, *purpose.encode()]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)


def truncated_normal(out: int, inputs: int, draw: torch.Generator) -> Matrix:
    """Standard normal truncated at 2 (sd .8796), by the inverse of its distribution function."""
    uniform = torch.rand(out, inputs, generator=draw, dtype=torch.float64)
    quantile: Tensor = torch.erfinv(uniform.mul_(2).sub_(1).mul_(math.erf(math.sqrt(2))))
    return quantile.mul_(math.sqrt(2))


def glorot_normal(out: int, inputs: int, draw: torch.Generator) -> Matrix:
    """Nominal sd sqrt(2 / (in + out)), truncated at 2 sd and not rescaled (Keras before 2.2.0)."""
    return truncated_normal(out, inputs, draw).mul_(math.sqrt(2 / (inputs + out)))


def he_normal(out: int, inputs: int, draw: torch.Generator) -> Matrix:
    """Nominal sd sqrt(2 / in), truncated at 2 sd and not rescaled (Keras before 2.2.0)."""
    return truncated_normal(out, inputs, draw).mul_(math.sqrt(2 / inputs))


def orthogonal(out: int, inputs: int, draw: torch.Generator) -> Matrix:
    """Orthonormal rows or columns, whichever are fewer, uniform over such matrices (Saxe et al. 2014)."""
    tall = torch.randn(max(out, inputs), min(out, inputs), generator=draw, dtype=torch.float64)
    q: Tensor
    q, r = torch.linalg.qr(tall)
    q.mul_(r.diagonal().sign())
    return q if out >= inputs else q.T.contiguous()


def identity_like(out: int, inputs: int, draw: torch.Generator) -> Matrix:
    """Unit i reads unit i (modulo the inputs), plus a tenth of a Glorot draw to break the symmetry."""
    rows = torch.arange(out)
    eye = torch.zeros(out, inputs, dtype=torch.float64)
    eye[rows, rows % inputs] = 1.0
    return eye.add_(glorot_normal(out, inputs, draw), alpha=0.1)


def _rescaled(
    init: Callable[[int, int, torch.Generator], Matrix],
) -> Callable[[int, int, torch.Generator], Matrix]:
    def rescaled(out: int, inputs: int, draw: torch.Generator) -> Matrix:
        drawn: Matrix = init(out, inputs, draw) / TRUNCATED_SD
        return drawn

    return rescaled


INITS: dict[str, Callable[[int, int, torch.Generator], Matrix]] = {
    "glorot_normal": glorot_normal,
    "glorot_normal_rescaled": _rescaled(glorot_normal),
    "glorot_normal_large_logits": glorot_normal,
    "he_normal": he_normal,
    "he_normal_rescaled": _rescaled(he_normal),
    "orthogonal": orthogonal,
    "identity_like": identity_like,
}
"""How hidden weights are drawn, by name: functions (outputs, inputs, generator) -> float64 matrix.

`glorot_normal` and `he_normal` are truncated at two standard deviations and not rescaled, as in Keras before
2.2.0: their standard deviation is .8796 of the nominal one. The `_rescaled` ones have the nominal one.
"""


LARGE_LOGITS = math.sqrt(2)
"""Logits as large as those of a softmax layer that reads the sum of two layers."""


def initial_weights(shapes: tuple[tuple[int, int], ...], seed: int, init: str, gain: float) -> list[Matrix]:
    """Every weight matrix of one seed, first to softmax layer, in float64.

    `identity_like` applies to hidden layers that read hidden layers. The first layer is then a Glorot draw.
    The softmax layer is a Glorot draw unless `init` is a He or Glorot one. `gain` scales the hidden weights.
    `glorot_normal_large_logits` is the Glorot draw of the same seed, with softmax weights sqrt(2) as large.
    """
    hidden = INITS[require_one_of("init", init, INITS)]
    normal = hidden if "normal" in init else glorot_normal
    first = glorot_normal if init == "identity_like" else hidden
    draw = generator(seed, "initial weights")
    last = len(shapes) - 1
    chosen = [first, *[hidden] * (last - 1), normal]
    scales = [*[gain] * last, LARGE_LOGITS if init.endswith("large_logits") else 1.0]
    rules = zip(chosen, scales, shapes, strict=True)
    return [rule(out, inputs, draw) * scale for rule, scale, (out, inputs) in rules]
