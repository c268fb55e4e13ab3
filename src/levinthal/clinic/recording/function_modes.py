"""Put a function mode on torch's stack of modes and take it off, whatever other modes are there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack, _pop_mode, _push_mode
from torch.utils._device import DeviceContext


def join(mode: TorchFunctionMode) -> None:
    """Put a mode on the stack, if it is not there.

    It goes below the user's own modes, which remove the topmost mode when they are left, and above a device's
    mode, which has to be lowest.
    """
    if not torch._C._len_torch_function_stack():  # nearly always
        _push_mode(mode)  # type: ignore[no-untyped-call]
        return
    stack = _get_current_function_mode_stack()  # type: ignore[no-untyped-call]
    if mode not in stack:
        with _removed_above(stack[0] if stack and isinstance(stack[0], DeviceContext) else None):
            _push_mode(mode)  # type: ignore[no-untyped-call]


def leave(mode: TorchFunctionMode) -> None:
    """Take a mode off the stack, if it is there."""
    height = torch._C._len_torch_function_stack()
    if height and torch._C._get_function_stack_at(height - 1) is mode:  # nearly always
        _pop_mode()  # type: ignore[no-untyped-call]
    elif height and mode in _get_current_function_mode_stack():  # type: ignore[no-untyped-call]
        with _removed_above(mode):
            _pop_mode()  # type: ignore[no-untyped-call]


@contextmanager
def all_removed() -> Iterator[None]:
    """All modes are off the stack inside."""
    with _removed_above(None):
        yield


@contextmanager
def _removed_above(last: TorchFunctionMode | None) -> Iterator[None]:
    """The modes above `last`, or all of them, are off the stack inside."""
    stack = _get_current_function_mode_stack()  # type: ignore[no-untyped-call]
    above = stack[stack.index(last) + 1 :] if last is not None else stack
    for _ in above:
        _pop_mode()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        for mode in above:
            _push_mode(mode)  # type: ignore[no-untyped-call]
