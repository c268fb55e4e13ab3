"""Loss and gradients of S first-last networks, the backward pass written by hand.

The same numbers as autograd through `FirstLast.forward`, in fewer passes over memory: in a network of
20 to 50 units a layer the elementwise work and the bookkeeping cost as much as the products.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from levinthal.networks.ensemble import Ensemble
from levinthal.networks.first_last import BATCHNORM_EPS
from levinthal.networks.losses import Loss, cross_entropy
from levinthal.networks.passes import passes, product, tanh_of_half_


@dataclass(frozen=True, slots=True)
class _Layer:
    """What a hidden layer keeps for its backward pass: (s, u, n) tensors and (s, u, 1) columns."""

    weight: Tensor
    below: Tensor
    centred: Tensor
    mean: Tensor
    length: Tensor
    inverse: Tensor
    scale: Tensor
    active: Tensor
    stream: Tensor


def _layers_of(rows: Tensor, model: Ensemble, seeds: slice) -> tuple[Tensor, ...]:
    return torch.split(rows[seeds, :, None], list(model.architecture.widths), 1)


def _forward(model: Ensemble, inputs: Tensor, seeds: slice) -> list[_Layer]:
    layers: list[_Layer] = []
    below, n = inputs.mT, inputs.shape[-2]
    eps = inputs.new_tensor(BATCHNORM_EPS)
    gammas, doubled = (_layers_of(rows, model, seeds) for rows in (model.gamma, model.beta * 2))
    for index, (weights, gamma, beta) in enumerate(
        zip(model.weights, gammas, doubled, strict=False), start=1
    ):
        weight = weights[seeds]
        z = product(weight, below)
        mean = z.mean(-1, keepdim=True)
        length = torch.linalg.vector_norm(z.sub_(mean), dim=-1, keepdim=True)
        inverse = torch.addcmul(eps, length, length, value=1 / n).rsqrt_()
        scale = gamma * inverse
        active = tanh_of_half_((z * (scale * 2)).add_(beta))
        source = model.architecture.source(index)
        stream = active if source is None else active + layers[source - 1].stream
        layers.append(_Layer(weight, below, z, mean, length, inverse, scale, active, stream))
        below = stream
    return layers


def _backward(model: Ensemble, layers: list[_Layer], outgoing: Tensor, seeds: slice) -> None:
    """Write the gradients of hidden layers, given that of the last stream."""
    carried: dict[int, Tensor] = {}
    slopes, lengths = (_layers_of(_grad(rows), model, seeds) for rows in (model.beta, model.gamma))
    for index in range(len(layers), 0, -1):
        layer, n = layers[index - 1], outgoing.shape[-1]
        source = model.architecture.source(index)
        if source is not None:
            carried[source] = outgoing
        room = outgoing if source is None else torch.empty_like(outgoing)
        g = torch.ops.aten.tanh_backward.grad_input(outgoing, layer.active, grad_input=room)
        slope = torch.sum(g, -1, keepdim=True, out=slopes[index - 1])
        # The activation has been read for the last time: its memory takes the product.
        along = torch.mul(g, layer.centred, out=layer.active).sum(-1, keepdim=True)
        lean = torch.mul(along, layer.inverse, out=lengths[index - 1]) * layer.inverse
        g.addcmul_(layer.centred, lean, value=-1 / n).sub_(slope, alpha=1 / n).mul_(layer.scale)
        _write_weight_gradient(_grad(model.weights[index - 1])[seeds], g, layer.below)
        if index > 1:
            outgoing = torch.bmm(layer.weight.mT, g)
            outgoing = outgoing.add_(carried[index - 1]) if index - 1 in carried else outgoing


def _write_weight_gradient(out: Tensor, g: Tensor, below: Tensor) -> None:
    if below.ndim == 2:
        torch.mm(g.flatten(0, 1), below.mT, out=out.flatten(0, 1))
    else:
        torch.bmm(g, below.mT, out=out)


def _grad(parameter: Tensor) -> Tensor:
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad


@torch.no_grad()
def loss_and_gradients(
    model: Ensemble,
    inputs: Float[Tensor, "*s n d"],
    labels: Shaped[Tensor, "*l"],
    loss: Loss = cross_entropy,
) -> Float[Tensor, "s"]:
    """Losses (S) of a batch in training mode; overwrites `.grad` of every parameter.

    The gradients are of the sum of the losses, that is each seed's own. Moves the running statistics by
    one batch, as a forward pass in training mode does. `inputs` (n, d) are shared by all seeds or
    (S, n, d); labels likewise.
    """
    parts = []
    for seeds in passes(model.architecture.width, inputs.shape[-2], len(model.seeds)):
        own = inputs.ndim == 3
        parts.append(
            _chunk(model, inputs[seeds] if own else inputs, labels[seeds] if own else labels, loss, seeds)
        )
    losses, means, variances = zip(*parts, strict=True)
    model.update_running([torch.cat(means)], [torch.cat(variances)])
    return torch.cat(losses)


def _chunk(
    model: Ensemble, inputs: Tensor, labels: Tensor, loss: Loss, seeds: slice
) -> tuple[Tensor, Tensor, Tensor]:
    layers = _forward(model, inputs, seeds)
    top, weight = layers[-1].stream, model.weights[-1][seeds]
    logits = torch.baddbmm(model.bias[seeds, :, None], weight, top)
    value, slope = (
        _cross_entropy_slope(logits, labels) if loss is cross_entropy else _slope(logits, labels, loss)
    )
    torch.bmm(slope, top.mT, out=_grad(model.weights[-1])[seeds])
    torch.sum(slope, -1, out=_grad(model.bias)[seeds])
    _backward(model, layers, torch.bmm(weight.mT, slope), seeds)
    mean = torch.cat([layer.mean for layer in layers], 1)[..., 0]
    length = torch.cat([layer.length for layer in layers], 1)[..., 0]
    return value, mean, length.square_().div_(inputs.shape[-2])


def _cross_entropy_slope(logits: Float[Tensor, "s c n"], labels: Tensor) -> tuple[Tensor, Tensor]:
    """Mean over samples of -log softmax[label], and its gradient (softmax - one-hot) / n."""
    n = logits.shape[-1]
    wanted = labels.expand(len(logits), n).unsqueeze(1)
    logs = logits.log_softmax(1)
    value = logs.gather(1, wanted).sum((1, 2)).div_(-n)
    slope = logs.exp_().div_(n)
    return value, slope.scatter_add_(1, wanted, slope.new_tensor(-1 / n).expand(wanted.shape))


def _slope(logits: Float[Tensor, "s c n"], labels: Tensor, loss: Loss) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        leaf = logits.detach().requires_grad_()
        value = loss(leaf.mT, labels)
        (slope,) = torch.autograd.grad(value.sum(), leaf)
    return value.detach(), slope.contiguous()
