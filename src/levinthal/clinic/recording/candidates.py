"""Whether the scores of a cross-entropy are those of candidates, and not of classes."""

from __future__ import annotations

from collections import deque

from torch import Tensor

MOST_NODES = 24
"""Nodes of the graph that are looked at, from the scores backwards."""


def are_candidates(scores: Tensor) -> bool:
    """Whether no parameter near the scores has a row or column for each of them.

    A classifier has weights for each class. The columns of a contrastive loss, or of a ranking, are other
    rows that are compared; the right one is then often the first everywhere.

    Args:
        scores: (rows, columns) the input of a cross-entropy.

    >>> import torch
    >>> x, weight = torch.randn(8, 4), torch.randn(5, 4, requires_grad=True)
    >>> z = x @ weight.T
    >>> are_candidates(z / 0.1), are_candidates(torch.cat((z[:, :1], z @ torch.randn(5, 16)), 1) / 0.1)
    (False, True)
    """
    if scores.grad_fn is None or scores.dim() < 2:
        return False
    columns = scores.shape[1]
    seen, queue = {scores.grad_fn}, deque([scores.grad_fn])
    while queue and len(seen) < MOST_NODES:
        for node, _ in queue.popleft().next_functions:
            leaf = getattr(node, "variable", None)
            if leaf is not None and columns in leaf.shape:
                return False
            if node is not None and node not in seen:
                seen.add(node)
                queue.append(node)
    return True
