"""A hash of the values that a claim's evidence was made with: one factory gives many claims the same code.

It covers what a function was called with and now holds: the cells of its closure, its defaults, the arguments
of a `functools.partial`, the fields of a reading. Texts, numbers, truth values, and mappings and sequences of
them count by value, and so do arrays; functions by their name; anything else by its type. `evidence` hashes
the code.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from enum import Enum
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np

from levinthal.lab.execution.source import digest

METHOD = "1"
"""How the hash is made. It stands before the hash: hashes of two methods are not compared."""

_DERIVED = ("levinthal.lab.analysis.descriptions", "Description")
"""What is known of a reading follows from the reading itself."""


def value_hash(evidence: Callable[..., Any], words: Collection[str] = ()) -> str:
    """The hash of the values that a claim's evidence holds.

    Args:
        evidence: the function of a claim.
        words: texts that do not count: the sentences of the claims, which are compared one by one.

    Returns:
        The method, a colon, and sixteen hexadecimal digits: the same in every process.

    >>> from levinthal.lab.analysis import evidence, value
    >>> shallow, deep, again = (value_hash(evidence(value("loss", depth=d))) for d in (2, 4, 2))
    >>> shallow == again, shallow == deep
    (True, False)
    """
    parts = [part for part in _parts(evidence, set()) if part not in words]
    return f"{METHOD}:{digest(f'{place} {part}' for place, part in enumerate(parts))}"


def _parts(value: Any, above: set[int]) -> Iterator[str]:
    """The simple values below a value, in an order that does not depend on the process."""
    if id(value) in above:
        return
    inside = above | {id(value)}
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, Enum):
        yield f"{type(value).__name__}.{value.name}"
    elif isinstance(value, str):
        yield str(value)
    elif isinstance(value, bool | int | float):
        yield f"{value:.12g}" if isinstance(value, float) else repr(value)
    elif isinstance(value, Mapping):
        yield from _listed(sorted(_joined(item, inside) for item in value.items()))
    elif isinstance(value, Set):
        yield from _listed(sorted(_joined(one, inside) for one in value))
    elif isinstance(value, Sequence):
        yield from _listed([_joined(one, inside) for one in value])
    else:
        for one in _held(value):
            yield from _parts(one, inside)


def _joined(value: Any, above: set[int]) -> str:
    return " ".join(_parts(value, above))


def _listed(parts: list[str]) -> Iterator[str]:
    yield "("
    yield from parts
    yield ")"


def _held(value: Any) -> Iterator[Any]:
    """The name of a thing, and what it holds."""
    if isinstance(value, functools.partial):
        yield from (value.func, value.args, value.keywords)
    elif isinstance(value, np.ndarray):
        yield from (
            str(value.dtype),
            value.shape,
            value.tolist() if value.dtype.hasobject else value.tobytes().hex(),
        )
    elif isinstance(value, MethodType):
        yield from (value.__func__, value.__self__)
    elif isinstance(value, FunctionType):
        yield value.__name__
        yield from (value.__defaults__ or (), value.__kwdefaults__ or {})
        yield from map(_content, value.__closure__ or ())
    elif is_dataclass(value) and not isinstance(value, type):
        yield type(value).__name__
        if (type(value).__module__, type(value).__qualname__) != _DERIVED:
            yield from (getattr(value, field.name) for field in fields(value))
    elif isinstance(value, BuiltinFunctionType | type):
        yield value.__name__
    elif value is not None:
        yield type(value).__name__


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that its function has not set yet
        return None
