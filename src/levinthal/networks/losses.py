"""Losses as means over a batch, one value per seed."""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

from levinthal.errors import require_one_of

Loss = Callable[[Tensor, Tensor], Tensor]
"""A function from outputs (..., n, c) and labels (n) or (..., n) to losses (...)."""


def cross_entropy(outputs: Float[Tensor, "*s n c"], labels: Shaped[Tensor, "*l n"]) -> Float[Tensor, "*s"]:
    """Mean over the batch of -log softmax(outputs)[label].

    Args:
        outputs: logits (n, classes), or (S, n, classes).
        labels: class numbers (n), or (S, n) where every network has its own.

    Returns:
        The loss in nats: a scalar, or (S).

    >>> import torch
    >>> round(float(cross_entropy(torch.zeros(5, 10), torch.arange(5))), 4)  # ln 10
    2.3026
    """
    wanted = labels.expand(outputs.shape[:-1]).unsqueeze(-1)
    return -outputs.log_softmax(-1).gather(-1, wanted).mean((-2, -1))


def squared_error(outputs: Float[Tensor, "*s n c"], labels: Shaped[Tensor, "*l"]) -> Float[Tensor, "*s"]:
    """Mean over batch and outputs of (output - target)^2.

    Args:
        outputs: (n, c), or (S, n, c).
        labels: float targets of the same shape, or class numbers (n) or (S, n), which become one-hot targets.

    Returns:
        The loss in squared units of the target: a scalar, or (S).

    >>> import torch
    >>> float(squared_error(torch.zeros(5, 10), torch.arange(5)))
    0.10000000149011612
    """
    targets = labels if labels.is_floating_point() else functional.one_hot(labels, outputs.shape[-1])
    return (outputs - targets).square().mean((-2, -1))


LOSSES: dict[str, Loss] = {"cross_entropy": cross_entropy, "squared_error": squared_error}
"""The losses by name."""


def named_loss(loss: str | Loss) -> Loss:
    """The loss of that name, or the callable itself. Raises InputError for an unknown name."""
    return LOSSES[require_one_of("loss", loss, LOSSES)] if isinstance(loss, str) else loss
