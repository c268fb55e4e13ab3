"""Modules of a network as a user writes them: `model.encoder[2]`, a list of layers, an assignment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from torch import nn

MOST_NAMED = 8
"""Layers that a loop names one by one; of more, it names the types where these select the same layers."""


def expression(model: nn.Module, name: str) -> str:
    """The expression for a submodule or parameter of `model`, by its dotted name.

    >>> net = nn.Sequential(nn.ModuleDict({"a b": nn.Sequential(nn.ReLU(), nn.Linear(2, 2))}))
    >>> expression(net, "0.a b.1"), expression(net, "0.a b.1.weight"), expression(net, "")
    ('model[0]["a b"][1]', 'model[0]["a b"][1].weight', 'model')
    """
    return "model" + "".join(_steps(model, name.split("."))) if name else "model"


def _steps(parent: object, parts: Sequence[str]) -> Iterator[str]:
    for part in parts:
        if isinstance(parent, nn.ModuleDict):
            yield f"[{json.dumps(part)}]"
        elif isinstance(parent, nn.Sequential | nn.ModuleList) and _is_index(parent, part):
            yield f"[{part}]"
        elif part.isidentifier():
            yield f".{part}"
        else:
            yield f".get_submodule({json.dumps(part)})"
        parent = getattr(parent, part)


def _is_index(parent: nn.Module, part: str) -> bool:
    """Whether the number is also the place."""
    names = [name for name, _ in parent.named_children()]
    return part.isdigit() and int(part) < len(names) and names[int(part)] == part


def assignment(model: nn.Module, name: str, value: str) -> str:
    """The statement that puts another module in the place of this one.

    >>> assignment(nn.Sequential(nn.Tanh()), "0", "nn.ReLU()")
    'model[0] = nn.ReLU()'
    """
    place = expression(model, name)
    if place.endswith(")"):
        return f"model.set_submodule({json.dumps(name)}, {value})"
    return f"{place} = {value}"


def loop(model: nn.Module, layers: Sequence[nn.Module]) -> str:
    """The head of a loop over these layers, each called `layer`.

    >>> net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    >>> loop(net, [net[0], net[2]])
    'for layer in (model[0], model[2]):'
    >>> deep = nn.Sequential(*(nn.Linear(2, 2) for _ in range(9)))
    >>> loop(deep, list(deep))
    'for layer in [m for m in model.modules() if isinstance(m, nn.Linear)]:'
    """
    if len(layers) > MOST_NAMED and (kinds := _types_of(model, layers)):
        return f"for layer in [m for m in model.modules() if isinstance(m, {kinds})]:"
    names = {id(module): name for name, module in reversed(list(model.named_modules()))}
    shown = [expression(model, names[id(layer)]) for layer in layers]
    return f"for layer in ({', '.join(shown)}{',' * (len(shown) == 1)}):"


def _types_of(model: nn.Module, layers: Sequence[nn.Module]) -> str:
    """The public types that select exactly these layers; empty where none do."""
    types = dict.fromkeys(_public_type(layer) for layer in layers)
    known = [kind for kind in types if kind is not None]
    chosen = [module for module in model.modules() if isinstance(module, tuple(known))]
    if None in types or [id(m) for m in chosen] != [id(m) for m in layers]:
        return ""
    return " | ".join(f"nn.{kind.__name__}" for kind in known)


def _public_type(layer: nn.Module) -> type[nn.Module] | None:
    """The nearest type of the layer that `torch.nn` has under its name."""
    return next((kind for kind in type(layer).__mro__ if getattr(nn, kind.__name__, None) is kind), None)
