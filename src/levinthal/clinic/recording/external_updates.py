"""Between two steps: whether another hand than the optimiser's changes the weights; asked at closer looks.

Rounding to a grid, clamping, shrinking, saved weights put back: the step is made, and then it is unmade.
"""

from __future__ import annotations

import torch
from torch import Tensor

from levinthal.clinic.recording.history import Sample
from levinthal.clinic.recording.parameter_norms import Tensors


class ExternalUpdates:
    """The weights before and after a step, kept until the next forward pass that trains."""

    def __init__(self) -> None:
        self.sample: Sample | None = None
        """The step whose weights are kept; None where there is none."""
        self._tensors: Tensors | None = None
        self._before: list[Tensor] = []
        self._after: list[Tensor] = []

    def begin(self, sample: Sample, tensors: Tensors) -> None:
        """The step is over: keep what is read of the weights, before it and after it."""
        self.sample, self._tensors = sample, tensors
        self._before = [copy.clone() for copy in tensors.copies]
        self._after = [w.clone(memory_format=torch.contiguous_format) for w in tensors.weights()]

    def read(self) -> None:
        """The next forward pass begins: write down what has become of the step."""
        sample, tensors = self.sample, self._tensors
        self.sample = None
        now = tensors.weights() if tensors else []
        alike = len(now) == len(self._before) and all(
            a.shape == b.shape and a.device == b.device for a, b in zip(now, self._before, strict=False)
        )
        if sample is not None and alike and now:
            sample.external_update = external_update(self._before, self._after, now)
        self._before, self._after = [], []


def external_update(before: list[Tensor], after: list[Tensor], now: list[Tensor]) -> Tensor:
    """(2,): of the numbers that a step moved, the share that is back where it was before the step; and the
    norm of all numbers over what it was when the step was over.

    >>> x = torch.zeros(4)
    >>> between([x], [x + 1], [torch.tensor([0.0, 1.0, 1.0, 1.0])]).tolist()[0]
    0.25
    """
    device = before[0].device
    moved = torch.stack([torch.count_nonzero(a != b).to(device) for a, b in zip(before, after, strict=True)])
    both = zip(before, after, now, strict=True)
    back = torch.stack([torch.count_nonzero((a != b) & (a == c)).to(device) for a, b, c in both])
    sizes = [
        torch.linalg.vector_norm(torch.stack([n.to(device).float() for n in torch._foreach_norm(w)]))
        for w in (now, after)
    ]
    return torch.stack((back.sum() / moved.sum().clamp(min=1), sizes[0] / sizes[1].clamp(min=1e-30)))
