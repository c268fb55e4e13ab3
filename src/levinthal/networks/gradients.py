"""Loss and gradients of S first-last networks, with the backward pass written by hand.

The numbers are those of autograd through `FirstLast.forward`, in fewer passes over memory. In a network of
20 to 50 units per layer, elementwise work and bookkeeping cost as much as the matrix products.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from levinthal.errors import InputError
from levinthal.networks.affine import Affine, gradient_of
from levinthal.networks.ensemble import Ensemble, require_ensemble
from levinthal.networks.first_last import BATCHNORM_EPS
from levinthal.networks.losses import Loss, cross_entropy, fitting, named_loss
from levinthal.networks.passes import passes, product, tanh_of_half_
from levinthal.user_data import as_tensor


@torch.no_grad()
def loss_and_gradients(
    model: Ensemble,
    inputs: Float[Tensor, "*s n d"],
    labels: Shaped[Tensor, "*l"],
    loss: Loss = cross_entropy,
) -> Float[Tensor, "s"]:
    """Compute the losses of a batch in training mode and overwrite `.grad` of every parameter.

    The networks share no parameter, so the gradient of the summed loss is each network's own. The running
    statistics move by one batch, as in a forward pass in training mode.

    Args:
        model: S networks. A missing `.grad` is created.
        inputs: a batch (n, d) shared by all seeds, or (S, n, d), one for each.
        labels: class numbers or targets, with a leading S where `inputs` have one.
        loss: a function from outputs (s, n, classes) and labels to losses (s).

    Returns:
        The loss of each seed before the update, (S), in the unit of `loss` (nats for cross-entropy).

    Raises:
        InputError: the model is no ensemble, or inputs and labels do not fit it or each other.

    >>> from levinthal.networks import first_last
    >>> net = first_last(inputs=4, width=3, depth=2, classes=2, seeds=(0, 1))
    >>> with torch.no_grad():
    ...     _ = net.weights[-1].zero_()  # equal logits: the loss is ln 2
    >>> loss_and_gradients(net, torch.rand(8, 4), torch.arange(8) % 2)
    tensor([0.6931, 0.6931])
    """
    require_ensemble(model)
    x, y = as_tensor(inputs, "inputs").to(model.bias), as_tensor(labels, "labels")
    features, seeds = model.architecture.inputs, len(model.seeds)
    if not x.numel() or (x.shape[1:] != (features,) and (x.ndim != 3 or x.shape[::2] != (seeds, features))):
        shape = tuple(x.shape)
        raise InputError(f"inputs has shape {shape}: pass (n, {features}), or ({seeds}, n, {features})")
    with fitting(x, y):
        return EnsembleGradients(model)(x, y, named_loss(loss))


class EnsembleGradients:
    """`loss_and_gradients` of one ensemble for many batches. Views of its parameters are made once.

    It reads and writes the parameters and gradients that the model has when it is made.
    """

    def __init__(self, model: Ensemble) -> None:
        self.model = model
        self.rows = _Rows.of(model)
        for parameter in model.parameters():
            gradient_of(parameter)
        self._passes: dict[int, list[tuple[slice, list[_Layer], Affine]]] = {}

    @torch.inference_mode()
    def _losses(self, inputs: Tensor, labels: Tensor, loss: Loss) -> Tensor:
        n, own, parts = inputs.shape[-2], inputs.ndim == 3, []
        torch.mul(self.model.gamma, 2, out=self.rows.gamma)
        torch.mul(self.model.beta, 2, out=self.rows.beta)
        for seeds, layers, top in self._of(n):
            x, y = (inputs[seeds], labels[seeds]) if own else (inputs, labels)
            parts.append(_run(layers, top, x, y, loss))
        variances = torch.square(self.rows.length).div_(n)
        self.model.update_running([self.rows.mean], [variances])
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def __call__(self, inputs: Tensor, labels: Tensor, loss: Loss = cross_entropy) -> Float[Tensor, "s"]:
        """Losses (S) of a batch. The gradients are written."""
        return self._losses(inputs, labels, loss).clone()  # out of inference mode, for any later use

    def _of(self, n: int) -> list[tuple[slice, list[_Layer], Affine]]:
        if n not in self._passes:
            together = passes(self.model.architecture.width, n, len(self.model.seeds))
            last, bias = self.model.weights[-1], self.model.bias
            self._passes[n] = [
                (seeds, _layers(self.model, self.rows, seeds, n), Affine.of(last, bias, seeds))
                for seeds in together
            ]
        return self._passes[n]


@dataclass(frozen=True, slots=True)
class _Rows:
    """One number per seed and hidden unit, (S, all hidden units).

    `gamma` and `beta` are twice the model's. The others describe a batch: the `mean`, the `length` (norm) of
    the centred unit, the `inverse` of its standard deviation, and `scale`, that is `gamma` times `inverse`.
    """

    gamma: Tensor
    beta: Tensor
    mean: Tensor
    length: Tensor
    inverse: Tensor
    scale: Tensor

    @staticmethod
    def of(model: Ensemble) -> _Rows:
        return _Rows(*(torch.empty_like(model.gamma.detach()) for _ in range(6)))


@dataclass(frozen=True, slots=True)
class _Layer:
    """Views of a hidden layer's numbers: matrices (s, u, v) and columns (s, u, 1)."""

    source: int | None
    eps: Tensor
    count: Tensor
    """The number of samples: as a tensor, for torch makes one of a number at every call."""
    weight: Tensor
    transposed: Tensor
    weight_gradient: Tensor
    gamma: Tensor
    beta: Tensor
    mean: Tensor
    length: Tensor
    inverse: Tensor
    scale: Tensor
    gamma_gradient: Tensor
    beta_gradient: Tensor


