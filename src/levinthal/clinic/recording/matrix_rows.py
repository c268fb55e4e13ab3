"""How far the rows of a weight matrix are from each other, and how far they move apart."""

from __future__ import annotations

import math

import torch
from torch import nn

STACKED: dict[type[nn.Module], int] = {
    **dict.fromkeys((nn.LSTM, nn.LSTMCell), 4),
    **dict.fromkeys((nn.GRU, nn.GRUCell, nn.MultiheadAttention), 3),
}
"""The number of matrices that a module keeps in one parameter."""


def stacked_parts(model: nn.Module) -> dict[int, int]:
    """Parameter -> the number of matrices that are stacked in it."""
    found = ((module, STACKED.get(type(module), 1)) for module in model.modules())
    return {id(p): parts for m, parts in found if parts > 1 for p in m.parameters(recurse=False)}


def common_and_apart(moved: torch.Tensor, parts: int) -> torch.Tensor:
    """(2,) the norm of a movement, and of the part of it that rows do not have in common."""
    apart = torch.cat([part - part.mean(0, keepdim=True) for part in moved.chunk(parts)])
    return torch.stack((torch.linalg.vector_norm(moved), torch.linalg.vector_norm(apart))).float()


@torch.no_grad()
def row_distance(weight: torch.Tensor) -> torch.Tensor:
    """() the distance of a matrix's rows from their mean, over its norm."""
    weight = torch.view_as_real(weight).flatten(1) if weight.is_complex() else weight
    weight = weight if weight.dtype == torch.float64 else weight.float()
    spread = torch.linalg.vector_norm(weight - weight.mean(0, keepdim=True))
    # weights far from 0 are compared with the norm of fresh weights, of variance 1 / (3 n)
    norm = torch.linalg.vector_norm(weight).clamp(max=math.sqrt(len(weight)))
    return torch.where(spread > 0, spread / norm.clamp(min=1e-30), spread)
