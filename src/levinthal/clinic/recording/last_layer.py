"""Whether a loss reads the last layer of the network that is trained, and nothing that is made of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from torch import Tensor

from levinthal.clinic.recording.batch_stats import operation_of, without_views

MOST_NODES = 24
"""Nodes of the graph that are looked at, from the output backwards."""
WEIGHTED = ("Addmm", "Mm", "Convolution", "Linear", "MkldnnLinear")
"""Operations of a layer with weights."""


def is_of_last_layer(output: Tensor, weights: Collection[int]) -> bool:
    """Whether the way back from an output has no fork until a layer with one of these weights.

    A difference of two scores, similarities of candidates, a derivative, and the answer of another network
    are made otherwise: their targets may all be the same on purpose.

    Args:
        output: The input of a loss.
        weights: Ids of the parameters that are trained.

    >>> import torch
    >>> weight, x = torch.randn(5, 4, requires_grad=True), torch.randn(8, 4)
    >>> z = x @ weight.T
    >>> is_of_last_layer(z.softmax(1), {id(weight)}), is_of_last_layer(z - z.roll(1, 0), {id(weight)})
    (True, False)
    >>> is_of_last_layer(z, set())
    False
    """
    node: Any = without_views(output.grad_fn)
    for _ in range(MOST_NODES):
        if node is None:
            return False
        before = [without_views(child) for child, _ in node.next_functions if child is not None]
        if operation_of(node) in WEIGHTED:
            leaves = [child.variable for child in before if hasattr(child, "variable")]
            return any(id(leaf) in weights and leaf.dim() > 1 for leaf in leaves)
        made = [child for child in before if not hasattr(child, "variable")]
        node = without_views(made[0]) if len(made) == 1 else None
    return False
