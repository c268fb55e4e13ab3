"""Fully connected networks of any depth with few switches: activation, normalisation, skips, initial scale.

    plain      [linear, norm, activation] x (depth - 1), linear
    residual   linear, (x + [norm, activation, linear] x 2) x (depth / 2 - 1), [norm, activation, linear]

The second is the pre-activation residual network (He et al. 2016, arXiv 1603.05027). Each skip crosses two
weight layers. Networks of one seed share their normal draws, whatever the switches.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from levinthal.errors import InputError, require_one_of
from levinthal.networks.initial import generator, orthogonal

ACTIVATIONS: dict[str, tuple[Callable[[], nn.Module], float]] = {
    "linear": (nn.Identity, 1.0),
    "relu": (nn.ReLU, math.sqrt(2)),
    "tanh": (nn.Tanh, 1.0),
    "selu": (nn.SELU, 1.0),
    "sigmoid": (nn.Sigmoid, 1.0),
}
"""Each activation and the gain of its weights: He's for ReLU, LeCun's for the others."""
NORMS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda width: nn.Identity(),  # noqa: ARG005
    "batch": nn.BatchNorm1d,
    "layer": nn.LayerNorm,
}
WEIGHTS = ("gaussian", "orthogonal")


class Stage(nn.Sequential):
    """A part of the trunk. The next stage reads its output."""

    @property
    def layers(self) -> int:
        """How many weight layers it holds."""
        return sum(isinstance(part, nn.Linear) for part in self)


class Skipped(Stage):
    """A stage whose input is added to its output."""

    def forward(self, inputs: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Inputs plus the output of the parts."""
        out = inputs
        for part in self:
            out = part(out)
        return inputs + out


def plain(
    *,
    inputs: int,
    width: int,
    depth: int,
    outputs: int,
    seed: int,
    activation: str = "relu",
    norm: str = "none",
    residual: bool = False,
    weights: str = "gaussian",
    gain: float = 1.0,
) -> nn.Sequential:
    """A network of `depth` weight layers as a Sequential of Stages, in training mode. Biases are 0 at first.

    Weights are N(0, gain^2 g^2 / n_in), or orthogonal times gain g. The factor g belongs to the activation.

    >>> net = plain(inputs=8, width=5, depth=6, outputs=3, seed=0, norm="batch", residual=True)
    >>> [stage.layers for stage in net], net(torch.ones(4, 8)).shape
    ([1, 2, 2, 1], torch.Size([4, 3]))

    Raises:
        InputError: a name is unknown, the depth is below 2, or a residual network has odd depth.
    """
    make, own_gain = ACTIVATIONS[require_one_of("activation", activation, ACTIVATIONS)]
    normalise = NORMS[require_one_of("norm", norm, NORMS)]
    require_one_of("weights", weights, WEIGHTS)
    if depth < 2 or (residual and depth % 2):
        raise InputError(
            f"depth={depth}: at least 2, and even where residual=True skips two layers at a time"
        )
    sizes = [inputs, *[width] * (depth - 1), outputs]
    draw = generator(seed, "weights of a plain network")
    linears = [_linear(o, i, weights, gain * own_gain, draw) for i, o in itertools.pairwise(sizes)]
    if not residual:
        return nn.Sequential(
            *(Stage(part, normalise(width), make()) for part in linears[:-1]), Stage(linears[-1])
        )
    steps = [(normalise(width), make(), part) for part in linears[1:]]
    pairs = [Skipped(*one, *other) for one, other in zip(steps[:-1:2], steps[1::2], strict=False)]
    return nn.Sequential(Stage(linears[0]), *pairs, Stage(*steps[-1]))


def _linear(out: int, inputs: int, weights: str, gain: float, draw: torch.Generator) -> nn.Linear:
    normal = torch.randn(out, inputs, generator=draw, dtype=torch.float64)
    layer = nn.Linear(inputs, out, device="meta").to_empty(device="cpu")  # torch's own draws are not taken
    matrix = normal / math.sqrt(inputs)
    if weights == "orthogonal":
        matrix = orthogonal(out, inputs, draw)
    with torch.no_grad():
        layer.weight.copy_(gain * matrix)
        layer.bias.zero_()
    return layer
