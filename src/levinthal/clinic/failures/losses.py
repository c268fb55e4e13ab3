"""A loss that fails on its outputs and targets, or whose value cannot be minimised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from levinthal.clinic.failures.wording import dtype_name, failure, shown, uneven
from levinthal.errors import InputError
from levinthal.estimators.arrays import ONE_LENGTH

Loss = Callable[[Any, Any], Any]
IGNORED = -100
"""torch's default for targets that a loss of classes leaves out."""


def require_loss(loss: Any, name: str = "the loss") -> None:
    """Raise InputError for a loss that is no function, or the class of a loss."""
    if isinstance(loss, type):
        raise InputError(f"{name} is the class {loss.__name__}: pass an instance, {loss.__name__}()")
    if not callable(loss):
        what = "None" if loss is None else shown(loss)
        raise InputError(f"{name} is {what}: pass a function (outputs, targets) -> number")


def scalar_loss(value: Any) -> Tensor:
    """The value of a loss. Raises InputError where it is not a tensor with one number."""
    if isinstance(value, Tensor) and value.numel() == 1 and not value.is_complex():
        return value
    if isinstance(value, Tensor) and value.is_complex():
        raise InputError("the loss is a complex number, which has no order: return its .real or .abs()")
    way_out = (
        "return one number, its mean" if isinstance(value, Tensor) else "return a tensor, without .item()"
    )
    raise InputError(f"the loss returns a value {shown(value)}: {way_out}")


def loss_mismatch(outputs: Any, targets: Any, name: str, error: Exception) -> str:
    """Why a loss fails on these outputs and targets."""
    both = f"outputs {shown(outputs)} and targets {shown(targets)}"
    if uneven(targets):
        return f"the targets of {name} have rows of different lengths ({uneven(targets)}): {ONE_LENGTH}"
    if not isinstance(outputs, Tensor) or not isinstance(targets, Tensor):
        return failure(error, f"the loss of {both}") + ": pick the tensors in the loss"
    way_out = _of_targets(outputs, targets, name)
    return way_out or failure(error, f"the loss of {both}")


def _of_targets(outputs: Tensor, targets: Tensor, name: str) -> str:
    """The known disagreements of outputs and targets."""
    both = f"outputs {shown(outputs)} and targets {shown(targets)}"
    if outputs.dim() and targets.dim() and len(outputs) != len(targets):
        return f"the model returns {len(outputs)} rows for {len(targets)} targets of {name}: one for each row"
    if outputs.shape == targets.shape and targets.dtype != outputs.dtype:
        return f"the loss does not take {both}: pass targets.to(torch.{dtype_name(outputs)})"
    if targets.dtype == torch.int64 and outputs.dim() == targets.dim() + 1 and targets.numel():
        classes, labels = outputs.shape[1 if outputs.dim() > 1 else 0], targets[targets != IGNORED]
        if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
            span = f"the targets of {name} run from {int(labels.min())} to {int(labels.max())}"
            way_out = "number the classes from 0, or widen the last layer"
            return f"{span}, and the model has {classes} outputs (classes 0 to {classes - 1}): {way_out}"
    if outputs.dim() == targets.dim() + 1 and outputs.shape[1] > 1 and targets.dtype != torch.int64:
        return f"the loss does not take {both}: pass targets.long() where they are classes"
    if outputs.numel() == targets.numel() and outputs.shape != targets.shape:
        return f"the loss does not take {both}: pass targets.reshape(outputs.shape)"
    if targets.dtype == torch.int64 and targets.dim() == 2 and targets.shape[1] == 1:
        return f"the loss does not take {both}: pass targets.squeeze(1) where they are classes"
    return ""


def value_mismatch(model: nn.Module, value: Any) -> str:
    """Why the value of a loss cannot be minimised."""
    loss = scalar_loss(value)
    if loss.requires_grad:
        return ""
    if not any(p.requires_grad for p in model.parameters()):
        return "no parameter of the model requires a gradient: call model.requires_grad_(True)"
    return "the loss has no gradient: leave out no_grad, detach and argmax between the model and the loss"
