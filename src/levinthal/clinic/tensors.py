"""What a step does to every parameter: norms of gradient, weight and step.

Of a parameter of more than 32,768 numbers, 16,384 are read: 1,024 runs of 16, evenly apart. So a watch costs
the same, in time and memory, however large the layers are; where all numbers are of a kind, such a norm is
right to 1 in 100.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

Norms = list[Tensor | None]
HALF = (torch.float16, torch.bfloat16)
ENOUGH, RUNS, RUN = 32_768, 1_024, 16


class Tensors:
    """The parameters from the beginning of a step to its end.

    Of those that ask for a gradient a part is copied. The copy's memory is kept for the next sampled step.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self.parameters = parameters
        self._places: list[int] = []
        self._copies: list[Tensor] = []
        self._forms: list[tuple[int, torch.dtype, torch.device]] = []
        self._scales = torch.ones(())
        self._large = frozenset(i for i, p in enumerate(parameters) if p.numel() > ENOUGH)
        self._before_backward: Norms = []
        self._before_clipping: Norms = []

    def begin(self) -> None:
        """Take the weights down as they are."""
        self._places = [i for i, p in enumerate(self.parameters) if p.requires_grad]
        self._before_backward, self._before_clipping = [], []
        weights, forms = self._weights(), [(p.numel(), p.dtype, p.device) for p in self.parameters]
        if forms != self._forms or len(weights) != len(self._copies):
            self._copies, self._forms = (
                [w.clone(memory_format=torch.contiguous_format) for w in weights],
                forms,
            )
            self._scales = self._all_scales()
        if weights:
            torch._foreach_copy_(self._copies, weights)

    def forget(self) -> None:
        """Let go of all copies."""
        self._copies, self._forms, self._before_backward, self._before_clipping = [], [], [], []

    def backward_begins(self) -> None:
        """Take down the gradients that lie there."""
        gradients = self._gradients()
        there = any(gradient is not None for gradient in gradients)
        self._before_backward = self._norms(gradients) if there else []

    def backward_is_over(self) -> Tensor:
        """() norm of the gradients that lay there as the pass began, and that it added to.

        The gradients are taken down as backward left them, which clipping may yet shrink.
        """
        self._before_clipping = self._norms(self._gradients())
        if not self._before_backward:
            return torch.zeros((), device=self.parameters[0].device)
        before, after = (
            self._stacked(norms).nan_to_num(0.0) for norms in (self._before_backward, self._before_clipping)
        )
        return (torch.where(after != before, before, 0.0) * self._scales[0]).norm()

    def columns(self) -> Tensor:
        """(parameters, 5) as in TENSOR, when the step is over; the copy is used up."""
        gradients = self._gradients()
        norms, weights = self._norms(gradients), self._norms_of_copies()
        if self._copies:
            torch._foreach_sub_(self._copies, self._weights())
        same: Norms = [None] * len(gradients)
        for place, moved in zip(self._places, self._copies, strict=True):
            same[place] = _unchanged(moved, gradients[place])
        parts = (norms, weights, self._norms_of_copies(), same, self._before_clipping or norms)
        columns = self._stacked([value for part in parts for value in part]).view(len(parts), -1)
        return (columns * self._scales).T.detach()

    def _all_scales(self) -> Tensor:
        """(5, parameters) what the columns are to be multiplied by, since a part was read."""
        scales = torch.tensor([_scale(p) for p in self.parameters], device=self.parameters[0].device)
        return torch.stack((scales, scales, scales, torch.ones_like(scales), scales))

    def _weights(self) -> list[Tensor]:
        return [_part(self.parameters[i].detach()) for i in self._places]

    def _norms_of_copies(self) -> Norms:
        found = list(torch._foreach_norm(self._copies)) if self._copies else []
        if len(found) == len(self.parameters):
            return found
        known = dict(zip(self._places, found, strict=True))
        return [known.get(i) for i in range(len(self.parameters))]

    def _norms(self, gradients: Norms) -> Norms:
        """Euclidean norms of the gradients that are there."""
        read = list(gradients)
        for i, gradient in enumerate(gradients):
            if gradient is not None and (i in self._large or gradient.is_sparse):
                read[i] = _read(gradient)
        there = [tensor for tensor in read if tensor is not None]
        found = iter(torch._foreach_norm(there) if there else ())
        return [None if tensor is None else next(found) for tensor in read]

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


def _part(tensor: Tensor) -> Tensor:
    """The tensor, or runs of a large one; an odd way from run to run, so that they fall on all columns."""
    if tensor.numel() <= ENOUGH:
        return tensor
    flat = tensor.reshape(-1)
    return flat.as_strided((RUNS, RUN), ((len(flat) // RUNS - 1) | 1, 1))


def _scale(tensor: Tensor) -> float:
    """The norm of the whole over that of the part that is read, where all numbers are of a kind."""
    return math.sqrt(tensor.numel() / (RUNS * RUN)) if tensor.numel() > ENOUGH else 1.0


def _read(tensor: Tensor) -> Tensor:
    """What is read of a large gradient, in a row, which is faster; of a sparse one all there is."""
    if tensor.is_sparse:
        return tensor.coalesce().values() / _scale(tensor)
    return _part(tensor.detach()).contiguous()


def _unchanged(moved: Tensor, gradient: Tensor | None) -> Tensor | None:
    """The share of entries with a gradient that a step left as they were; of half precision only."""
    if moved.dtype not in HALF or gradient is None or gradient.is_sparse:
        return None
    live = torch.count_nonzero(_read(gradient))
    return 1 - torch.count_nonzero(moved) / live.clamp(min=1)
