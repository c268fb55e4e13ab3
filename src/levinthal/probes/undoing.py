"""How one object is put back as it is now: a function for each kind, that is called later."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from operator import is_
from types import MemberDescriptorType
from typing import Any

import numpy as np
import torch
from torch import Tensor


def has_numbers(tensor: Tensor) -> bool:
    """Whether a tensor has memory of its own that can be copied back."""
    is_dense = tensor.layout is torch.strided and not tensor.is_quantized and not tensor.is_meta
    is_plain = type(tensor).__torch_dispatch__ is Tensor.__torch_dispatch__
    return is_dense and is_plain and (not tensor.numel() or tensor.untyped_storage().nbytes() > 0)


def of_generator(value: Any) -> Callable[[], Any] | None:
    """How a generator of random numbers is set back; None for anything else."""
    if isinstance(value, torch.Generator):
        return partial(value.set_state, value.get_state())
    if isinstance(value, np.random.Generator):
        return partial(setattr, value.bit_generator, "state", value.bit_generator.state)
    if isinstance(value, np.random.RandomState):
        return partial(value.set_state, value.get_state())
    if isinstance(value, random.Random) and not isinstance(value, random.SystemRandom):
        return partial(value.setstate, value.getstate())
    return None


def of_container(value: Any) -> Callable[[], None]:
    """How the content of a list, dict, set or deque is put back."""
    kept = dict(value) if isinstance(value, dict) else list(value)

    def undo() -> None:
        if isinstance(value, set):
            if value != set(kept):
                value.clear()
                value.update(kept)
        elif isinstance(value, dict) and isinstance(kept, dict):
            is_same = list(value) == list(kept) and all(map(is_, value.values(), kept.values()))
            if not is_same:
                value.clear()
                value.update(kept)
        elif len(value) != len(kept) or not all(map(is_, value, kept)):
            value.clear()
            value.extend(kept)

    return undo


def slots_of(value: Any) -> dict[str, Any]:
    """The values in the slots of an object.

    >>> class Point:
    ...     __slots__ = ("x", "y")
    >>> point = Point()
    >>> point.x = 1
    >>> slots_of(point)
    {'x': 1}
    """
    held = dict[str, Any]()
    for kind in type(value).__mro__:
        slots = vars(kind).items() if "__slots__" in vars(kind) else ()
        for name, slot in slots:
            if isinstance(slot, MemberDescriptorType) and hasattr(value, name):
                held[name] = getattr(value, name)
    return held


def of_slots(value: Any, kept: dict[str, Any]) -> Callable[[], None]:
    """How the slots of an object are put back."""

    def undo() -> None:
        for name, content in kept.items():
            if getattr(value, name, undo) is not content:
                object.__setattr__(value, name, content)

    return undo


def of_class(kind: type, kept: dict[str, Any]) -> Callable[[], None]:
    """How the attributes of a class are put back."""

    def undo() -> None:
        for name, value in kept.items():
            if vars(kind).get(name, undo) is not value:
                setattr(kind, name, value)

    return undo


def of_name(namespace: dict[str, Any], name: str, kept: Any) -> Callable[[], None]:
    """How a global variable is put back."""

    def undo() -> None:
        if namespace.get(name, undo) is not kept:
            namespace[name] = kept

    return undo


def of_cell(cell: Any, kept: Any) -> Callable[[], None]:
    """How a variable of an enclosing function is put back."""

    def undo() -> None:
        if cell.cell_contents is not kept:
            cell.cell_contents = kept

    return undo


def of_array(array: Any) -> Callable[[], None]:
    """How the numbers of an array are put back."""
    kept = array.copy()

    def undo() -> None:
        if array.tobytes() != kept.tobytes():  # of objects, their addresses
            array[...] = kept

    return undo


def of_tensor(tensor: Tensor) -> Callable[[], None]:
    """How the numbers of a tensor are put back, also where a pass has given it other memory (`.data =`)."""
    memory, kept = tensor.detach(), tensor.detach().clone()

    def undo() -> None:
        if tensor.data_ptr() != memory.data_ptr() or tensor.shape != memory.shape:
            tensor.data = memory
        if not torch.equal(memory, kept) and not _same_numbers(memory, kept):
            memory.copy_(kept)

    return undo


def of_bytes(value: Any) -> Callable[[], None]:
    """How the content of a bytearray or of an array of the standard library is put back."""
    kept = value[:]

    def undo() -> None:
        if value != kept:
            value[:] = kept

    return undo


def of_stream(value: Any) -> Callable[[], None]:
    """How the content and the place of a stream in memory are put back."""
    kept, place = value.getvalue(), value.tell()

    def undo() -> None:
        if value.getvalue() != kept:
            value.seek(0)
            value.truncate()
            value.write(kept)
        value.seek(place)

    return undo


def of_variable(variable: ContextVar[Any], kept: Any) -> Callable[[], None]:
    """How the value of a context variable is put back."""

    def undo() -> None:
        if variable.get(undo) is not kept:
            variable.set(kept)

    return undo


def _same_numbers(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors are equal, NaN to NaN."""
    return bool(((a == b) | ((a != a) & (b != b))).all())