def _layers(model: Ensemble, rows: _Rows, seeds: slice, n: int) -> list[_Layer]:
    shape, eps, count = (model.architecture, *map(rows.gamma.new_tensor, (BATCHNORM_EPS, float(n))))
    columns = (
        *(rows.gamma, rows.beta, rows.mean, rows.length, rows.inverse, rows.scale),
        *(gradient_of(model.gamma), gradient_of(model.beta)),
    )
    layers = []
    for index, (weights, span) in enumerate(zip(model.weights, shape.spans, strict=False), start=1):
        weight = weights.detach()[seeds]
        here = (column[seeds, span, None] for column in columns)
        into = gradient_of(weights)[seeds]
        layers.append(_Layer(shape.source(index), eps, count, weight, weight.mT, into, *here))
    return layers


@dataclass(frozen=True, slots=True)
class _Saved:
    """A hidden layer's values for the backward pass, (s, u, n): before and after tanh, and after the sum."""

    below: Tensor
    centred: Tensor
    active: Tensor
    stream: Tensor


def _run(layers: list[_Layer], top: Affine, inputs: Tensor, labels: Tensor, loss: Loss) -> Tensor:
    saved = _forward(layers, inputs)
    stream = saved[-1].stream
    logits = torch.baddbmm(top.bias, top.weight, stream)
    value, slope = (
        _cross_entropy_slope(logits, labels) if loss is cross_entropy else _slope(logits, labels, loss)
    )
    top.write_gradients(slope, stream)
    _backward(layers, saved, torch.bmm(top.transposed, slope))
    return value


def _forward(layers: list[_Layer], inputs: Tensor) -> list[_Saved]:
    saved: list[_Saved] = []
    below, each = inputs.mT, 1 / inputs.shape[-2]
    for layer in layers:
        z = product(layer.weight, below)
        z.sub_(torch.sum(z, -1, keepdim=True, out=layer.mean).div_(layer.count))
        length = torch.linalg.vector_norm(z, dim=-1, keepdim=True, out=layer.length)
        inverse = torch.addcmul(layer.eps, length, length, value=each, out=layer.inverse).rsqrt_()
        active = tanh_of_half_((z * torch.mul(layer.gamma, inverse, out=layer.scale)).add_(layer.beta))
        stream = active if layer.source is None else active + saved[layer.source - 1].stream
        saved.append(_Saved(below, z, active, stream))
        below = stream
    return saved


def _backward(layers: list[_Layer], saved: list[_Saved], outgoing: Tensor) -> None:
    """Write the gradients of hidden layers, given the gradient of the last stream."""
    carried: dict[int, Tensor] = {}
    each = 1 / outgoing.shape[-1]
    for index in range(len(layers), 0, -1):
        layer, here = layers[index - 1], saved[index - 1]
        if layer.source is not None:
            carried[layer.source] = outgoing
        into = outgoing if layer.source is None else torch.empty_like(outgoing)
        g = _TANH_BACKWARD(outgoing, here.active, grad_input=into)
        slope = torch.sum(g, -1, keepdim=True, out=layer.beta_gradient)
        # The activation is not read again: its memory takes the product.
        along = torch.mul(g, here.centred, out=here.active).sum(-1, keepdim=True)
        lean = torch.mul(along, layer.inverse, out=layer.gamma_gradient) * layer.inverse
        # `scale` belongs to the doubled argument; the gradient needs half of it.
        g.addcmul_(here.centred, lean, value=-each).sub_(slope, alpha=each).mul_(layer.scale.mul_(0.5))
        _write_weight_gradient(layer.weight_gradient, g, here.below)
        if index > 1:
            outgoing = torch.bmm(layer.transposed, g)
            outgoing = outgoing.add_(carried[index - 1]) if index - 1 in carried else outgoing


_TANH_BACKWARD = torch.ops.aten.tanh_backward.grad_input


def _write_weight_gradient(out: Tensor, g: Tensor, below: Tensor) -> None:
    if below.ndim == 2:
        torch.mm(g.flatten(0, 1), below.mT, out=out.flatten(0, 1))
    else:
        torch.bmm(g, below.mT, out=out)


def _cross_entropy_slope(logits: Float[Tensor, "s c n"], labels: Tensor) -> tuple[Tensor, Tensor]:
    """Mean over samples of -log softmax[label], and its gradient (softmax - one-hot) / n."""
    n = logits.shape[-1]
    wanted = labels.expand(len(logits), n).unsqueeze(1)
    logs = logits.log_softmax(1)
    value = logs.gather(1, wanted).sum((1, 2)).div_(-n)
    slope = logs.exp_().div_(n)
    return value, slope.scatter_add_(1, wanted, slope.new_tensor(-1 / n).expand(wanted.shape))


def _slope(logits: Float[Tensor, "s c n"], labels: Tensor, loss: Loss) -> tuple[Tensor, Tensor]:
    with torch.inference_mode(False), torch.enable_grad():
        leaf = logits.clone().requires_grad_()
        value = loss(leaf.mT, labels)
        (slope,) = torch.autograd.grad(value.sum(), leaf)
    return value.detach(), slope.contiguous()
