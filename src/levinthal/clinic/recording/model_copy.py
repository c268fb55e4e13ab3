"""A copy of a model for a few passes, so that nothing that a forward pass does reaches the model itself."""

from __future__ import annotations

import copy
import itertools
from types import CellType, FunctionType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from levinthal.probes.forward_state import ForwardState

CLONED, HELD = 2**26, 2**28
"""Bytes up to which parameters are cloned; bytes of other tensors up to which a model is copied at all."""
SHARED = (Dataset, DataLoader, torch.optim.Optimizer)
"""What a module may hold and a forward pass does not change: it is not copied."""
HOOKS = (
    *("_forward_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called"),
    *("_forward_pre_hooks", "_forward_pre_hooks_with_kwargs", "_backward_hooks", "_backward_pre_hooks"),
)


class NotCopiedError(Exception):
    """The model cannot be copied; the message says why."""


def copy_in_evaluation(model: nn.Module) -> tuple[nn.Module, ForwardState]:
    """A copy of a model in evaluation mode, without the user's hooks.

    Small parameters are cloned. Large ones are shared with the model, because a pass in evaluation mode does
    not write to them. Functions that the model holds and that close over its parts are made anew, over the
    parts of the copy.

    Args:
        model: The model, which is left alone.

    Returns:
        The copy, and the state that its passes may change: global variables and classes are not copied.

    Raises:
        NotCopiedError: The model holds more than 256 MiB beside its parameters, it refuses to be copied, or
            the copy would still reach the model itself.
    """
    modules, parameters = list(model.modules()), list(model.parameters())
    inside = [value for module in modules for value in vars(module).values()]
    held = [*model.buffers(), *(value for value in inside if isinstance(value, Tensor))]
    if sum(map(_bytes, held)) > HELD:
        raise NotCopiedError("the model holds too much beside its parameters")
    shared = list[Any](value for value in inside if isinstance(value, SHARED))
    if sum(map(_bytes, parameters)) > CLONED:
        shared += parameters
    memo = {id(value): value for value in shared}
    try:
        twin = copy.deepcopy(model, memo)
        for module in twin.modules():
            for name, value in vars(module).items():
                if isinstance(value, FunctionType):
                    vars(module)[name] = _over_the_copy(value, memo)
    except Exception as error:
        raise NotCopiedError(f"the model refuses to be copied ({type(error).__name__})") from error
    for module, name in itertools.product(twin.modules(), HOOKS):
        hooks = getattr(module, name, {})
        for key in [key for key, hook in hooks.items() if not _is_of_torch(hook)]:
            del hooks[key]
    return twin.eval(), _apart(twin, model)


def _apart(twin: nn.Module, model: nn.Module) -> ForwardState:
    """What passes of a copy may change, if they do not reach the model itself."""
    state = ForwardState.of(twin, apart_from=twin.parameters())
    if state.too_much:
        raise NotCopiedError(f"the model is too large beside its parameters: {state.too_much}")
    if any(id(module) in state.objects for module in model.modules()):
        raise NotCopiedError("a function that the model calls would reach the model itself")
    if state.one_way_objects:
        own = ForwardState.of(model).objects
        if any(id(each) in own for each in state.one_way_objects):
            raise NotCopiedError(f"a pass would change the model: {state.one_way}")
    return state


def _over_the_copy(function: FunctionType, memo: dict[int, Any]) -> FunctionType:
    """A function over the copies of what it closes over; itself where it closes over nothing that is copied.

    Args:
        function: A function that a module holds.
        memo: What was copied so far, by `id`.
    """
    if id(function) in memo:
        return memo[id(function)]  # type: ignore[no-any-return]
    cells = function.__closure__ or ()
    made = FunctionType(
        function.__code__, function.__globals__, function.__name__, None, tuple(CellType() for _ in cells)
    )
    memo[id(function)] = made  # a function may close over itself
    is_other = False
    for new, old in zip(made.__closure__ or (), cells, strict=True):
        try:
            content = old.cell_contents
        except ValueError:  # not yet filled
            continue
        new.cell_contents = _copied(content, memo)
        is_other |= new.cell_contents is not content
    made.__defaults__ = _copied(function.__defaults__, memo)
    made.__kwdefaults__ = _copied(function.__kwdefaults__, memo)
    is_other |= made.__defaults__ is not function.__defaults__
    is_other |= made.__kwdefaults__ is not function.__kwdefaults__
    if not is_other:
        memo[id(function)] = function
        return function
    for name in ("__module__", "__qualname__", "__doc__"):
        setattr(made, name, getattr(function, name))
    vars(made).update(_copied(vars(function), memo))  # with what functools.wraps has wrapped
    return made


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    if isinstance(value, SHARED):
        return value
    return _over_the_copy(value, memo) if isinstance(value, FunctionType) else copy.deepcopy(value, memo)


def _is_of_torch(hook: Any) -> bool:
    """Whether torch itself made a hook: weight norm and spectral norm compute weights in one."""
    return str(getattr(hook, "__module__", type(hook).__module__)).partition(".")[0] == "torch"


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
