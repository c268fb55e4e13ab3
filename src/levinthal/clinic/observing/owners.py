"""Which modules own the parameters of optimisers."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Sequence
from typing import Any

from torch import nn
from torch.optim import Optimizer


def parameters_of(optimizers: Iterable[Optimizer]) -> dict[int, Any]:
    """Id -> parameter, of all groups of optimisers.

    >>> import torch
    >>> model = nn.Linear(2, 1)
    >>> [tuple(p.shape) for p in parameters_of([torch.optim.SGD(model.parameters(), 0.1)]).values()]
    [(1, 2), (1,)]
    """
    groups = (group for optimizer in optimizers for group in getattr(optimizer, "param_groups", ()))
    return {id(p): p for group in groups for p in group["params"]}


def owns_some(module: nn.Module, parameters: dict[int, Any]) -> bool:
    """Whether a module has one of these parameters."""
    return any(id(p) in parameters for p in module.parameters())


def owns_all(module: nn.Module, parameters: dict[int, Any]) -> bool:
    """Whether a module has all of these parameters."""
    return parameters.keys() <= {id(p) for p in module.parameters()}


def largest_owners(parameters: dict[int, Any]) -> list[nn.Module]:
    """The modules that hold some of these parameters and are no part of another module.

    All modules that live in this process are looked through. A parameter's owner may be held by nobody but a
    closure, so there is no other way from a parameter to its module.

    Args:
        parameters: Id -> parameter.

    Returns:
        The modules, in the order of their first parameters; empty where plain tensors are optimised.

    >>> model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    >>> largest_owners({id(model[1].weight): model[1].weight}) == [model]
    True
    """
    living = [each for each in gc.get_objects() if issubclass(type(each), nn.Module)]
    parents = dict[int, list[nn.Module]]()
    for module in living:
        for part in _values(module, "_modules"):
            parents.setdefault(id(part), []).append(module)
    owners = [m for m in living if any(id(p) in parameters for p in _values(m, "_parameters"))]
    found = {id(top): top for owner in owners for top in _tops(owner, parents)}
    place = {held: number for number, held in enumerate(parameters)}
    return sorted(found.values(), key=lambda top: min(place.get(id(p), len(place)) for p in top.parameters()))


def _values(module: nn.Module, place: str) -> Sequence[Any]:
    """The values of a dictionary of a module, which may be half made."""
    held = vars(module).get(place)
    return [value for value in held.values() if value is not None] if isinstance(held, dict) else []


def _tops(module: nn.Module, parents: dict[int, list[nn.Module]]) -> list[nn.Module]:
    """The modules above which there is none; a module in a circle has none above it."""
    seen, left, tops = {id(module)}, [module], list[nn.Module]()
    while left:
        each = left.pop()
        above = [parent for parent in parents.get(id(each), ()) if id(parent) not in seen]
        seen.update(map(id, above))
        left.extend(above)
        if not parents.get(id(each)):
            tops.append(each)
    return tops or [module]
