"""Code that changes a network after it is built: initialisation, activations, normalisation, shortcuts.

Each function takes a network and returns the code; empty where there is nothing to change. The code sees
registered submodules only: a function that `forward` calls (`torch.relu`, say) stays as it is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any

from torch import nn

from levinthal.clinic.treatment.module_names import assignment, expression, loop
from levinthal.probes.recording import is_activation

WEIGHTED = (nn.Linear, nn.modules.conv._ConvNd)
RECTIFIERS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus)
SQUASHING = (nn.Sigmoid, nn.Tanh, nn.Hardtanh, nn.Hardsigmoid, nn.Softsign, nn.LogSigmoid)
OUTPUTS = (nn.Softmax, nn.LogSoftmax, nn.Softmax2d, nn.Sigmoid)
PASSING = (nn.Identity, nn.Flatten, nn.Unflatten, nn.modules.dropout._DropoutNd)
LARGE_BIAS = 1.0
Named = list[tuple[str, Any]]


def leaves(model: nn.Module) -> Named:
    """Name and module of every leaf, in order of registration; a module with two names comes twice."""
    every = model.named_modules(remove_duplicate=False)
    return [(name, module) for name, module in every if name and next(module.children(), None) is None]


def _around_head(model: nn.Module) -> tuple[Named, Named]:
    """The leaves before and after the last weighted layer."""
    found = leaves(model)
    last = max((place for place, (_, m) in enumerate(found) if isinstance(m, WEIGHTED)), default=-1)
    return found[: max(last, 0)], found[last + 1 :]


def hidden_activations(model: nn.Module) -> Named:
    """Name and module of every activation before the last weighted layer."""
    return [(name, module) for name, module in _around_head(model)[0] if is_activation(module)]


def weighted_layers(model: nn.Module) -> list[Any]:
    """Linear and convolutional layers, in order of registration."""
    return [m for m in model.modules() if isinstance(m, WEIGHTED)]


def _head(model: nn.Module) -> str:
    """The last weighted layer as an expression."""
    return expression(model, [name for name, m in model.named_modules() if isinstance(m, WEIGHTED)][-1])


def initialised(model: nn.Module, *, orthogonal: bool = False, squashing: bool | None = None) -> str:
    """All weights anew: Xavier where a hidden activation is a sigmoid or tanh, else He (Kaiming).

    He et al. (2015), equation 10; Glorot & Bengio (2010), equation 16; orthogonal: Saxe et al. (2014).
    The last layer has gain 1; biases are 0.
    """
    layers = [m for m in weighted_layers(model) if m.weight.requires_grad]
    if not layers:
        return ""
    if squashing is None:
        squashing = any(isinstance(m, SQUASHING) for _, m in hidden_activations(model))
    hidden, last = ("", "") if orthogonal else (', nonlinearity="relu"', ', nonlinearity="linear"')
    kind = "orthogonal" if orthogonal else "xavier_normal" if squashing else "kaiming_normal"
    option = "" if squashing else ", gain=2**0.5" if orthogonal else hidden
    lines = [loop(model, layers), f"    nn.init.{kind}_(layer.weight{option})", *_zero_biases(layers)]
    is_last = layers[-1] is weighted_layers(model)[-1]
    head = [f"nn.init.{kind}_({_head(model)}.weight{last})"] if is_last and not squashing else []
    return "\n".join([*lines, *head])


def _zero_biases(layers: Iterable[Any]) -> list[str]:
    have = [layer.bias is not None for layer in layers]
    zero = "nn.init.zeros_(layer.bias)"
    if all(have):
        return [f"    {zero}"]
    return ["    if layer.bias is not None:", f"        {zero}"] if any(have) else []


def zero_biases(model: nn.Module) -> str:
    """Biases of 0, where one is above 1 in magnitude."""
    layers = [layer for layer in weighted_layers(model) if layer.bias is not None]
    if not any(float(layer.bias.detach().abs().max()) > LARGE_BIAS for layer in layers):
        return ""
    return "\n".join([loop(model, layers), "    nn.init.zeros_(layer.bias)"])


def reset(model: nn.Module) -> str:
    """The default initialisation of every module that has one."""
    if not any(callable(getattr(module, "reset_parameters", None)) for module in model.modules()):
        return ""
    return (
        "for layer in model.modules():\n"
        '    if hasattr(layer, "reset_parameters"):\n'
        "        layer.reset_parameters()"
    )


def small_head(model: nn.Module) -> str:
    """The last layer's weights times .01 and a bias of 0: the first outputs are at chance level."""
    if not (layers := weighted_layers(model)):
        return ""
    head = _head(model)
    bias = f"\nnn.init.zeros_({head}.bias)" if layers[-1].bias is not None else ""
    return f"{head}.weight.data.mul_(0.01){bias}"


def replaced(model: nn.Module, found: Named, new: str) -> str:
    """Another module in each of these places."""
    return "\n".join(assignment(model, name, new) for name, _ in found)


def relu(model: nn.Module) -> str:
    """ReLU for every hidden sigmoid and tanh, and He initialisation."""
    found = [(name, m) for name, m in hidden_activations(model) if isinstance(m, SQUASHING)]
    lines = [replaced(model, found, "nn.ReLU()"), initialised(model, squashing=False)]
    return "\n".join(filter(None, lines)) if found else ""


