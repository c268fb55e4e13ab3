"""Fully connected networks of sigmoid, tanh or softsign units without normalisation, S seeds at a time.

    z_l = W_l a_{l-1} + b_l;  a_l = unit(z_l);  outputs are the last z

Layout: seed, unit, sample, as in `first_last.py`: S networks train as batched matrix products. The same
numbers, in float64 to 1e-10, as S ordinary modules one after another (tested).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from levinthal.arguments import whole
from levinthal.errors import require_one_of
from levinthal.networks.initial import Matrix, generator, orthogonal
from levinthal.networks.passes import product

UNITS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softsign": functional.softsign,
}


def unit_normal(out: int, inputs: int, draw: torch.Generator) -> Matrix:
    """Weights N(0, 1), whatever the number of inputs: Nielsen's first choice (2015, ch. 1)."""
    return torch.randn(out, inputs, generator=draw, dtype=torch.float64)


def fan_in_normal(out: int, inputs: int, draw: torch.Generator) -> Matrix:
    """Weights N(0, 1 / inputs): Nielsen's better choice (2015, ch. 3)."""
    return unit_normal(out, inputs, draw) / math.sqrt(inputs)


def fan_in_uniform(out: int, inputs: int, draw: torch.Generator) -> Matrix:
    """Weights U(-1, 1) / sqrt(inputs), of variance 1 / (3 inputs): usual before Glorot & Bengio (2010)."""
    return _uniform(out, inputs, draw) / math.sqrt(inputs)


def normalised_uniform(out: int, inputs: int, draw: torch.Generator) -> Matrix:
    """Weights U(-1, 1) sqrt(6 / (inputs + out)), of variance 2 / (inputs + out): Glorot & Bengio, eq. 16."""
    return _uniform(out, inputs, draw) * math.sqrt(6 / (inputs + out))


def _uniform(out: int, inputs: int, draw: torch.Generator) -> Matrix:
    return 2 * torch.rand(out, inputs, generator=draw, dtype=torch.float64) - 1


INITIALISATIONS: Mapping[str, tuple[Callable[[int, int, torch.Generator], Matrix], float]] = {
    "fan_in_normal": (fan_in_normal, 1.0),
    "unit_normal": (unit_normal, 1.0),
    "orthogonal": (orthogonal, 0.0),
    "fan_in_uniform": (fan_in_uniform, 0.0),
    "normalised_uniform": (normalised_uniform, 0.0),
}
"""How weights are drawn, and the standard deviation of the biases."""


class SigmoidNets(nn.Module):
    """S networks of one architecture, one per seed: `weights[l]` (S, out, in), `biases[l]` (S, out)."""

    def __init__(
        self, seeds: tuple[int, ...], weights: Sequence[Tensor], biases: Sequence[Tensor], unit: str
    ) -> None:
        super().__init__()
        self.seeds = seeds
        self.unit = unit
        self.weights = nn.ParameterList(nn.Parameter(weight) for weight in weights)
        self.biases = nn.ParameterList(nn.Parameter(bias) for bias in biases)

    def layers(self, inputs: Float[Tensor, "*s n d"]) -> tuple[list[Tensor], Tensor]:
        """Activations (S, u, n) of each hidden layer, first to last, and the outputs (S, c, n)."""
        below, hidden = inputs.mT, list[Tensor]()
        act, top = UNITS[self.unit], len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            z = _affine(weight, below, bias)
            if layer == top:
                return hidden, z
            below = act(z)
            hidden.append(below)
        raise AssertionError("a network has an output layer")

    def forward(self, inputs: Float[Tensor, "*s n d"]) -> Float[Tensor, "s n c"]:
        """Outputs, before any sigmoid or softmax, of a batch (n, d) for all seeds or of one per seed."""
        return self.layers(inputs)[1].mT

    def extra_repr(self) -> str:
        """Units and seeds."""
        widths = (self.weights[0].shape[2], *(weight.shape[1] for weight in self.weights))
        return f"{'-'.join(map(str, widths))} of {self.unit}, seeds {self.seeds}"


def _affine(weight: Tensor, below: Tensor, bias: Tensor) -> Tensor:
    if below.ndim == 2:
        return product(weight, below) + bias[..., None]
    return torch.baddbmm(bias[..., None], weight, below)


def sigmoid_nets(
    widths: Sequence[int],
    *,
    seeds: Sequence[int] = (0,),
    unit: str = "sigmoid",
    initialisation: str = "fan_in_normal",
    dtype: torch.dtype = torch.float32,
) -> SigmoidNets:
    """Build the networks `inputs, hidden widths..., outputs`, one for each seed.

    A seed's weights do not depend on the other seeds, and its `fan_in_normal` and `unit_normal` draws are
    one draw at two scales. A seed may occur twice (two learning rates from one initialisation).

    Raises:
        InputError: no seed, no hidden layer, an empty layer, or an unknown unit or initialisation.

    >>> sigmoid_nets((784, 30, 30, 10), seeds=(0, 1))(torch.zeros(5, 784)).shape
    torch.Size([2, 5, 10])
    """
    whole("seeds", len(seeds), least=1, because="leaves no network to build")
    whole("widths", len(widths), least=3, because="has no hidden layer")
    whole("width", min(widths), least=1, because="leaves a layer without a unit")
    require_one_of("unit", unit, UNITS)
    require_one_of("initialisation", initialisation, INITIALISATIONS)
    drawn = {seed: _draw(tuple(widths), seed, initialisation) for seed in set(seeds)}
    weights, biases = (
        [torch.stack(layer).to(dtype) for layer in zip(*(drawn[seed][kind] for seed in seeds), strict=True)]
        for kind in (0, 1)
    )
    return SigmoidNets(tuple(seeds), weights, biases, unit)


def _draw(widths: tuple[int, ...], seed: int, initialisation: str) -> tuple[list[Tensor], list[Tensor]]:
    rule, spread = INITIALISATIONS[initialisation]
    draw, other = (generator(seed, f"initial {what}") for what in ("weights", "biases"))
    shapes = list(zip(widths[1:], widths[:-1], strict=True))
    weights = [rule(out, inputs, draw) for out, inputs in shapes]
    biases = [spread * torch.randn(out, generator=other, dtype=torch.float64) for out, _ in shapes]
    return weights, biases


def sigmoid_cross_entropy(
    outputs: Float[Tensor, "*s n c"], labels: Int[Tensor, "*l n"]
) -> Float[Tensor, "*s"]:
    """Mean over the batch of -sum_c [y_c ln s(o_c) + (1 - y_c) ln(1 - s(o_c))], y one-hot (Nielsen, ch. 3).

    >>> round(float(sigmoid_cross_entropy(torch.zeros(5, 10), torch.arange(5))), 4)  # 10 ln 2
    6.9315
    """
    wanted = labels.expand(outputs.shape[:-1]).unsqueeze(-1)
    right = outputs.gather(-1, wanted).squeeze(-1)
    return (functional.softplus(outputs).sum(-1) - right).mean(-1)
