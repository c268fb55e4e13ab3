"""Outside leaves: tensors that need a gradient, take part in the model's output, and are held neither by the
model nor by an optimiser.

They are read from the autograd graph of the output, at the first detailed sample alone. Nothing is computed.
"""

from __future__ import annotations

import weakref
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from levinthal.clinic.recording.apart import is_readable
from levinthal.clinic.recording.training_setup import TrainingSetup, some_values

MOST_NODES = 20_000
"""Operations of a graph that are read, at most."""
MOST_OBJECTS, MOST_DEPTH = 20_000, 6
"""Objects that are looked through for the name of a leaf, and how deep they may lie, at most."""
INTERNAL = frozenset(vars(nn.Module()))
"""Attributes of every module: its registered parameters, its hooks and so on."""


@dataclass(slots=True, eq=False)
class OutsideLeaf:
    """A tensor that needs a gradient and belongs to nobody.

    Attributes:
        place: Where it is among the model's attributes, as `h[0].weight`; "" where it is not found.
        shape: Its shape.
        is_parameter: Whether it is a `torch.nn.Parameter`.
        tensor: The tensor, as long as somebody else holds it.
        values: (64,) or fewer of its values when it was seen.
        has_rows: Whether it has as many rows as an input or an output, as an initial state may.
        is_gone: Whether nobody held it any more at the next detailed sample, as of layers that forward makes.
    """

    place: str
    shape: tuple[int, ...]
    is_parameter: bool
    tensor: weakref.ref[Tensor]
    values: Tensor
    has_rows: bool = False
    is_gone: bool = False

    def look_again(self) -> None:
        """Another step has begun: is it still there?"""
        self.is_gone |= self.tensor() is None


def outside_leaves(
    setup: TrainingSetup, args: Iterable[Any], words: Mapping[str, Any], output: Any
) -> list[OutsideLeaf]:
    """The outside leaves of one call of a model, in the order of the walk.

    Args:
        setup: The model and its optimisers.
        args: The arguments of the call. Leaves that they contain or were made from are no outside leaves.
        words: Its keyword arguments.
        output: What the call returned.

    Returns:
        The leaves. A plain tensor counts only where it is an attribute of the model and has not as many rows
        as an input or an output: initial states and coordinates are made by the batch.
    """
    inputs = [*tensors_in(list(args)), *tensors_in(dict(words))]
    outputs = list(tensors_in(output))
    ends = {t.grad_fn for t in inputs if t.grad_fn is not None}
    owned = _owned(setup) | {id(t) for t in inputs}
    found = [leaf for leaf in graph_leaves(outputs, ends) if id(leaf) not in owned and is_readable(leaf)]
    if not found:
        return []
    rows = {len(t) for t in (*inputs, *outputs) if t.dim()}
    places = _places(setup.hooked_module, {id(leaf) for leaf in found})
    named = sorted(
        found, key=lambda leaf: list(places).index(id(leaf)) if id(leaf) in places else len(places)
    )
    noted = [_noted(leaf, places.get(id(leaf), ""), rows) for leaf in named]
    return [leaf for leaf in noted if leaf.is_parameter or (leaf.place and not leaf.has_rows)]


def graph_leaves(outputs: Iterable[Tensor], ends: Collection[Any] = ()) -> Iterator[Tensor]:
    """The leaves of the graphs of some tensors, up to 20,000 operations away and not beyond `ends`.

    >>> import torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> [leaf is w for leaf in graph_leaves([(2 * w).sum()])]
    [True]
    """
    waiting: list[Any] = [t.grad_fn for t in outputs if t.grad_fn is not None]
    seen = set(ends)
    while waiting and len(seen) < MOST_NODES:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        leaf = getattr(node, "variable", None)  # of `AccumulateGrad` alone
        if isinstance(leaf, Tensor):
            yield leaf
        waiting += [before for before, _ in node.next_functions if before is not None]


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors in nested sequences and mappings, and in the attributes of objects (a batch of graphs).

    >>> import torch
    >>> [len(t) for t in tensors_in({"a": [torch.zeros(1), (torch.zeros(2), 3)]})]
    [1, 2]
    """
    waiting, seen = [value], set[int]()
    for count, each in enumerate(waiting):  # the list grows
        if count > MOST_OBJECTS:
            return
        if isinstance(each, Tensor):
            yield each
        elif id(each) not in seen and not isinstance(each, nn.Module):
            seen.add(id(each))
            waiting += _parts(each)


def _parts(value: Any) -> Iterable[Any]:
    """What a container or an object holds."""
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else getattr(value, "__dict__", {}).values()


def _owned(setup: TrainingSetup) -> set[int]:
    """Ids of what the model and its optimisers hold, at the moment: `torch.func` may have put other tensors
    in place of its parameters.
    """
    held = (p for o in setup.optimizers for group in o.param_groups for p in group["params"])
    registered = setup.model.named_parameters(remove_duplicate=False)
    return {id(p) for p in (*setup.parameters, *held, *(p for _, p in registered), *setup.model.buffers())}


def _noted(leaf: Tensor, place: str, rows: Collection[int]) -> OutsideLeaf:
    """A leaf; one with rows is of shape (rows, ...), or (layers, rows, units) as a recurrence's state."""
    has_rows = bool(leaf.dim()) and (leaf.shape[0] in rows or (leaf.dim() == 3 and leaf.shape[1] in rows))
    is_parameter, values = isinstance(leaf, nn.Parameter), some_values(leaf).clone()
    return OutsideLeaf(place, tuple(leaf.shape), is_parameter, weakref.ref(leaf), values, has_rows)


def _places(model: nn.Module, wanted: Collection[int]) -> dict[int, str]:
    """Id -> name, of the tensors that are attributes of the model's modules without being registered."""
    found = dict[int, str]()
    waiting: list[tuple[str, Any, int]] = []
    for name, module in model.named_modules():
        own = [(key, value) for key, value in vars(module).items() if key not in INTERNAL]
        waiting += [(f"{name}.{key}" if name else key, value, 0) for key, value in own]
    for count, (place, value, depth) in enumerate(waiting):  # the list grows
        if count > MOST_OBJECTS:
            break
        if isinstance(value, Tensor):
            if id(value) in wanted:
                found.setdefault(id(value), place)
        elif depth < MOST_DEPTH:
            waiting += [(inner, each, depth + 1) for inner, each in _inside(place, value)]
    return found


def _inside(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The parts of a list, a tuple, a mapping or a module, each with its name."""
    if isinstance(value, nn.Module):
        yield from ((f"{place}.{name}", p) for name, p in value.named_parameters())
    elif isinstance(value, list | tuple):
        yield from ((f"{place}[{i}]", each) for i, each in enumerate(value))
    elif isinstance(value, Mapping):
        yield from ((f"{place}[{key!r}]", each) for key, each in value.items())