def leaky_relu(model: nn.Module) -> str:
    """LeakyReLU for every hidden ReLU."""
    found = [(name, m) for name, m in hidden_activations(model) if isinstance(m, nn.ReLU)]
    return replaced(model, found, "nn.LeakyReLU()")


def normalised(model: nn.Module) -> str:
    """A layer norm without parameters before every hidden activation, over all axes but the batch.

    An image is normalised over channels and positions, a token over its features.
    """
    found = _once(hidden_activations(model))
    if not found:
        return ""
    return (
        "def normalised(layer, args):  # as nn.LayerNorm(width, elementwise_affine=False)\n"
        "    first = 2 if args[0].dim() == 3 else 1\n"
        "    return nn.functional.layer_norm(args[0], args[0].shape[first:])\n"
        f"{loop(model, found)}\n"
        "    layer.register_forward_pre_hook(normalised)"
    )


def residual(model: nn.Module) -> str:
    """To each hidden activation the one before it is added, where the shapes agree (He et al. 2016)."""
    found = hidden_activations(model)
    if len(found) < 2:
        return ""
    return (
        "def add_previous(layer, args, output):  # h = h + act(layer(h))\n"
        "    if previous and previous[-1].shape == output.shape:\n"
        "        output = output + previous[-1]\n"
        "    previous[:] = [output]\n"
        "    return output\n"
        "previous = []\n"
        "model.register_forward_pre_hook(lambda layer, args: previous.clear())\n"
        f"{loop(model, _once(found))}\n"
        "    layer.register_forward_hook(add_previous)"
    )


def first_last_shortcut(model: nn.Module) -> str:
    """The first hidden activation is added to the last (Hodas & Stinis 2018, Fig. 2), of equal shape."""
    found = hidden_activations(model)
    if len(found) < 3 or found[0][1] is found[-1][1]:
        return ""
    first, last = (expression(model, found[place][0]) for place in (0, -1))
    return (
        "def add_first(layer, args, output):  # h_last = h_last + h_first\n"
        "    return output + first[0] if output.shape == first[0].shape else output\n"
        "first = [None]\n"
        f"{first}.register_forward_hook(lambda layer, args, output: first.__setitem__(0, output))\n"
        f"{last}.register_forward_hook(add_first)"
    )


def inserted_relu(model: nn.Module) -> str:
    """A ReLU after every weighted layer that another one follows with no nonlinearity between them."""
    shown = [m for _, m in leaves(model) if not isinstance(m, PASSING)]
    linear = [a for a, b in itertools.pairwise(shown) if isinstance(a, WEIGHTED) and isinstance(b, WEIGHTED)]
    if not linear:
        return ""
    call = "    layer.register_forward_hook(lambda layer, args, output: output.relu())"
    return f"{loop(model, linear)}\n{call}  # nn.ReLU() after it"


def without_output_activation(model: nn.Module, kinds: tuple[type[nn.Module], ...]) -> str:
    """The identity for every module of these types after the last weighted layer."""
    found = [(name, m) for name, m in _around_head(model)[1] if isinstance(m, kinds)]
    return replaced(model, found, "nn.Identity()")


def limited_dropout(model: nn.Module, most: float) -> str:
    """Every dropout probability above `most` is lowered to it, inside recurrences and attention too."""
    lines = []
    for name, module in model.named_modules():
        place = "p" if isinstance(module, nn.modules.dropout._DropoutNd) else "dropout"
        probability = getattr(module, place, None)
        if isinstance(probability, float) and probability > most:
            lines.append(f"{expression(model, name)}.{place} = {most:g}")
    return "\n".join(lines)


def group_norms(model: nn.Module) -> str:
    """Group norm for batch norm (8 groups, or as many as divide the channels)."""
    found = [(name, m) for name, m in leaves(model) if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    shapes = [(name, f"nn.GroupNorm({math.gcd(8, m.num_features)}, {m.num_features})") for name, m in found]
    return "\n".join(assignment(model, name, new) for name, new in shapes)


def unfrozen(model: nn.Module) -> str:
    """Every parameter requires a gradient."""
    return "" if all(p.requires_grad for p in model.parameters()) else "model.requires_grad_(True)"


def training_mode(model: nn.Module) -> str:
    """Every module is in training mode."""
    return "" if all(module.training for module in model.modules()) else "model.train()"


def batch_first(model: nn.Module) -> str:
    """Recurrences and attention take the first axis for the batch, not for time."""
    kinds = (nn.RNNBase, nn.MultiheadAttention)
    layers = [m for m in model.modules() if isinstance(m, kinds) and not m.batch_first]
    return f"{loop(model, layers)}\n    layer.batch_first = True" if layers else ""


def softmax_over_features(model: nn.Module) -> str:
    """Softmaxes over the last axis, and not over the rows of the batch."""
    named = model.named_modules()
    found = [(name, m) for name, m in named if isinstance(m, nn.Softmax | nn.LogSoftmax) and m.dim == 0]
    return "\n".join(assignment(model, name, f"nn.{type(m).__name__}(-1)") for name, m in found)


def _once(found: Named) -> list[nn.Module]:
    """The modules, each once."""
    return list({id(module): module for _, module in found}.values())
