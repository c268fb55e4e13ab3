"""Quick learners in closed form: each row is predicted from the other rows, with no split and no iteration.

A prediction is a weighted mean of the targets of the other rows. For ridge regression, linear or with a
Gaussian kernel, the prediction of a row that is left out follows from the fit to all rows. The arithmetic is
torch's, so it takes as many threads as the training.
Source: Cawley & Talbot, Neural Networks 17 (2004), for the leave-one-out identity.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

NEIGHBOURS = (1, 10)
RIDGES = (1e-3, 1e-1)
"""Penalties, relative to the mean of the kernel's diagonal."""


def left_out_predictions(inputs: Tensor, targets: Tensor) -> Iterator[tuple[str, Tensor]]:
    """The predictions of every learner for every row, from the other rows.

    Args:
        inputs: (n, d) rows, float64.
        targets: (n, k) numbers, or classes as columns of 0 and 1, float64.

    Yields:
        The name of the learner, and its predictions (n, k).
    """
    centred = inputs - inputs.mean(0)
    spread = centred.square().mean(0).sqrt()
    scaled = centred / torch.where(spread > 0, spread, 1.0)
    yield from _ridge("ridge regression", scaled @ scaled.T / scaled.shape[1] + 1, targets)
    for rows in (centred, scaled):
        distances = _distances(rows)
        for k in NEIGHBOURS:
            yield f"{k} nearest {'neighbour' if k == 1 else 'neighbours'}", _neighbours(distances, targets, k)
        kernel = torch.exp(-distances / distances.median().clamp(min=1e-300))
        yield from _ridge("kernel regression", kernel, targets)


def _distances(rows: Tensor) -> Tensor:
    """(n, n) squared distances."""
    squares = rows.square().sum(1)
    return (squares[:, None] + squares[None] - 2 * rows @ rows.T).clamp(min=0)


def _neighbours(distances: Tensor, targets: Tensor, k: int) -> Tensor:
    """The mean target of the k nearest other rows."""
    others = distances + torch.diag(torch.full((len(distances),), torch.inf, dtype=distances.dtype))
    return targets[others.topk(k, largest=False).indices].mean(1)


def _ridge(name: str, kernel: Tensor, targets: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Ridge regression in the space of a kernel, each row left out of its own fit."""
    middle, size = targets.mean(0), kernel.diagonal().mean()
    for ridge in RIDGES:
        factor, failed = torch.linalg.cholesky_ex(kernel + ridge * size * torch.eye(len(kernel)))
        if not failed:
            inverse = torch.cholesky_inverse(factor)
            yield name, targets - inverse @ (targets - middle) / inverse.diagonal()[:, None]
