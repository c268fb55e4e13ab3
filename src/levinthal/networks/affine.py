"""Views of an affine layer of S networks and of its gradients, for backward passes written by hand."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Affine:
    """Some members of a layer of S networks: matrices (s, u, v) and columns (s, u, 1), all of them views."""

    weight: Tensor
    transposed: Tensor
    bias: Tensor
    weight_gradient: Tensor
    bias_gradient: Tensor

    @staticmethod
    def of(weight: Tensor, bias: Tensor, members: slice) -> Affine:
        """The `members` of a weight (S, u, v) and a bias (S, u). A missing `.grad` is created."""
        matrix = weight.detach()[members]
        column, into = (tensor[members, :, None] for tensor in (bias.detach(), gradient_of(bias)))
        return Affine(matrix, matrix.mT, column, gradient_of(weight)[members], into)

    def write_gradients(self, slope: Tensor, below: Tensor) -> None:
        """Write both gradients, given that of the outputs (s, u, n) and the inputs (s, v, n)."""
        torch.bmm(slope, below.mT, out=self.weight_gradient)
        torch.sum(slope, -1, keepdim=True, out=self.bias_gradient)


def gradient_of(parameter: Tensor) -> Tensor:
    """The `.grad` of a parameter, created as zeros where it is missing."""
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad
