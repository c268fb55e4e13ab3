"""Whether the targets of a loss lie where its outputs can go; read at detailed samples.

It does not wait for the device: the numbers stay where the targets are.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from levinthal.clinic.recording.batch_stats import some_rows

RANGES = {"Sigmoid": (0.0, 1.0), "Softmax": (0.0, 1.0), "Tanh": (-1.0, 1.0), "Relu": (0.0, math.inf)}
"""The numbers that an operation can give."""
BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
SIGNED = ("soft_margin_loss", "hinge_embedding_loss", "cosine_embedding_loss", "margin_ranking_loss")
"""Losses whose targets are -1 and 1."""
FAR, FAR_DEVIATIONS = 0.5, 0.1
"""Distance from the range above which a target is outside of it: of binary targets (those of an adversary may
be 1.2 on purpose), and of others, in standard deviations."""
FIT = ("low", "high", "outside", "unreachable", "hard", "several")
"""The numbers of `LossCall.fit`, in their order."""


def target_fit(kind: str, target: Tensor, operation: str) -> Tensor | None:
    """Where the targets lie, from some rows of the batch.

    Args:
        kind: The name of the loss function.
        target: The targets.
        operation: The operation that made the outputs, as in RANGES; any other has no bounds.

    Returns:
        (6,) as in FIT: the smallest and the largest target; the share of targets outside of what the outputs
        can be; the least mean squared error of such outputs over the variance of the targets; the share of
        targets that are 0 or 1; the share of rows whose sum exceeds 1.5. None where targets are classes.

    >>> [round(x, 2) for x in target_fit("mse_loss", torch.tensor([0.0, 1.0, 2.0, 5.0]), "Sigmoid").tolist()]
    [0.0, 5.0, 0.5, 1.21, 0.5, 0.5]
    """
    if not (target.is_floating_point() or kind in SIGNED) or not target.numel():
        return None
    flat = target.movedim(1, -1) if target.dim() > 2 else target
    t = some_rows(flat.reshape(-1, flat.shape[-1] if flat.dim() > 1 else 1)).float()
    low, high = torch.aminmax(t)
    floor, ceiling = (0.0, 1.0) if kind in BINARY else RANGES.get(operation, (-math.inf, math.inf))
    apart, variance = t - t.clamp(floor, ceiling), (t - t.mean()).square().mean()
    far = FAR if kind in BINARY else FAR_DEVIATIONS * variance.sqrt()
    outside = t.abs() != 1 if kind in SIGNED else apart.abs() > far
    hard, several = (t == 0) | (t == 1), t.sum(1) > 1.5
    shares = [flags.float().mean() for flags in (outside, hard, several)]
    return torch.stack((low, high, shares[0], apart.square().mean() / variance, *shares[1:]))
