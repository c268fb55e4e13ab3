"""What a step does to every parameter: norms of gradient, weight and step.

Where a network trains matrices (tensors of two axes or more), only these are read, and no vectors. Of a
parameter of more than 32,768 numbers, 16,384 are read: 1,024 evenly spaced runs of 16. So the cost in time
and memory does not grow with the layers. Where all numbers have one distribution, a norm has an error of
about 1 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from levinthal.clinic.recording.apart import has_memory, is_readable

Norms = list[Tensor | None]
HALF = (torch.float16, torch.bfloat16)
ENOUGH, RUNS, RUN = 32_768, 1_024, 16
FEWEST, FEW = 8, 3
"""Numbers of a gradient below which it is unknown whether they are clamped; the smallest weights, of which it
is asked whether they have changed between two backward passes.
"""


class Tensors:
    """The parameters from the beginning of a step to its end.

    What is read of them is copied at the beginning. The memory of the copies is used again for the next
    sample.

    Attributes:
        parameters: All parameters of the model.
        copies: What is read of the weights, as it was when the step began.
        had_gradient: Ids of the parameters whose gradient was there when their optimiser stepped, inside the
            backward pass.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self.parameters = parameters
        self._read: list[nn.Parameter] = []
        self._forms: list[tuple[int, int, torch.dtype, torch.device]] = []
        self.copies: list[Tensor] = []
        self.had_gradient = set[int]()
        self._noted: dict[int, Tensor] = {}
        self._scales = self._places = torch.zeros(0)
        self._before_backward: Norms = []
        self._before_clipping: Norms = []

    def begin(self) -> None:
        """Copy what is read of the weights."""
        trained = [p for p in self.parameters if p.requires_grad and is_readable(local(p))]
        self._read = [p for p in trained if p.dim() > 1] or trained
        self._before_backward, self._before_clipping, self._noted = [], [], {}
        weights, forms = self.weights(), [_form(p) for p in self._read]
        if forms != self._forms:
            self._forms = forms
            self.copies = [w.clone(memory_format=torch.contiguous_format) for w in weights]
            self._prepare()
        elif weights:
            torch._foreach_copy_(self.copies, weights)

    def _prepare(self) -> None:
        """The indices of the parameters that are read, and the factors from a part to the whole."""
        read, device = {id(p) for p in self._read}, self.parameters[0].device
        places = [i for i, p in enumerate(self.parameters) if id(p) in read]
        self._places = torch.tensor(places, dtype=torch.int64, device=device)
        scales = torch.tensor([_scale(local(p)) for p in self._read], device=device)
        self._scales = torch.stack((scales, scales, scales, torch.ones_like(scales), scales))

    def forget(self) -> None:
        """Release all copies."""
        self.copies, self._forms, self._before_backward, self._before_clipping = [], [], [], []
        self._noted = {}

    def note_gradients(self, optimizer: Optimizer) -> None:
        """An optimiser steps inside the backward pass: record its gradients before it clears them."""
        held = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        self.had_gradient.update(map(id, held))
        read = {id(p) for p in self._read}
        for p in held:
            if id(p) in read:
                self._noted[id(p)] = torch.linalg.vector_norm(_in_a_row(local(p.grad)))

    def backward_begins(self) -> None:
        """Record the norms of gradients that are present before the backward pass."""
        there = any(p.grad is not None for p in self._read)
        self._before_backward = self._norms() if there else []

    def gone(self) -> Tensor:
        """() the share of the gradients of the last backward pass that are gone when the next one begins; 0
        where a weight was changed between them, or there was no gradient.
        """
        before, now = self._between_passes()
        share = ((before > 0) & (now == 0)).sum() / (before > 0).sum().clamp(min=1)
        pairs = sorted(zip(self.weights(), self.copies, strict=True), key=lambda pair: pair[0].numel())[:FEW]
        same = [(weight == copy).all().to(share.device) for weight, copy in pairs]
        return torch.where(torch.stack(same).all(), share, 0.0) if same else share

    def unchanged(self) -> Tensor:
        """() the share of the gradients of the last backward pass that are there when the next one begins."""
        before, now = self._between_passes()
        return ((before > 0) & (now == before)).sum() / (before > 0).sum().clamp(min=1)

    def _between_passes(self) -> tuple[Tensor, Tensor]:
        """Norms of the gradients after the last backward pass, and now; 0 where there is none."""
        before = self._stacked(self._before_clipping).nan_to_num(0.0)
        return before, self._stacked(self._before_backward or [None] * len(self._read)).nan_to_num(0.0)

    def backward_is_over(self) -> Tensor:
        """() norm of the gradients that were present before the backward pass and that it added to.

        The norms after the pass are recorded too, before clipping can change them.
        """
        self._before_clipping = self._norms()
        if not self._before_backward:
            return torch.zeros((), device=self.parameters[0].device)
        before, after = (
            self._stacked(norms).nan_to_num(0.0) for norms in (self._before_backward, self._before_clipping)
        )
        left = torch.where(after != before, before, 0.0) * self._scales[0]
        norm: Tensor = torch.linalg.vector_norm(left)
        return norm

    def bounded(self) -> Tensor:
        """(2, read) each gradient's largest absolute value, and the share of its numbers that reach it, as
        they do after clamping; nan where there are too few.
        """
        gradients = [_dense(p) for p in self._read]
        known = [None if g is None else _at_the_top(g) for g in gradients]
        return torch.stack([self._stacked([k and k[i] for k in known]) for i in (0, 1)])

    def bias_gradients(self) -> Tensor:
        """(parameters,) root mean square of the gradient of each vector; nan for matrices, and where there is
        none. For a bias it is the gradient at the output of its layer, summed over the batch.
        """
        found: Norms = [None] * len(self.parameters)
        for i, p in enumerate(self.parameters):
            g = _dense(p)
            if p.dim() == 1 and g is not None:
                found[i] = torch.linalg.vector_norm(g) / math.sqrt(max(g.numel(), 1))
        absent = torch.full((), math.nan, device=self.parameters[0].device)
        return torch.stack([absent if f is None else f.to(absent.device).float() for f in found])

    def columns(self, *, rounding: bool = False) -> Tensor:
        """(parameters, 5) as in TENSOR, after the step; nan for what was not read. With `rounding`, the share
        of unchanged numbers is counted for every precision, else for half precision alone.
        """
        table = torch.full((len(self.parameters), 5), math.nan, device=self.parameters[0].device)
        if not self._read:
            return table
        norms, weights = self._norms(), torch._foreach_norm(self.copies)
        torch._foreach_sub_(self.copies, self.weights())
        moved = torch._foreach_norm(self.copies)
        pairs = zip(self.copies, self._read, strict=True)
        same = [
            _unchanged(m, p.grad if p.grad is None else local(p.grad))
            if rounding or m.dtype in HALF
            else None
            for m, p in pairs
        ]
        columns = self._stacked([*norms, *weights, *moved, *same, *(self._before_clipping or norms)])
        return table.index_copy_(0, self._places, (columns.view(5, -1) * self._scales).T)

    def are_there(self) -> bool:
        """Whether the memory of what was read at the beginning is still there."""
        return all(has_memory(local(p)) for p in self._read)

    def weights(self) -> list[Tensor]:
        """What is read of the weights, as it is now."""
        return [_part(local(p).detach()) for p in self._read]

    def _norms(self) -> Norms:
        """Euclidean norms of the gradients; None where there is none."""
        gradients = [None if p.grad is None else _in_a_row(local(p.grad)) for p in self._read]
        there = [gradient for gradient in gradients if gradient is not None]
        found = iter(torch._foreach_norm(there) if there else ())
        both = zip(self._read, gradients, strict=True)
        return [self._noted.get(id(p)) if gradient is None else next(found) for p, gradient in both]

    def _stacked(self, values: Norms) -> Tensor:
        """The values as float32 on one device; nan for None."""
        device = self.parameters[0].device
        absent = torch.full((), math.nan, device=device)
        there = [absent if value is None else value for value in values]
        if any(form[-1] != device for form in self._forms):
            there = [value.to(device) for value in there]
        return torch.stack(there).float() if there else torch.zeros(0, device=device)


