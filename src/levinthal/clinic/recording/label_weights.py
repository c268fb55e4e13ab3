"""The weights that a binary cross-entropy gives to whole labels, beside the shares of their positives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

MOST_LABELS = 4096


def label_weights(given: Mapping[str, Any]) -> Tensor | None:
    """The argument `weight` of a binary cross-entropy with logits, where all rows share it.

    Args:
        given: The arguments of the call, by their names.

    Returns:
        (2, labels): the weights, and the share of the positives among the targets of each; one label for one
        weight of all. None without `weight`, beside `pos_weight`, and for weights of single rows.

    >>> y = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    >>> label_weights({"target": y, "weight": torch.tensor([1.0, 9.0])}).tolist()
    [[1.0, 9.0], [0.5, 0.0]]
    >>> label_weights({"target": y, "weight": torch.tensor(4.0)}).tolist()
    [[4.0], [0.25]]
    >>> label_weights({"target": y, "weight": 9 * y + 1}) is None
    True
    """
    weight, target = given.get("weight"), given["target"].detach()
    if not isinstance(weight, Tensor) or given.get("pos_weight") is not None or not target.numel():
        return None
    if not 0 < weight.numel() <= MOST_LABELS or not _is_of_labels(weight, target):
        return None
    share = target.float().sum_to_size(weight.shape) * (weight.numel() / target.numel())
    return torch.stack((weight.detach().float().reshape(-1), share.reshape(-1)))


def _is_of_labels(weight: Tensor, target: Tensor) -> bool:
    """Whether a weight is one of all rows, and fits the targets of a row."""
    if weight.dim() > target.dim() or (weight.dim() == target.dim() and weight.dim() and len(weight) > 1):
        return False
    sizes = zip(reversed(weight.shape), reversed(target.shape), strict=False)
    return all(a in (1, b) for a, b in sizes)
