"""The kinds of objects that the code of a module can reach, and the names in that code."""

from __future__ import annotations

import ctypes
import sys
import threading
from argparse import Namespace
from collections import ChainMap, UserDict, UserList
from collections.abc import Iterator
from functools import lru_cache, partial
from logging import Logger
from mmap import mmap
from queue import Queue, SimpleQueue
from types import (
    BuiltinMethodType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    MethodWrapperType,
    SimpleNamespace,
)
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.data.dataloader import _BaseDataLoaderIter

from levinthal.user_files import is_of_library

PLAIN = frozenset({bool, int, float, complex, str, bytes, type(None), type(...), torch.dtype, torch.device})
UNCHANGED = (Dataset, DataLoader, Logger, CodeType)
"""What a module may hold and a forward pass does not change."""
CALLED = frozenset({"forward", "__call__", "__getattr__", "__getitem__", "__len__", "__iter__", "__next__"})
"""The methods that a pass may call without a name of theirs in the code."""
NAMESPACES: tuple[type, ...] = (
    *(SimpleNamespace, Namespace, UserDict, UserList, ChainMap, WeakKeyDictionary, WeakValueDictionary),
    *(BaseException, threading.local),
)
"""The objects of the standard library that hold a user's values."""
NOT_HELD: tuple[type, ...] = (
    *(memoryview, mmap, Queue, SimpleQueue, ctypes._SimpleCData, ctypes.Array, ctypes.Structure),
    _BaseDataLoaderIter,
)
"""What changes and cannot be put back, or not without others that use it."""
HOOKS = frozenset(name for name in vars(nn.Module()) if "hook" in name)
"""The attributes of every module in which its hooks are."""
GLOBAL_HOOKS = tuple(
    held
    for name, held in vars(torch.nn.modules.module).items()
    if name.startswith("_global_") and name.endswith("hooks") and isinstance(held, dict)
)
"""The hooks of all modules at once."""
OURS = __name__.partition(".")[0]
SLOTS = (MemberDescriptorType, GetSetDescriptorType)
PARTS = (
    *("__self__", "__func__", "func", "args", "keywords", "fget", "fset", "__wrapped__"),
    *("__defaults__", "__kwdefaults__"),
)
"""Where a function, a method or a property keeps what it is made of."""
FUNCTIONS = (FunctionType, staticmethod, classmethod, property)
CALLABLES = (*FUNCTIONS, MethodType, partial, BuiltinMethodType, MethodWrapperType, type(lru_cache(len)))
ONE_WAY = frozenset({"builtins", "itertools"})
"""The modules whose iterators cannot be set back."""


def root(value: Any) -> str:
    """The package of a class or a function."""
    return str(getattr(value, "__module__", "")).partition(".")[0]


def is_of_installed(kind: type) -> bool:
    """Whether a class is of Python or of an installed package."""
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None)
    is_built_in = module is None or kind.__module__ in sys.builtin_module_names
    return is_built_in or (kind.__module__ != "__main__" and file is not None and is_of_library(file))


def names_in(code: CodeType) -> Iterator[str]:
    """The names that some code uses, with that of the functions inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)


def texts_in(code: CodeType) -> Iterator[str]:
    """The texts in some code, which may name modules."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from texts_in(constant)
        elif isinstance(constant, str):
            yield constant
