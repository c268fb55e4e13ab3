"""Losses as means over a batch, one value per seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

from levinthal.arguments import function, in_short
from levinthal.errors import InputError, LevinthalError, require_one_of

FAILURES = (AttributeError, IndexError, RuntimeError, TypeError, ValueError)
"""What torch raises where outputs and labels do not fit."""
Loss = Callable[[Tensor, Tensor], Tensor]
"""A function from outputs (..., n, c) and labels (n) or (..., n) to losses (...)."""


def cross_entropy(outputs: Float[Tensor, "*s n c"], labels: Shaped[Tensor, "*l n"]) -> Float[Tensor, "*s"]:
    """Mean over the batch of -log softmax(outputs)[label].

    Args:
        outputs: logits (n, classes), or (S, n, classes).
        labels: class numbers (n), or (S, n) where every network has its own.

    Returns:
        The loss in nats: a scalar, or (S).

    Raises:
        InputError: outputs and labels are no tensors, or do not fit each other.

    >>> import torch
    >>> round(float(cross_entropy(torch.zeros(5, 10), torch.arange(5))), 4)  # ln 10
    2.3026
    """
    try:
        if not labels.dim():
            raise ValueError("labels are one number: pass one for each row")
        wanted = labels.expand(outputs.shape[:-1]).unsqueeze(-1)
        return -outputs.log_softmax(-1).gather(-1, wanted).mean((-2, -1))
    except FAILURES as error:
        raise InputError(misfit(outputs, labels, error)) from error


def squared_error(outputs: Float[Tensor, "*s n c"], labels: Shaped[Tensor, "*l"]) -> Float[Tensor, "*s"]:
    """Mean over batch and outputs of (output - target)^2.

    Args:
        outputs: (n, c), or (S, n, c).
        labels: float targets of the same shape, or class numbers (n) or (S, n), which become one-hot targets.

    Returns:
        The loss in squared units of the target: a scalar, or (S).

    Raises:
        InputError: outputs and labels are no tensors, or do not fit each other.

    >>> import torch
    >>> float(squared_error(torch.zeros(5, 10), torch.arange(5)))
    0.10000000149011612
    """
    try:
        targets = labels if labels.is_floating_point() else functional.one_hot(labels, outputs.shape[-1])
        if targets.dim() < 2 or targets.shape != outputs.shape[-targets.dim() :]:
            raise ValueError(f"targets have shape {tuple(targets.shape)}, outputs {tuple(outputs.shape)}")
        return (outputs - targets).square().mean((-2, -1))
    except FAILURES as error:
        raise InputError(misfit(outputs, labels, error)) from error


LOSSES: dict[str, Loss] = {"cross_entropy": cross_entropy, "squared_error": squared_error}
"""The losses by name."""


def named_loss(loss: str | Loss) -> Loss:
    """The loss of that name, or the function itself. Raises InputError where it is neither."""
    if isinstance(loss, str):
        return LOSSES[require_one_of("loss", loss, LOSSES)]
    if isinstance(loss, type):
        raise InputError(f"loss is the class {loss.__name__}: pass an instance, {loss.__name__}()")
    return function("loss", loss, f"{', '.join(LOSSES)} or a function (outputs, labels) -> loss")


@contextmanager
def fitting(inputs: Tensor, labels: Tensor) -> Iterator[None]:
    """Turn what a model or a loss raises on a batch into an InputError that has the shapes of the batch."""
    try:
        yield
    except LevinthalError:
        raise
    except Exception as error:
        x, y = (f"{tuple(side.shape)} of {side.dtype}" for side in (inputs, labels))
        said = (str(error).splitlines() or ["no message"])[0]
        raise InputError(
            f"model or loss fail on inputs {x} and labels {y}: {type(error).__name__}: {said}"
        ) from error


def misfit(outputs: Any, labels: Any, error: Exception) -> str:
    """Why outputs and labels do not fit, after they have failed."""
    if not isinstance(outputs, Tensor) or not isinstance(labels, Tensor):
        kinds = f"outputs={in_short(outputs)} and labels={in_short(labels)}"
        return f"{kinds} are not both tensors: pass torch.as_tensor(...)"
    classes = outputs.shape[-1] if outputs.ndim else 0
    is_class = not labels.is_floating_point() and not labels.is_complex() and labels.numel() > 0
    is_stored = labels.layout == torch.strided and not labels.is_meta
    if is_class and is_stored and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        span = f"the labels run from {int(labels.min())} to {int(labels.max())}"
        return f"{span}, and there are {classes} outputs: number the classes from 0 to {classes - 1}"
    both = f"outputs {tuple(outputs.shape)} and labels {tuple(labels.shape)} of {labels.dtype}"
    return f"{both} do not fit: {(str(error).splitlines() or [type(error).__name__])[0]}"
