"""What a step does to every parameter: norms of gradient, weight and step, in few passes over them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

Norms = list[Tensor | None]
HALF = (torch.float16, torch.bfloat16)


class Tensors:
    """The parameters from the beginning of a step to its end.

    Those that ask for a gradient are copied. The copy's memory is kept from one sampled step to the next.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self.parameters = parameters
        self._places: list[int] = []
        self._copies: list[Tensor] = []
        self._before_backward: Norms = []
        self._before_clipping: Norms = []

    def begin(self) -> None:
        """Take the weights down as they are."""
        self._places = [i for i, p in enumerate(self.parameters) if p.requires_grad]
        self._before_backward, self._before_clipping = [], []
        weights = self._weights()
        if [_form(w) for w in weights] != [_form(c) for c in self._copies]:
            self._copies = [torch.empty_like(w) for w in weights]
        if weights:
            torch._foreach_copy_(self._copies, weights)

    def forget(self) -> None:
        """Let go of the copy."""
        self._copies, self._before_backward, self._before_clipping = [], [], []

    def backward_begins(self) -> None:
        """Take down the gradients that lie there."""
        gradients = self._gradients()
        there = any(gradient is not None for gradient in gradients)
        self._before_backward = _norms(gradients) if there else []

    def backward_is_over(self) -> Tensor:
        """() norm of the gradients that lay there as the pass began, and that it added to.

        The gradients are taken down as backward left them, which clipping may yet shrink.
        """
        self._before_clipping = _norms(self._gradients())
        if not self._before_backward:
            return torch.zeros((), device=self.parameters[0].device)
        before, after = (
            self._stacked(norms).nan_to_num(0.0) for norms in (self._before_backward, self._before_clipping)
        )
        return torch.where(after != before, before, 0.0).norm()

    def columns(self) -> Tensor:
        """(parameters, 5) as in TENSOR, when the step is over; the copy is used up."""
        gradients = self._gradients()
        norms, weights = _norms(gradients), self._norms_of_copies()
        if self._copies:
            torch._foreach_sub_(self._copies, self._weights())
        same: Norms = [None] * len(gradients)
        for place, moved in zip(self._places, self._copies, strict=True):
            same[place] = _unchanged(moved, gradients[place])
        parts = (norms, weights, self._norms_of_copies(), same, self._before_clipping or norms)
        return self._stacked([value for part in parts for value in part]).view(len(parts), -1).T

    def _weights(self) -> list[Tensor]:
        return [self.parameters[i].detach() for i in self._places]

    def _norms_of_copies(self) -> Norms:
        known = dict(zip(self._places, _norms(self._copies), strict=True))
        return [known.get(i) for i in range(len(self.parameters))]

    def _gradients(self) -> list[Tensor | None]:
        return [p.grad for p in self.parameters]

    def _stacked(self, values: Norms) -> Tensor:
        """Float32, on one device; nan for what is not there."""
        device = self.parameters[0].device
        absent = torch.full((), math.nan, device=device)
        there = [absent if value is None else value for value in values]
        if any(parameter.device != device for parameter in self.parameters):
            there = [value.to(device) for value in there]
        return torch.stack(there).float()


def _form(tensor: Tensor) -> tuple[torch.Size, torch.dtype, torch.device]:
    return tensor.shape, tensor.dtype, tensor.device


def _norms(tensors: Sequence[Tensor | None]) -> Norms:
    """Euclidean norms of the tensors that are there."""
    there = [_dense(tensor) for tensor in tensors if tensor is not None]
    found = iter(torch._foreach_norm(there) if there else ())
    return [None if tensor is None else next(found) for tensor in tensors]


def _dense(tensor: Tensor) -> Tensor:
    return tensor.coalesce().values() if tensor.is_sparse else tensor.detach()


def _unchanged(moved: Tensor, gradient: Tensor | None) -> Tensor | None:
    """The share of entries with a gradient that a step left as they were; of half precision only."""
    if moved.dtype not in HALF or gradient is None:
        return None
    live = torch.count_nonzero(_dense(gradient))
    return 1 - torch.count_nonzero(moved) / live.clamp(min=1)
