"""One row of numbers that all parameters of a module are views of, so that an optimiser step is one pass."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class FlatParameters:
    """`rows` holds every trained number, one tensor per dtype, each with its gradient in `.grad`.

    The module's parameters and their `.grad` are views into the rows: writing one writes the other.
    """

    rows: tuple[Tensor, ...]
    gradients: tuple[tuple[nn.Parameter, Tensor], ...]

    def relink(self) -> None:
        """Make `.grad` of each parameter the view again, even if something else was assigned to it."""
        for parameter, view in self.gradients:
            parameter.grad = view

    def zero(self) -> None:
        """Set all gradients to zero."""
        for row in self.rows:
            gradient(row).zero_()


def gradient(row: Tensor) -> Tensor:
    """The gradient of a row. `flatten` has made it."""
    assert row.grad is not None
    return row.grad


def flatten(model: nn.Module) -> FlatParameters:
    """Move the trained parameters of a module into rows, one per dtype. Their values do not change.

    >>> net = nn.Linear(2, 3)
    >>> (row,) = flatten(net).rows
    >>> _ = row.zero_()
    >>> bool(net.weight.any())
    False
    """
    kinds: dict[torch.dtype, list[nn.Parameter]] = defaultdict(list)
    for parameter in model.parameters():
        if parameter.requires_grad:
            kinds[parameter.dtype].append(parameter)
    rows, gradients = [], []
    for parameters in kinds.values():
        row = torch.cat([parameter.detach().reshape(-1) for parameter in parameters])
        row.grad = torch.zeros_like(row)
        start = 0
        for parameter in parameters:
            span = slice(start, start + parameter.numel())
            gradients.append((parameter, row.grad[span].view(parameter.shape)))
            parameter.data = row[span].view(parameter.shape)
            start = span.stop
        rows.append(row)
    flat = FlatParameters(tuple(rows), tuple(gradients))
    flat.relink()
    return flat
