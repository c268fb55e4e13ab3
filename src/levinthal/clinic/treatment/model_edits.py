"""Changes to a network that is already built: initial weights, activations, normalisation, shortcuts.

Each takes a module and returns whether there was anything to change; it works on what is registered as a
module, and cannot see what a forward method writes as a function.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from levinthal.probes.recording import is_activation

WEIGHTED = (nn.Linear, nn.modules.conv._ConvNd)
RECTIFIERS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus)
SQUASHING = (nn.Sigmoid, nn.Tanh, nn.Hardtanh, nn.Hardsigmoid, nn.Softsign, nn.LogSigmoid)
OUTPUTS = (nn.Softmax, nn.LogSoftmax, nn.Softmax2d, nn.Sigmoid)
PASSING = (nn.Identity, nn.Flatten, nn.Unflatten, nn.modules.dropout._DropoutNd)


def places(model: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Module]]:
    """(parent, name, leaf) of every leaf module, in the order of registration."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if next(child.children(), None) is None:
                yield parent, name, child


def weighted(model: nn.Module) -> list[Any]:
    """Linear and convolutional layers in order."""
    return [m for m in model.modules() if isinstance(m, WEIGHTED)]


def hidden_activations(model: nn.Module) -> list[tuple[nn.Module, str, nn.Module]]:
    """Activations that stand before the last weighted layer."""
    order = {id(m): place for place, m in enumerate(model.modules())}
    layers = weighted(model)
    last = order[id(layers[-1])] if layers else -1
    return [(p, n, m) for p, n, m in places(model) if is_activation(m) and order[id(m)] < last]


@torch.no_grad()
def initialise(model: nn.Module, *, orthogonal: bool = False) -> bool:
    """Draw weights anew for the activations there are: Kaiming for rectifiers, Xavier for the rest.

    He et al. (2015), equation 10; Glorot & Bengio (2010), equation 16; orthogonal: Saxe et al. (2014).
    The last layer keeps gain 1; biases start at 0.
    """
    layers = [m for m in weighted(model) if m.weight.requires_grad]
    squashing = any(isinstance(m, SQUASHING) for m in model.modules())
    for layer in layers:
        weight, gain = layer.weight, 1.0 if squashing or layer is layers[-1] else math.sqrt(2)
        if orthogonal:
            nn.init.orthogonal_(weight, gain)
        elif squashing:
            nn.init.xavier_normal_(weight)
        else:
            nn.init.normal_(weight, 0.0, gain / math.sqrt(weight[0].numel()))
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return bool(layers)


@torch.no_grad()
def reset(model: nn.Module) -> bool:
    """Every module's own default initialisation."""
    found = [reset for m in model.modules() if callable(reset := getattr(m, "reset_parameters", None))]
    for reset_parameters in found:
        reset_parameters()
    return bool(found)


@torch.no_grad()
def quiet_head(model: nn.Module) -> bool:
    """The last layer's weights times .01, its bias 0: the first outputs are a guess."""
    layers = weighted(model)
    if layers:
        layers[-1].weight.mul_(0.01)
        if layers[-1].bias is not None:
            layers[-1].bias.zero_()
    return bool(layers)


def replace_activations(model: nn.Module, new: type[nn.Module], old: tuple[type[nn.Module], ...]) -> bool:
    """Put `new()` in the place of every hidden activation of the kinds `old`."""
    found = [(parent, name) for parent, name, m in hidden_activations(model) if isinstance(m, old)]
    for parent, name in found:
        setattr(parent, name, new())
    return bool(found)


def rectifiers(model: nn.Module) -> bool:
    """ReLU for every sigmoid and tanh, with the weights that belong to it."""
    return replace_activations(model, nn.ReLU, SQUASHING) and initialise(model)


def leaky(model: nn.Module) -> bool:
    """LeakyReLU for every ReLU."""
    return replace_activations(model, nn.LeakyReLU, (nn.ReLU,))


