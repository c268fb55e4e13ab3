"""A copy of a user's module that holds plain values alone, so that a call of it changes nothing elsewhere."""

from __future__ import annotations

import copy
from collections import OrderedDict
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

NUMBERS = 4096
"""The most numbers of a tensor that counts as a plain value."""
PLAIN = (bool, int, float, complex, str, bytes, type(None), type, torch.dtype, torch.device, np.generic)
OF_MODULES = frozenset(nn.Module().__dict__)


def plain_copy(module: nn.Module) -> nn.Module | None:
    """The copy, without hooks; None for a module that holds anything but plain values and functions.

    >>> plain_copy(nn.LeakyReLU(0.1))
    LeakyReLU(negative_slope=0.1)
    >>> holder = nn.Identity()
    >>> holder.generator = torch.Generator()
    >>> plain_copy(holder) is None
    True
    """
    own = {name: value for name, value in module.__dict__.items() if name not in OF_MODULES}
    buffers = module._buffers.values()
    methods = {name for name, value in own.items() if _is_method_of(value, module)}
    if not all(_is_plain(v) for v in (*buffers, *(own[name] for name in own.keys() - methods))):
        return None
    made = type(module).__new__(type(module))
    made.__dict__.update(nn.Module().__dict__)
    made.__dict__["training"] = module.training
    made._buffers.update({name: _copied(value, made) for name, value in module._buffers.items()})
    made.__dict__.update({name: _copied(value, made) for name, value in own.items()})
    return made


def _is_method_of(value: Any, module: nn.Module) -> bool:
    """Whether a value is a method of the module itself, as in `self.act = self._python_version`."""
    return isinstance(value, MethodType) and value.__self__ is module


def _is_plain(value: Any) -> bool:
    """Whether a value is a number, a word, a small tensor, a function, or a collection of these."""
    if isinstance(value, Tensor):
        return type(value) is Tensor and value.layout is torch.strided and value.numel() <= NUMBERS
    if type(value) in (tuple, list, set, frozenset):
        return all(map(_is_plain, value))
    if type(value) in (dict, OrderedDict):
        return _is_plain([*value.keys(), *value.values()])
    if isinstance(value, partial):
        return _is_plain([value.func, *value.args, *value.keywords.values()])
    if isinstance(value, BuiltinFunctionType):  # not a method of some list
        return value.__self__ is None or isinstance(value.__self__, type | ModuleType)
    return isinstance(value, (*PLAIN, FunctionType))


def _copied(value: Any, owner: nn.Module) -> Any:
    """The value for the copy: a method is that of its new owner, a tensor a leaf of its own."""
    if isinstance(value, MethodType):
        return MethodType(value.__func__, owner)
    return value.detach().clone() if isinstance(value, Tensor) else copy.deepcopy(value)