def local(tensor: Tensor) -> Tensor:
    """The tensor, or the shard of it that this process holds: no process waits for another."""
    shard = getattr(tensor, "_local_tensor", tensor)
    return shard if isinstance(shard, Tensor) else tensor


def _form(p: nn.Parameter) -> tuple[int, int, torch.dtype, torch.device]:
    """What a copy of it depends on."""
    return id(p), local(p).numel(), p.dtype, p.device


def _dense(p: nn.Parameter) -> Tensor | None:
    """The gradient; None where there is none, or a sparse one."""
    return None if p.grad is None or p.grad.is_sparse else local(p.grad).detach()


def _part(tensor: Tensor) -> Tensor:
    """The tensor, or runs of a large one; the stride is odd, so that the runs cover all columns."""
    if tensor.numel() <= ENOUGH:
        return tensor
    flat = tensor.reshape(-1)
    return flat.as_strided((RUNS, RUN), ((len(flat) // RUNS - 1) | 1, 1), flat.storage_offset())


def _scale(tensor: Tensor) -> float:
    """The norm of the whole over that of the part that is read, where all numbers have one distribution."""
    return math.sqrt(tensor.numel() / (RUNS * RUN)) if tensor.numel() > ENOUGH else 1.0


def _in_a_row(gradient: Tensor) -> Tensor:
    """What is read of a gradient, made contiguous because that is faster; all values of a sparse one."""
    if gradient.is_sparse:
        return gradient.detach().coalesce().values() / _scale(gradient)
    return _part(gradient.detach()).contiguous() if gradient.numel() > ENOUGH else gradient.detach()


def _unchanged(moved: Tensor, gradient: Tensor | None) -> Tensor | None:
    """The share of entries with a gradient that a step left unchanged."""
    if gradient is None:
        return None
    live = torch.count_nonzero(_in_a_row(gradient))
    return 1 - torch.count_nonzero(moved) / live.clamp(min=1)


def _at_the_top(gradient: Tensor) -> tuple[Tensor, Tensor] | None:
    """The largest absolute value, and the share of numbers that reach it; None where there are too few."""
    if gradient.numel() < FEWEST:
        return None
    sizes = _in_a_row(gradient).abs()
    largest = sizes.amax()
    bound = (largest * (1 - 1e-6)).clamp(min=torch.finfo(sizes.dtype).tiny)  # zeros are not clamped
    return largest, torch.count_nonzero(sizes >= bound) / sizes.numel()
