"""Losses and gradients of S sigmoid or tanh networks, with the backward pass written by hand.

The numbers are those of autograd through `SigmoidNets.forward`: the same products and sums of the same
layouts. Gradients are written where they stay, and networks with many activations take several passes, so
that these are still in the cache when they are read again. One pass gives the same bits as autograd. So do
several where the numbers of a layer in each pass fill whole vectors (a multiple of 32); elsewhere the last
digit may differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from levinthal.networks.affine import Affine
from levinthal.networks.losses import Loss
from levinthal.networks.sigmoid import UNITS, SigmoidNets

Batch = Callable[[slice], tuple[Tensor, Tensor]]
"""Members to their inputs (s, n, d) and targets (s, n, ...)."""

SLOPES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "sigmoid": torch.ops.aten.sigmoid_backward,
    "tanh": torch.ops.aten.tanh_backward,
}
"""Gradient after the unit and its activation -> gradient before the unit."""
LARGE = 1 << 19
"""Most activations of the widest layer in a pass with several members: 2 MB, the L2 cache of a large core."""


class SigmoidGradients:
    """Writes the gradients of one ensemble, batch after batch. Views of its parameters are made once.

    It reads and writes the parameters and gradients that the networks have when it is made.

    >>> from levinthal.networks.losses import cross_entropy
    >>> from levinthal.networks.sigmoid import sigmoid_nets
    >>> nets = sigmoid_nets((4, 3, 2), seeds=(0, 1))
    >>> with torch.no_grad():
    ...     _ = [last[-1].zero_() for last in (nets.weights, nets.biases)]  # equal outputs: ln 2
    >>> x, y = torch.rand(2, 8, 4), torch.arange(8).expand(2, 8) % 2
    >>> SigmoidGradients(nets)(lambda members: (x[members], y[members]), 8, cross_entropy)
    tensor([0.6931, 0.6931])
    """

    def __init__(self, nets: SigmoidNets) -> None:
        self.nets = nets
        self._passes: dict[int, list[tuple[slice, list[Affine]]]] = {}

    @torch.no_grad()
    def __call__(self, batch: Batch, n: int, loss: Loss) -> Float[Tensor, " s"]:
        """Losses (S) of a batch of n samples a network. The gradients are overwritten."""
        parts = [self._run(layers, *batch(members), loss) for members, layers in self._of(n)]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _run(self, layers: list[Affine], inputs: Tensor, targets: Tensor, loss: Loss) -> Tensor:
        unit, slope_of = UNITS[self.nets.unit], SLOPES[self.nets.unit]
        below = [inputs.mT]
        for layer in layers[:-1]:
            below.append(unit(torch.baddbmm(layer.bias, layer.weight, below[-1])))
        value, slope = _slope(torch.baddbmm(layers[-1].bias, layers[-1].weight, below[-1]), targets, loss)
        for layer, under in zip(reversed(layers), reversed(below), strict=True):
            layer.write_gradients(slope, under)
            if under is not below[0]:
                slope = slope_of(torch.bmm(layer.transposed, slope), under)
        return value

    def _of(self, n: int) -> list[tuple[slice, list[Affine]]]:
        if n not in self._passes:
            self._passes[n] = [
                (members, [Affine.of(*pair, members) for pair in _layers(self.nets)])
                for members in _members(self.nets, n)
            ]
        return self._passes[n]


def _layers(nets: SigmoidNets) -> list[tuple[Tensor, Tensor]]:
    return list(zip(nets.weights, nets.biases, strict=True))


def _members(nets: SigmoidNets, n: int) -> list[slice]:
    """The members of each pass, in passes of nearly equal size. An accelerator takes all in one."""
    members = len(nets.seeds)
    if nets.weights[0].device.type != "cpu":
        return [slice(0, members)]
    widest = max(weight.shape[1] for weight in nets.weights)
    most = max(1, min(members, LARGE // (widest * n)))
    size = -(-members // -(-members // most))
    return [slice(start, min(start + size, members)) for start in range(0, members, size)]


def _slope(outputs: Float[Tensor, "s c n"], targets: Tensor, loss: Loss) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        leaf = outputs.requires_grad_()
        value = loss(leaf.mT, targets)
        (slope,) = torch.autograd.grad(value.sum(), leaf)
    return value.detach(), slope
