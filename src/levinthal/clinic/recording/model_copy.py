"""A copy of a model for a few passes, so that nothing that a forward pass does reaches the model itself."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

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


def copy_in_evaluation(model: nn.Module) -> nn.Module:
    """A copy of a model in evaluation mode, without the user's hooks.

    Small parameters are cloned. Large ones are shared with the model, because a pass in evaluation mode does
    not write to them.

    Args:
        model: The model, which is left alone.

    Returns:
        The copy.

    Raises:
        NotCopiedError: The model holds more than 256 MiB beside its parameters, or it refuses to be copied.
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
    except Exception as error:
        raise NotCopiedError(f"the model refuses to be copied ({type(error).__name__})") from error
    for module, name in itertools.product(twin.modules(), HOOKS):
        hooks = getattr(module, name, {})
        for key in [key for key, hook in hooks.items() if not _is_of_torch(hook)]:
            del hooks[key]
    return twin.eval()


def _is_of_torch(hook: Any) -> bool:
    """Whether torch itself made a hook: weight norm and spectral norm compute weights in one."""
    return str(getattr(hook, "__module__", type(hook).__module__)).partition(".")[0] == "torch"


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
