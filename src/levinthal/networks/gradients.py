"""Loss and gradients of S first-last networks, the backward pass written by hand.

The same numbers as autograd through `FirstLast.forward`, in fewer passes over memory: in a network of
20 to 50 units a layer the elementwise work and the bookkeeping cost as much as the products.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from levinthal.networks.first_last import BATCHNORM_EPS, FirstLast
from levinthal.networks.losses import Loss, cross_entropy

SMALL = 1 << 18
"""Numbers in a first-layer activation up to which seeds go together (fits in a core's cache)."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """What a hidden layer keeps for its backward pass: all (s, u, n) or (s, u, 1)."""

    below: Tensor
    centred: Tensor
    mean: Tensor
    var: Tensor
    active: Tensor
    stream: Tensor


def _dot(a: Tensor, b: Tensor) -> Float[Tensor, "s u 1"]:
    """Sum over samples of a product, without the product in memory."""
    dots: Tensor = torch.linalg.vecdot(a, b)
    return dots[..., None]


def _product(weight: Tensor, below: Tensor) -> Float[Tensor, "s u n"]:
    if below.ndim == 2:  # a batch that all seeds share: one product for all
        return (weight.flatten(0, 1) @ below).view(*weight.shape[:2], -1)
    return weight @ below


def _forward(model: FirstLast, inputs: Tensor, seeds: slice) -> list[_Layer]:
    layers: list[_Layer] = []
    below = inputs.mT
    for index, span in enumerate(model.architecture.spans, start=1):
        z = _product(model.weights[index - 1][seeds], below)
        mean = z.mean(-1, keepdim=True)
        z.sub_(mean)
        var = _dot(z, z) / z.shape[-1]
        scale = model.gamma[seeds, span, None] * (var + BATCHNORM_EPS).rsqrt()
        active = torch.addcmul(model.beta[seeds, span, None], z, scale).tanh_()
        source = model.architecture.source(index)
        stream = active if source is None else active + layers[source - 1].stream
        layers.append(_Layer(below, z, mean, var, active, stream))
        below = stream
    return layers


def _backward(model: FirstLast, layers: list[_Layer], outgoing: Tensor, seeds: slice) -> None:
    """Write the gradients of hidden layers, given that of the last stream."""
    carried: list[Tensor | None] = [None] * len(layers)
    for index in range(len(layers), 0, -1):
        layer, span = layers[index - 1], model.architecture.spans[index - 1]
        source = model.architecture.source(index)
        if source is not None:
            carried[source - 1] = outgoing
        g = torch.ops.aten.tanh_backward(outgoing, layer.active)
        sum_g, sum_gz = g.sum(-1, keepdim=True), _dot(g, layer.centred)
        inv = (layer.var + BATCHNORM_EPS).rsqrt()
        n = g.shape[-1]
        g.addcmul_(layer.centred, sum_gz * inv.square() / -n).sub_(sum_g / n)
        g.mul_(model.gamma[seeds, span, None] * inv)
        _grad(model.beta)[seeds, span] = sum_g[..., 0]
        _grad(model.gamma)[seeds, span] = (sum_gz * inv)[..., 0]
        weight = model.weights[index - 1]
        _write_weight_gradient(_grad(weight)[seeds], g, layer.below)
        if index > 1:
            outgoing = weight[seeds].mT @ g
            extra = carried[index - 2]
            outgoing = outgoing if extra is None else outgoing.add_(extra)


def _write_weight_gradient(out: Tensor, g: Tensor, below: Tensor) -> None:
    if below.ndim == 2:
        torch.mm(g.flatten(0, 1), below.mT, out=out.flatten(0, 1))
    else:
        torch.bmm(g, below.mT, out=out)


def _grad(parameter: Tensor) -> Tensor:
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad


def _chunks(model: FirstLast, batch: int) -> Iterator[slice]:
    total = len(model.seeds)
    size = total if prefers_ensemble(model.architecture.width, batch, total) else 1
    return (slice(start, min(start + size, total)) for start in range(0, total, size))


def prefers_ensemble(width: int, batch: int, seeds: int) -> bool:
    """Whether one pass over all seeds beats a pass a seed (a rule measured in benchmarks/ensemble.md)."""
    return 2 * width * batch * seeds <= SMALL


@torch.no_grad()
def loss_and_gradients(
    model: FirstLast,
    inputs: Float[Tensor, "*s n d"],
    labels: Shaped[Tensor, "*l"],
    loss: Loss = cross_entropy,
) -> Float[Tensor, "s"]:
    """Losses (S) of a batch in training mode; overwrites `.grad` of every parameter.

    The gradients are of the sum of the losses, that is each seed's own. Moves the running statistics by
    one batch, as a forward pass in training mode does. `inputs` (n, d) are shared by all seeds or
    (S, n, d); labels likewise.
    """
    losses, means, variances = [], [], []
    for seeds in _chunks(model, inputs.shape[-2]):
        x = inputs if inputs.ndim == 2 else inputs[seeds]
        y = labels if inputs.ndim == 2 else labels[seeds]
        layers = _forward(model, x, seeds)
        top, weight = layers[-1].stream, model.weights[-1][seeds]
        logits = torch.baddbmm(model.bias[seeds, :, None], weight, top)
        value, slope = _loss_slope(logits, y, loss)
        torch.bmm(slope, top.mT, out=_grad(model.weights[-1])[seeds])
        torch.sum(slope, -1, out=_grad(model.bias)[seeds])
        _backward(model, layers, weight.mT @ slope, seeds)
        losses.append(value)
        means.append(torch.cat([layer.mean[..., 0] for layer in layers], 1))
        variances.append(torch.cat([layer.var[..., 0] for layer in layers], 1))
    model.update_running([torch.cat(means)], [torch.cat(variances)])
    return torch.cat(losses)


def _loss_slope(logits: Tensor, labels: Tensor, loss: Loss) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        leaf = logits.detach().requires_grad_()
        value = loss(leaf.mT, labels)
        (slope,) = torch.autograd.grad(value.sum(), leaf)
    return value.detach(), slope
