"""Arguments and outputs of a model as the tensors in them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor

PLAIN = (bool, int, float, str, type(None))


def named_tensors(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors in a value, each with its place.

    >>> import torch
    >>> x = torch.zeros(2)
    >>> [name for name, _ in named_tensors({"a": x, "b": (x, [x])})]
    ['a', 'b.0', 'b.1.0']
    """
    if isinstance(value, Tensor):
        yield name, value
        return
    for key, inner in _items(value):
        yield from named_tensors(inner, f"{name}.{key}" if name else str(key))


def mapped(value: Any, change: Callable[[str, Tensor], Tensor], name: str = "") -> Any:
    """The same value with every tensor changed by a function of its place and itself."""
    if isinstance(value, Tensor):
        return change(name, value)
    if not isinstance(value, Mapping | tuple | list):
        return value
    inner = [mapped(each, change, f"{name}.{key}" if name else str(key)) for key, each in _items(value)]
    if isinstance(value, Mapping):
        return dict(zip(value, inner, strict=True))
    return type(value)(*inner) if hasattr(value, "_fields") else type(value)(inner)


def is_plain(value: Any) -> bool:
    """Whether a value is made of tensors, numbers, strings, lists and dicts alone."""
    if isinstance(value, (Tensor, *PLAIN)):
        return True
    return isinstance(value, Mapping | tuple | list) and all(is_plain(inner) for _, inner in _items(value))


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, tuple | list):
        yield from enumerate(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
