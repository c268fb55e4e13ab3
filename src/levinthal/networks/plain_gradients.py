"""Loss and gradients of one `plain` network, with the backward pass written by hand.

The numbers are those of autograd through the network, to the bit: the same kernels in the same order. In
networks of 30 units the calls of modules and of autograd cost more than the arithmetic.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from levinthal.networks.losses import Loss
from levinthal.networks.plain import Skipped, Stage

ATEN = torch.ops.aten
SELU = (1.6732632423543772, 1.0507009873554805)  # alpha and scale, as torch has them


class Part(ABC):
    """A layer that remembers of its last batch what its backward pass needs."""

    @abstractmethod
    def forward(self, inputs: Tensor) -> Tensor:
        """Its outputs."""

    @abstractmethod
    def backward(self, slope: Tensor) -> Tensor:
        """The gradient of its inputs, given that of its outputs; its parameters' gradients are written."""


class PlainGradients:
    """Writes the gradients of a network, batch after batch, in training mode.

    It reads and writes the parameters, gradients and buffers that the network has when it is made.
    """

    def __init__(self, net: nn.Sequential) -> None:
        first, *rest = (part for stage in net for part in _parts(stage))
        assert isinstance(first, _Linear)
        first.of_inputs = False
        self.parts: list[Part] = [first, *rest]

    @classmethod
    def of(cls, net: nn.Module) -> PlainGradients | None:
        """Those of a network that `plain` has made; None for any other, or where a module has a hook."""
        known = all(type(module) in (*MADE, *WHOLE) and not _hooked(module) for module in net.modules())
        trained = all(parameter.requires_grad for parameter in net.parameters())
        stages = type(net) is nn.Sequential and all(isinstance(stage, Stage) for stage in net)
        return cls(net) if isinstance(net, nn.Sequential) and stages and known and trained else None

    @torch.no_grad()
    def __call__(self, inputs: Tensor, labels: Tensor, loss: Loss) -> Tensor:
        """The loss of a batch, a scalar. The gradients are overwritten."""
        stream = inputs
        for part in self.parts:
            stream = part.forward(stream)
        value, slope = _slope(stream, labels, loss)
        for part in reversed(self.parts):
            slope = part.backward(slope)
        return value


def _hooked(module: nn.Module) -> bool:
    return any(
        (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)
    )


def _slope(outputs: Tensor, labels: Tensor, loss: Loss) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        leaf = outputs.requires_grad_()
        value = loss(leaf, labels)
        (slope,) = torch.autograd.grad(value, leaf)
    return value.detach(), slope


def _parts(stage: nn.Module) -> Sequence[Part]:
    assert isinstance(stage, Stage)
    parts = [MADE[type(module)](module) for module in stage if not isinstance(module, nn.Identity)]
    return [_Skip(parts)] if isinstance(stage, Skipped) else parts


@dataclass
class _Skip(Part):
    parts: Sequence[Part]

    def forward(self, inputs: Tensor) -> Tensor:
        out = inputs
        for part in self.parts:
            out = part.forward(out)
        return inputs + out

    def backward(self, slope: Tensor) -> Tensor:
        own = slope
        for part in reversed(self.parts):
            own = part.backward(own)
        return slope + own


def _grad(parameter: Tensor) -> Tensor:
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad


class _Linear(Part):
    def __init__(self, module: nn.Linear) -> None:
        self.weight, self.bias = module.weight.detach(), module.bias.detach()
        self.transposed = self.weight.t()
        self.gradients = _grad(module.weight), _grad(module.bias)
        self.of_inputs = True

    def forward(self, inputs: Tensor) -> Tensor:
        self.inputs = inputs
        return torch.addmm(self.bias, inputs, self.transposed)

    def backward(self, slope: Tensor) -> Tensor:
        torch.mm(slope.t(), self.inputs, out=self.gradients[0])
        torch.sum(slope, 0, out=self.gradients[1])
        return slope.mm(self.weight) if self.of_inputs else slope


class _BatchNorm(Part):
    def __init__(self, module: nn.BatchNorm1d) -> None:
        assert module.num_batches_tracked is not None
        assert module.momentum is not None
        self.weight, self.bias, self.eps = module.weight.detach(), module.bias.detach(), module.eps
        self.running = module.running_mean, module.running_var
        self.momentum, self.batches = module.momentum, module.num_batches_tracked
        self.gradients = _grad(module.weight), _grad(module.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        self.batches.add_(1)
        out: Tensor
        out, *self.statistics = torch.native_batch_norm(
            inputs, self.weight, self.bias, *self.running, True, self.momentum, self.eps
        )
        self.inputs = inputs
        return out

    def backward(self, slope: Tensor) -> Tensor:
        into: Tensor
        into, *own = ATEN.native_batch_norm_backward.default(
            slope, self.inputs, self.weight, *self.running, *self.statistics, True, self.eps, [True] * 3
        )
        for gradient, found in zip(self.gradients, own, strict=True):
            gradient.copy_(found)
        return into


class _LayerNorm(Part):
    def __init__(self, module: nn.LayerNorm) -> None:
        self.shape, self.eps = list(module.normalized_shape), module.eps
        self.weight, self.bias = module.weight.detach(), module.bias.detach()
        self.gradients = _grad(module.weight), _grad(module.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        out: Tensor
        out, *self.statistics = torch.native_layer_norm(inputs, self.shape, self.weight, self.bias, self.eps)
        self.inputs = inputs
        return out

    def backward(self, slope: Tensor) -> Tensor:
        into: Tensor
        into, *own = ATEN.native_layer_norm_backward.default(
            slope, self.inputs, self.shape, *self.statistics, self.weight, self.bias, [True] * 3
        )
        for gradient, found in zip(self.gradients, own, strict=True):
            gradient.copy_(found)
        return into


@dataclass
class _Unit(Part):
    """An activation, and the gradient before it of the one after it and the activation (or its input)."""

    act: Callable[[Tensor], Tensor]
    slope_of: Callable[[Tensor, Tensor], Tensor]
    of_output: bool = True
    value: Tensor = field(init=False)

    def forward(self, inputs: Tensor) -> Tensor:
        out = self.act(inputs)
        self.value = out if self.of_output else inputs
        return out

    def backward(self, slope: Tensor) -> Tensor:
        return self.slope_of(slope, self.value)


def _relu(_: nn.Module) -> Part:
    return _Unit(torch.relu, lambda slope, out: ATEN.threshold_backward.default(slope, out, 0))


def _tanh(_: nn.Module) -> Part:
    return _Unit(torch.tanh, ATEN.tanh_backward.default)


def _sigmoid(_: nn.Module) -> Part:
    return _Unit(torch.sigmoid, ATEN.sigmoid_backward.default)


def _selu(_: nn.Module) -> Part:
    def slope_of(slope: Tensor, z: Tensor) -> Tensor:
        before: Tensor = ATEN.elu_backward.default(slope, *SELU, 1, False, z)
        return before

    return _Unit(torch.selu, slope_of, of_output=False)


WHOLE = (nn.Sequential, Stage, Skipped, nn.Identity)
MADE: Mapping[type[nn.Module], Callable[..., Part]] = {
    nn.Linear: _Linear,
    nn.BatchNorm1d: _BatchNorm,
    nn.LayerNorm: _LayerNorm,
    nn.ReLU: _relu,
    nn.Tanh: _tanh,
    nn.Sigmoid: _sigmoid,
    nn.SELU: _selu,
}
"""A module of `plain` -> its layer here."""
