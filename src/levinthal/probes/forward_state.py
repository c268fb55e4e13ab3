"""The state in Python that a forward pass of a module may change: it is held, and put back.

A pass writes to more than buffers: it appends to lists, draws from generators of its own, counts in global
variables or on classes, and calls functions that close over other modules. What the code of a module can
reach is followed through attributes, containers, closures and the global names that its functions use.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import UserDict, UserList, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from logging import Logger
from types import CodeType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from levinthal.probes import undoing
from levinthal.user_files import is_of_library

MOST_OBJECTS, MOST_BYTES = 100_000, 2**28
"""What is followed and held at most; a model that reaches more is not passed by us."""
PLAIN = frozenset({bool, int, float, complex, str, bytes, type(None), type(...), torch.dtype, torch.device})
UNCHANGED = (Dataset, DataLoader, torch.optim.Optimizer, Logger, CodeType)
"""What a module may hold and a forward pass does not change."""
CALLED = frozenset({"forward", "__call__", "__getattr__", "__getitem__", "__len__", "__iter__", "__next__"})
"""The methods that a pass may call without a name of theirs in the code."""
NAMESPACES = (SimpleNamespace, Namespace, UserDict, UserList)
"""The objects of the standard library that hold a user's values."""
HOOKS = frozenset(name for name in vars(nn.Module()) if "hook" in name)
"""The attributes of every module in which its hooks are."""
OURS = __name__.partition(".")[0]
FUNCTIONS = (FunctionType, staticmethod, classmethod, property)
ONE_WAY = frozenset({"builtins", "itertools"})
"""The modules whose iterators cannot be set back."""


