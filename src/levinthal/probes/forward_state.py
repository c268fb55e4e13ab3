"""The state in Python that a forward pass of a module may change: it is held, and put back.

A pass writes to more than buffers: it appends to lists, draws from generators of its own, counts in global
variables or on classes, and calls functions that close over other modules. What the code of a module can
reach is followed through attributes, containers, closures and the global names that its functions use.
"""

from __future__ import annotations

import sys
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from io import BytesIO, StringIO
from types import (
    CellType,
    CodeType,
    FunctionType,
    ModuleType,
)
from typing import Any
from weakref import ref

import numpy as np
import torch
from torch import Tensor, nn

from levinthal.probes import undoing
from levinthal.probes.reached_kinds import (
    CALLABLES,
    CALLED,
    FUNCTIONS,
    GLOBAL_HOOKS,
    HOOKS,
    NAMESPACES,
    NOT_HELD,
    ONE_WAY,
    OURS,
    PARTS,
    PLAIN,
    SLOTS,
    UNCHANGED,
    is_of_installed,
    names_in,
    root,
    texts_in,
)
from levinthal.user_files import is_of_library

MOST_OBJECTS, MOST_BYTES = 100_000, 2**28
"""What is followed and held at most; a model that reaches more is not passed by us."""


class ForwardState:
    """What a forward pass of a module may change, as it is now.

    Attributes:
        objects: Each object that was reached, by its `id`.
        one_way_objects: The iterators and queues among them, which cannot be set back.
        too_much: Why not all is held; "" where it is.
    """

    def __init__(self, unchanged: tuple[type, ...] = UNCHANGED) -> None:
        self._unchanged = unchanged
        self.objects: dict[int, Any] = {}
        self.one_way_objects: list[Any] = []
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
        first = next(iter(self.one_way_objects), None)
        kind = "an iterator" if isinstance(first, Iterator) else "an object"
        return self.too_much or ("" if first is None else f"it holds {kind} ({type(first).__name__})")

    @classmethod
    def of(
        cls,
        model: nn.Module,
        apart_from: Iterable[Tensor] = (),
        also: Iterable[Any] = (),
        unchanged: tuple[type, ...] = UNCHANGED,
    ) -> ForwardState:
        """The present state of all that the code of a module can reach.

        Args:
            model: The module; it is not called.
            apart_from: Tensors that no pass changes, or that the caller holds.
            also: Functions that are called beside the module: a loss.
            unchanged: What is not looked into.

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
        state = cls(unchanged)
        hooks = (hook for held in GLOBAL_HOOKS for hook in held.values())
        todo: list[tuple[Any, bool]] = [(root, False) for root in (*also, *hooks, model)]
        for tensor in apart_from:
            state.objects[id(tensor)] = tensor
            todo += state._attributes(tensor)
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
            failed = [
                error
                for undo in (*self._undo, *(self._of_generators if generators else ()))
                if (error := _error_of(undo)) is not None
            ]
        if failed:
            raise failed[0]

    def _held(self, value: Any, in_library: bool) -> Iterable[tuple[Any, bool]]:
        """Hold one object, and give what it leads to, each with whether a library's object leads there."""
        if isinstance(value, list | dict | set | deque):
            self._undo.append(undoing.of_container(value))
            inside: Iterable[Any] = value.values() if isinstance(value, dict) else value
            return [*((inner, in_library) for inner in inside), *self._attributes(value)]
        if isinstance(value, self._unchanged) or (
            root(type(value)) == OURS and not isinstance(value, nn.Module)
        ):
            return ()
        if isinstance(value, Tensor | np.ndarray):
            self._hold_numbers(value)
            inside = value.tolist() if isinstance(value, np.ndarray) and value.dtype.hasobject else ()
            own = () if is_of_installed(type(value)) else type(value).__mro__
            return [*((inner, in_library) for inner in (*inside, *own)), *self._attributes(value)]
        if (undo := undoing.of_generator(value)) is not None:
            self._of_generators.append(undo)
            return ()
        if isinstance(value, bytearray | array | BytesIO | StringIO):
            self._undo.append((undoing.of_bytes if hasattr(value, "extend") else undoing.of_stream)(value))
            return ()
        if isinstance(value, slice):
            return ((inner, in_library) for inner in (value.start, value.stop, value.step))
        if isinstance(value, tuple | frozenset):
            return [*((inner, in_library) for inner in value), *self._attributes(value)]
        if isinstance(value, type):
            return ((inner, False) for inner in self._of_class(value))
        if isinstance(value, torch.optim.Optimizer):
            return [(value.param_groups, in_library)]
        if isinstance(value, CALLABLES) or (callable(value) and hasattr(type(value), "__self__")):
            return ((inner, False) for inner in self._of_function(value))
        if (isinstance(value, Iterator) and type(value).__module__ in ONE_WAY) or isinstance(value, NOT_HELD):
            self.one_way_objects += [] if in_library else [value]
            return ()
        if isinstance(value, ContextVar | CellType | ref):
            return ((inner, in_library) for inner in self._of_reference(value))
        return () if isinstance(value, ModuleType) else self._of_object(value, in_library)

    def _attributes(self, value: Any) -> list[tuple[Any, bool]]:
        """Hold what a user has set on a container, a tensor or a function."""
        held = getattr(value, "__dict__", None)
        if not isinstance(held, dict):
            return []
        self._undo.append(undoing.of_container(held))
        return [(inner, False) for inner in held.values()]

    def _of_reference(self, value: Any) -> Iterable[Any]:
        """What a context variable, a cell or a weak reference leads to."""
        if isinstance(value, ref):
            yield value()
        elif isinstance(value, CellType):
            yield from self._of_cell(value)
        elif (held := value.get(self)) is not self:
            self._undo.append(undoing.of_variable(value, held))
            yield held

    def _of_cell(self, cell: CellType) -> Iterable[Any]:
        with suppress(ValueError):  # not yet filled
            content = cell.cell_contents
            self._undo.append(undoing.of_cell(cell, content))
            yield content

    def _of_object(self, value: Any, in_library: bool) -> Iterable[tuple[Any, bool]]:
        """The attributes of an object; those of a library are followed one object deep."""
        is_module, is_foreign = isinstance(value, nn.Module), is_of_installed(type(value))
        if is_foreign and in_library and not is_module:
            return ()
        if root(type(value)) in sys.stdlib_module_names and not isinstance(value, NAMESPACES):
            return ()  # threads, locks, queues, files
        attributes, slots = getattr(value, "__dict__", {}), {} if is_foreign else undoing.slots_of(value)
        self._undo += [undoing.of_container(attributes), *([undoing.of_slots(value, slots)] if slots else ())]
        deeper = is_foreign and not is_module
        named = ((name, inside) for name, inside in attributes.items() if name not in HOOKS or inside)
        inner = [(inside, deeper) for inside in (*dict(named).values(), *slots.values())]
        return [*inner, *((base, False) for base in type(value).__mro__ if not is_of_installed(base))]

    def _of_class(self, value: type) -> Iterable[Any]:
        """The attributes of a user's class: its state, and the functions that a pass may call."""
        if is_of_installed(value):
            return
        state = dict[str, Any]()
        for name, inner in list(vars(value).items()):
            if isinstance(inner, FUNCTIONS):
                if name in self._names:
                    yield inner
                else:
                    self._not_called.setdefault(name, []).append(inner)
            elif not (name.startswith("__") or isinstance(inner, SLOTS)):
                state[name] = inner
                yield inner
        self._undo.append(undoing.of_class(value, state))

    def _of_function(self, value: Any) -> Iterable[Any]:
        """What a function holds (closure, defaults, object) and the global names that a user's one uses."""
        yield from (getattr(value, name, None) for name in PARTS)
        if not isinstance(value, FunctionType) or root(value) == OURS:
            return
        self._undo.append(undoing.of_container(vars(value)))
        yield from vars(value).values()
        for cell in value.__closure__ or ():
            yield from self._of_cell(cell)
        if not is_of_library(value.__code__.co_filename):
            yield from self._of_code(value.__code__, value.__globals__)

    def _of_code(self, code: CodeType, namespace: dict[str, Any]) -> Iterable[Any]:
        """What the global names of a user's code stand for, and the modules that it imports."""
        names = set(names_in(code))
        for name in names - self._names:
            yield from self._not_called.pop(name, ())
        self._names |= names
        for name in set(namespace) if "globals" in names else names.intersection(namespace):
            yield from self._of_global(namespace, name, names)
        texts = set(texts_in(code)) if names & {"import_module", "__import__"} else set()
        for name in (names | texts).intersection(sys.modules):
            yield from self._of_module(sys.modules[name], names)

    def _of_global(self, namespace: dict[str, Any], name: str, names: set[str]) -> Iterable[Any]:
        """One global variable; of a module of the user's, its variables of these names."""
        if (id(namespace), name) in self._globals:
            return
        self._globals.add((id(namespace), name))
        value = namespace[name]
        if not isinstance(value, ModuleType):
            self._undo.append(undoing.of_name(namespace, name, value))
            yield value
        else:
            yield from self._of_module(value, names)

    def _of_module(self, value: ModuleType, names: set[str]) -> Iterable[Any]:
        """The variables of these names in a module of the user's."""
        file, spec = (getattr(value, name, None) for name in ("__file__", "__spec__"))
        if not is_of_library(file) if file else spec is None:
            for each in names.intersection(vars(value)):
                yield from self._of_global(vars(value), each, names)

    def _hold_numbers(self, value: Any) -> None:
        """Hold a copy of a tensor or an array."""
        is_array = isinstance(value, np.ndarray)
        if is_array and not value.flags.writeable:
            return
        if not is_array and not undoing.has_numbers(value):
            return
        self._bytes += value.nbytes
        if self._bytes > MOST_BYTES:
            self.too_much = self.too_much or f"it holds more than {MOST_BYTES // 2**20} MiB"
        else:
            self._undo.append(undoing.of_array(value) if is_array else undoing.of_tensor(value))


def _error_of(undo: Callable[[], Any]) -> Exception | None:
    """What goes wrong when something is put back; the rest is put back all the same."""
    try:
        undo()
    except Exception as error:
        return error
    return None
