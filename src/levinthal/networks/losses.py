"""Losses as means over a batch, one value a seed."""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

from levinthal.errors import require_one_of

Loss = Callable[[Tensor, Tensor], Tensor]
"""(..., n, c) outputs and (n) or (..., n) labels to (...) losses."""


def cross_entropy(outputs: Float[Tensor, "*s n c"], labels: Shaped[Tensor, "*l n"]) -> Float[Tensor, "*s"]:
    """Mean over the batch of -log softmax(outputs)[label], in nats.

    >>> import torch
    >>> round(float(cross_entropy(torch.zeros(5, 10), torch.arange(5))), 4)  # ln 10
    2.3026
    """
    wanted = labels.expand(outputs.shape[:-1]).unsqueeze(-1)
    return -outputs.log_softmax(-1).gather(-1, wanted).mean((-2, -1))


def squared_error(outputs: Float[Tensor, "*s n c"], labels: Shaped[Tensor, "*l"]) -> Float[Tensor, "*s"]:
    """Mean over batch and outputs of (output - target)^2; whole-number labels become one-hot targets.

    >>> import torch
    >>> float(squared_error(torch.zeros(5, 10), torch.arange(5)))
    0.10000000149011612
    """
    targets = labels if labels.is_floating_point() else functional.one_hot(labels, outputs.shape[-1])
    return (outputs - targets).square().mean((-2, -1))


LOSSES: dict[str, Loss] = {"cross_entropy": cross_entropy, "squared_error": squared_error}


def named_loss(loss: str | Loss) -> Loss:
    """The loss of that name, or the callable itself. Raises InputError for an unknown name."""
    return LOSSES[require_one_of("loss", loss, LOSSES)] if isinstance(loss, str) else loss