class ForwardState:
    """What a forward pass of a module may change, as it is now.

    Attributes:
        objects: Each object that was reached, by its `id`.
        iterators: The iterators among them, which no one can set back.
        too_much: Why not all is held; "" where it is.
    """

    def __init__(self) -> None:
        self.objects: dict[int, Any] = {}
        self.iterators: list[Any] = []
        self.too_much = ""
        self._undo: list[Callable[[], None]] = []
        self._of_generators: list[Callable[[], Any]] = []
        self._globals: set[tuple[int, str]] = set()
        self._names = set(CALLED)
        self._not_called: dict[str, list[Any]] = {}
        self._bytes = 0

    @property
    def one_way(self) -> str:
        """Why a pass could not be undone; "" where it can be."""
        held = f"it holds an iterator ({type(self.iterators[0]).__name__})" if self.iterators else ""
        return self.too_much or held

    @classmethod
    def of(cls, model: nn.Module, apart_from: Iterable[Tensor] = ()) -> ForwardState:
        """The present state of all that the code of a module can reach.

        Args:
            model: The module; it is not called.
            apart_from: Tensors that no pass changes, or that the caller holds.

        >>> class Counts(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.rows = []
        ...     def forward(self, x):
        ...         self.rows.append(len(x))
        ...         return x
        >>> model = Counts()
        >>> state = ForwardState.of(model)
        >>> _ = model(torch.zeros(3, 1))
        >>> state.restore()
        >>> model.rows
        []
        """
        state = cls()
        state.objects.update((id(tensor), tensor) for tensor in apart_from)
        todo: list[tuple[Any, bool]] = [(model, False)]
        while todo:
            value, in_library = todo.pop()
            if type(value) in PLAIN or id(value) in state.objects:
                continue
            state.objects[id(value)] = value
            if len(state.objects) > MOST_OBJECTS:
                state.too_much = f"it reaches more than {MOST_OBJECTS:,} objects"
                break
            with suppress(Exception):  # an object that does not let itself be looked at
                todo += state._held(value, in_library)
        return state

    def restore(self, *, generators: bool = True) -> None:
        """Put everything back that has changed.

        Args:
            generators: Whether generators of random numbers are set back as well.
        """
        with torch.no_grad():
            for undo in (*self._undo, *(self._of_generators if generators else ())):
                undo()

    def _held(self, value: Any, in_library: bool) -> Iterable[tuple[Any, bool]]:
        """Hold one object, and give what it leads to, each with whether a library's object leads there."""
        if isinstance(value, list | dict | set | deque):
            self._undo.append(undoing.of_container(value))
            inside: Iterable[Any] = value.values() if isinstance(value, dict) else value
            return [(inner, in_library) for inner in inside]
        if isinstance(value, UNCHANGED) or (_root(type(value)) == OURS and not isinstance(value, nn.Module)):
            return ()
        if isinstance(value, Tensor | np.ndarray):
            self._hold_numbers(value)
            return ()
        if (undo := undoing.of_generator(value)) is not None:
            self._of_generators.append(undo)
            return ()
        if isinstance(value, (*FUNCTIONS, MethodType, partial)):
            return ((inner, False) for inner in self._of_function(value))
        if isinstance(value, type):
            return ((inner, False) for inner in self._of_class(value))
        if isinstance(value, ModuleType):
            return ()
        if isinstance(value, tuple | frozenset):
            return ((inner, in_library) for inner in value)
        if isinstance(value, Iterator) and type(value).__module__ in ONE_WAY:
            self.iterators += [] if in_library else [value]
            return ()
        return self._of_object(value, in_library)

    def _of_object(self, value: Any, in_library: bool) -> Iterable[tuple[Any, bool]]:
        """The attributes of an object; those of a library are followed one object deep."""
        is_module, is_foreign = isinstance(value, nn.Module), _is_library(type(value))
        if is_foreign and in_library and not is_module:
            return ()
        if _root(type(value)) in sys.stdlib_module_names and not isinstance(value, NAMESPACES):
            return ()  # threads, locks, queues, files
        attributes, slots = getattr(value, "__dict__", {}), {} if is_foreign else undoing.slots_of(value)
        self._undo += [undoing.of_container(attributes), *([undoing.of_slots(value, slots)] if slots else ())]
        deeper = is_foreign and not is_module
        named = ((name, inside) for name, inside in attributes.items() if name not in HOOKS or inside)
        inner = [(inside, deeper) for inside in (*dict(named).values(), *slots.values())]
        return [*inner, *((base, False) for base in type(value).__mro__ if not _is_library(base))]

    def _of_class(self, value: type) -> Iterable[Any]:
        """The attributes of a user's class: its state, and the functions that a pass may call."""
        if _is_library(value):
            return
        state = dict[str, Any]()
        for name, inner in list(vars(value).items()):
            if isinstance(inner, FUNCTIONS):
                if name in self._names:
                    yield inner
                else:
                    self._not_called.setdefault(name, []).append(inner)
            elif not (name.startswith("__") or hasattr(type(inner), "__get__")):
                state[name] = inner
                yield inner
        self._undo.append(undoing.of_class(value, state))

    def _of_function(self, value: Any) -> Iterable[Any]:
        """What a function holds (closure, defaults, object) and the global names that a user's one uses."""
        if not isinstance(value, FunctionType):
            parts = ("__self__", "__func__", "func", "args", "keywords", "fget", "fset")
            yield from (getattr(value, name, None) for name in parts)
            return
        if _root(value) == OURS:
            return
        yield from (value.__defaults__, value.__kwdefaults__, getattr(value, "__wrapped__", None))
        for cell in value.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:  # not yet filled
                continue
            self._undo.append(undoing.of_cell(cell, content))
            yield content
        if not is_of_library(value.__code__.co_filename):
            names = set(_names(value.__code__))
            for name in names - self._names:
                yield from self._not_called.pop(name, ())
            self._names |= names
            for name in names.intersection(value.__globals__):
                yield from self._of_global(value.__globals__, name, names)

    def _of_global(self, namespace: dict[str, Any], name: str, names: set[str]) -> Iterable[Any]:
        """One global variable; of a module of the user's, its variables of these names."""
        if (id(namespace), name) in self._globals:
            return
        self._globals.add((id(namespace), name))
        value = namespace[name]
        if not isinstance(value, ModuleType):
            self._undo.append(undoing.of_name(namespace, name, value))
            yield value
        elif (file := getattr(value, "__file__", None)) and not is_of_library(file):
            for each in names.intersection(vars(value)):
                yield from self._of_global(vars(value), each, names)

    def _hold_numbers(self, value: Any) -> None:
        """Hold a copy of a tensor or an array."""
        is_array = isinstance(value, np.ndarray)
        if is_array and (not value.flags.writeable or value.dtype.hasobject):
            return
        if not is_array and not undoing.has_numbers(value):
            return
        self._bytes += value.nbytes
        if self._bytes > MOST_BYTES:
            self.too_much = self.too_much or f"it holds more than {MOST_BYTES // 2**20} MiB"
        else:
            self._undo.append(undoing.of_array(value) if is_array else undoing.of_tensor(value))


def _root(value: Any) -> str:
    return str(getattr(value, "__module__", "")).partition(".")[0]


def _is_library(kind: type) -> bool:
    """Whether a class is of Python or of an installed package."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    is_built_in = kind.__module__ in sys.builtin_module_names
    return is_built_in or (kind.__module__ != "__main__" and file is not None and is_of_library(file))


def _names(code: CodeType) -> Iterator[str]:
    """The names that some code uses, with that of the functions inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
