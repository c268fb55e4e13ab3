"""Edits of a network that is already built: initialisation, activations, normalisation, shortcuts.

Each edit takes a module, changes it in place, and returns whether there was anything to change. It sees
registered submodules only: a function that `forward` calls (`torch.relu`, say) stays as it is.
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


def leaves(model: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Module]]:
    """(parent, name, leaf) of every leaf module, in order of registration."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if next(child.children(), None) is None:
                yield parent, name, child


def weighted_layers(model: nn.Module) -> list[Any]:
    """Linear and convolutional layers, in order of registration."""
    return [m for m in model.modules() if isinstance(m, WEIGHTED)]


def hidden_activations(model: nn.Module) -> list[tuple[nn.Module, str, nn.Module]]:
    """(parent, name, module) of every activation before the last weighted layer."""
    order = {id(m): place for place, m in enumerate(model.modules())}
    layers = weighted_layers(model)
    last = order[id(layers[-1])] if layers else -1
    return [(p, n, m) for p, n, m in leaves(model) if is_activation(m) and order[id(m)] < last]


@torch.no_grad()
def initialise(model: nn.Module, *, orthogonal: bool = False) -> bool:
    """Initialise all weights anew: Xavier where the network has a sigmoid or tanh, else He (Kaiming).

    He et al. (2015), equation 10; Glorot & Bengio (2010), equation 16; orthogonal: Saxe et al. (2014).
    The last layer has gain 1; biases are 0.
    """
    layers = [m for m in weighted_layers(model) if m.weight.requires_grad]
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
    """Call `reset_parameters` of every module that has it: its default initialisation."""
    found = [reset for m in model.modules() if callable(reset := getattr(m, "reset_parameters", None))]
    for reset_parameters in found:
        reset_parameters()
    return bool(found)


@torch.no_grad()
def small_head(model: nn.Module) -> bool:
    """Multiply the last layer's weights by .01, set its bias to 0: the first outputs are at chance level."""
    layers = weighted_layers(model)
    if layers:
        layers[-1].weight.mul_(0.01)
        if layers[-1].bias is not None:
            layers[-1].bias.zero_()
    return bool(layers)


def replace_activations(model: nn.Module, new: type[nn.Module], old: tuple[type[nn.Module], ...]) -> bool:
    """Replace every hidden activation of the types `old` with `new()`."""
    found = [(parent, name) for parent, name, m in hidden_activations(model) if isinstance(m, old)]
    for parent, name in found:
        setattr(parent, name, new())
    return bool(found)


def relu(model: nn.Module) -> bool:
    """Replace sigmoid and tanh with ReLU, then initialise the weights for it (He)."""
    return replace_activations(model, nn.ReLU, SQUASHING) and initialise(model)


def leaky_relu(model: nn.Module) -> bool:
    """Replace every hidden ReLU with LeakyReLU."""
    return replace_activations(model, nn.LeakyReLU, (nn.ReLU,))


class Normalised(nn.Module):
    """An activation after a layer norm without parameters, over all axes but the batch."""

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: Tensor) -> Any:
        """Normalise, then activate: an image over channels and positions, a token over its features."""
        shape = x.shape[1:] if x.dim() != 3 else x.shape[2:]
        return self.activation(functional.layer_norm(x, shape))


def normalise(model: nn.Module) -> bool:
    """Insert a layer norm before every hidden activation."""
    found = hidden_activations(model)
    for parent, name, activation in found:
        setattr(parent, name, Normalised(activation))
    return bool(found)


class _Shortcut:
    """Adds an activation's output to a later one of the same shape, by hooks on the model."""

    def __init__(self, every: bool) -> None:
        self.every = every
        self.stored: Tensor | None = None

    def clear(self, _module: nn.Module, _args: Any) -> None:
        self.stored = None

    def add(self, _module: nn.Module, _args: Any, output: Any) -> Any:
        if not isinstance(output, Tensor):
            return None
        fits = self.stored is not None and self.stored.shape == output.shape
        new = output + self.stored if fits and self.stored is not None else output
        self.stored = new if self.every or self.stored is None else self.stored
        return new


def residual(model: nn.Module) -> bool:
    """Add to each hidden activation the one before it, where the shapes agree (He et al. 2016)."""
    return _with_shortcut(model, hidden_activations(model), every=True)


def first_last_shortcut(model: nn.Module) -> bool:
    """Add the first hidden activation to the last (Hodas & Stinis 2018, Fig. 2), where the shapes agree."""
    found = hidden_activations(model)
    return len(found) > 2 and _with_shortcut(model, [found[0], found[-1]], every=False)


def _with_shortcut(model: nn.Module, found: list[tuple[nn.Module, str, nn.Module]], *, every: bool) -> bool:
    shortcut = _Shortcut(every)
    model.register_forward_pre_hook(shortcut.clear)
    for _, _, module in found:
        module.register_forward_hook(shortcut.add)
    return len(found) > 1


def insert_relu(model: nn.Module) -> bool:
    """Insert a ReLU after every weighted layer that another one follows with no nonlinearity between them."""
    shown = [m for _, _, m in leaves(model) if not isinstance(m, PASSING)]
    linear = [a for a, b in itertools.pairwise(shown) if isinstance(a, WEIGHTED) and isinstance(b, WEIGHTED)]
    for layer in linear:
        layer.register_forward_hook(lambda _module, _args, output: functional.relu(output))
    return bool(linear)


def remove_output_activation(model: nn.Module, kinds: tuple[type[nn.Module], ...]) -> bool:
    """Replace every module of these types after the last weighted layer with the identity."""
    order = {id(m): place for place, m in enumerate(model.modules())}
    layers = weighted_layers(model)
    last = order[id(layers[-1])] if layers else -1
    found = [(p, n) for p, n, m in leaves(model) if isinstance(m, kinds) and order[id(m)] > last]
    for parent, name in found:
        setattr(parent, name, nn.Identity())
    return bool(found)


def limit_dropout(model: nn.Module, most: float) -> bool:
    """Lower every dropout probability above `most` to `most`."""
    found = [m for m in model.modules() if isinstance(m, nn.modules.dropout._DropoutNd) and m.p > most]
    for module in found:
        module.p = most
    return bool(found)


def group_norms(model: nn.Module) -> bool:
    """Replace batch norm with group norm (8 groups, or as many as divide the channels)."""
    found = [(p, n, m) for p, n, m in leaves(model) if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    for parent, name, norm in found:
        setattr(parent, name, nn.GroupNorm(math.gcd(8, norm.num_features), norm.num_features))
    return bool(found)


def unfreeze(model: nn.Module) -> bool:
    """Make every parameter require a gradient."""
    found = [p for p in model.parameters() if not p.requires_grad]
    for parameter in found:
        parameter.requires_grad_(True)
    return bool(found)