class Normalised(nn.Module):
    """An activation after a layer norm without parameters, over all but the batch's axis."""

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: Tensor) -> Any:
        """Normalise each row, then activate; an image over channels and places, a token over its features."""
        shape = x.shape[1:] if x.dim() != 3 else x.shape[2:]
        return self.activation(functional.layer_norm(x, shape))


def normalise(model: nn.Module) -> bool:
    """A layer norm before every hidden activation."""
    found = hidden_activations(model)
    for parent, name, activation in found:
        setattr(parent, name, Normalised(activation))
    return bool(found)


class _Stream:
    """Adds an activation's output to a later one of the same shape, by hooks that belong to the model."""

    def __init__(self, every: bool) -> None:
        self.every = every
        self.kept: Tensor | None = None

    def start(self, _module: nn.Module, _args: Any) -> None:
        self.kept = None

    def carry(self, _module: nn.Module, _args: Any, output: Any) -> Any:
        if not isinstance(output, Tensor):
            return None
        fits = self.kept is not None and self.kept.shape == output.shape
        new = output + self.kept if fits and self.kept is not None else output
        self.kept = new if self.every or self.kept is None else self.kept
        return new


def residual(model: nn.Module) -> bool:
    """Add to each hidden activation the one before it, where the shapes agree (He et al. 2016)."""
    return _with_stream(model, hidden_activations(model), every=True)


def first_last_shortcut(model: nn.Module) -> bool:
    """Add the first hidden activation to the last (Hodas & Stinis 2018, Fig. 2), where the shapes agree."""
    found = hidden_activations(model)
    return len(found) > 2 and _with_stream(model, [found[0], found[-1]], every=False)


def _with_stream(model: nn.Module, found: list[tuple[nn.Module, str, nn.Module]], *, every: bool) -> bool:
    stream = _Stream(every)
    model.register_forward_pre_hook(stream.start)
    for _, _, module in found:
        module.register_forward_hook(stream.carry)
    return len(found) > 1


def rectify(model: nn.Module) -> bool:
    """A ReLU after every weighted layer that is followed by another with nothing between them."""
    leaves = [m for _, _, m in places(model) if not isinstance(m, PASSING)]
    bare = [a for a, b in itertools.pairwise(leaves) if isinstance(a, WEIGHTED) and isinstance(b, WEIGHTED)]
    for layer in bare:
        layer.register_forward_hook(lambda _module, _args, output: functional.relu(output))
    return bool(bare)


def without_last(model: nn.Module, kinds: tuple[type[nn.Module], ...]) -> bool:
    """Take away a module of these kinds that stands after the last weighted layer."""
    order = {id(m): place for place, m in enumerate(model.modules())}
    layers = weighted(model)
    last = order[id(layers[-1])] if layers else -1
    found = [(p, n) for p, n, m in places(model) if isinstance(m, kinds) and order[id(m)] > last]
    for parent, name in found:
        setattr(parent, name, nn.Identity())
    return bool(found)


def less_dropout(model: nn.Module, most: float) -> bool:
    """Dropout modules that take more take `most`."""
    found = [m for m in model.modules() if isinstance(m, nn.modules.dropout._DropoutNd) and m.p > most]
    for module in found:
        module.p = most
    return bool(found)


def group_norms(model: nn.Module) -> bool:
    """Group norm (8 groups, or as many as divide the channels) in the place of batch norm."""
    found = [(p, n, m) for p, n, m in places(model) if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    for parent, name, norm in found:
        setattr(parent, name, nn.GroupNorm(math.gcd(8, norm.num_features), norm.num_features))
    return bool(found)


def thaw(model: nn.Module) -> bool:
    """Every parameter requires a gradient."""
    found = [p for p in model.parameters() if not p.requires_grad]
    for parameter in found:
        parameter.requires_grad_(True)
    return bool(found)
