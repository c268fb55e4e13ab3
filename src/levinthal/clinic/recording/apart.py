"""Read outside of everything that the user's program has switched on around the present call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

PLAIN = (Tensor, torch.nn.Parameter)
DEVICES = ("cpu", "cuda", "mps", "xpu")
# looked up once: this comes before every call of a watched model
_is_compiling, _tracing = torch.compiler.is_compiling, torch._C._get_tracing_state
_transform = torch._C._functorch.peek_interpreter_stack


def apart(function: Callable[..., None], *args: Any) -> None:
    """Call a function outside of the user's function modes and dispatch modes, of autograd and of autocast.

    Without autograd no tensor of ours is saved for a backward pass, so none comes to the user's saved-tensor
    hooks (activation checkpointing counts them). Autocast would keep copies of weights that it made for us.
    """
    # the modes are switched off first: each call of torch would come to them
    with torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch():
        grad, any_casts = torch.is_grad_enabled(), torch._C._is_any_autocast_enabled()
        casting = [device for device in DEVICES if torch.is_autocast_enabled(device)] if any_casts else []
        torch._C._set_grad_enabled(False)
        for device in casting:
            torch.set_autocast_enabled(device, False)
        try:
            function(*args)
        finally:
            for device in casting:
                torch.set_autocast_enabled(device, True)
            torch._C._set_grad_enabled(grad)


def evaluated_apart(function: Callable[..., None], *args: Any) -> None:
    """Call a function that evaluates the user's model, whose tensors may have operations of their own."""
    grad = torch.is_grad_enabled()
    try:
        with torch._C.DisableTorchFunction(), _disable_current_modes():
            function(*args)
    finally:
        torch._C._set_grad_enabled(grad)


def is_ordinary() -> bool:
    """Whether the present call is an ordinary one, of which numbers can be read: not traced or compiled, and
    in no transform of `torch.func` (vmap, grad).
    """
    return _transform() is None and not _is_compiling() and _tracing() is None


def is_in_backward() -> bool:
    """Whether autograd's engine is running in this thread."""
    return torch._C._current_graph_task_id() != -1


def is_readable(x: Any) -> TypeGuard[Tensor]:
    """Whether the numbers of a tensor can be read as they lie in memory: not those of a sparse, nested or
    distributed tensor, of another one with operations of its own, or of a parameter whose memory was freed.
    """
    return (
        isinstance(x, Tensor)
        and x.layout is torch.strided
        and not x.is_quantized
        and not x.is_meta
        and (type(x) is not torch.nn.Parameter or has_memory(x))
        and (type(x) in PLAIN or type(x).__torch_dispatch__ is Tensor.__torch_dispatch__)
    )


def has_memory(x: Tensor) -> bool:
    """Whether the memory of a tensor is there: FSDP frees that of a whole parameter and keeps the tensor.

    >>> x = torch.zeros(4)
    >>> before = has_memory(x)
    >>> _ = x.untyped_storage().resize_(0)
    >>> before, has_memory(x)
    (True, False)
    """
    return not x.numel() or x.untyped_storage().nbytes() > 0
