"""External updates: changes of the weights between two steps, outside `optimizer.step()`.

Examples are rounding to a grid, clamping, shrinking, and restoring saved weights. They are read at detailed
samples.
"""

from __future__ import annotations

import torch
from torch import Tensor

from levinthal.clinic.recording.parameter_norms import Tensors
from levinthal.clinic.recording.sample import Sample


class ExternalUpdates:
    """The weights before and after a step, held until the next forward pass of the training."""

    def __init__(self) -> None:
        self.sample: Sample | None = None
        """The step whose weights are held; None where there is none."""
        self._tensors: Tensors | None = None
        self._before: list[Tensor] = []
        self._after: list[Tensor] = []

    def begin(self, sample: Sample, tensors: Tensors) -> None:
        """The step is over: hold what is read of the weights, from before and after it."""
        self.sample, self._tensors = sample, tensors
        self._before = [copy.clone() for copy in tensors.copies]
        self._after = [w.clone(memory_format=torch.contiguous_format) for w in tensors.weights()]

    def read(self) -> None:
        """The next forward pass begins: record what happened to the weights since the step."""
        sample, tensors = self.sample, self._tensors
        self.sample = None
        now = tensors.weights() if tensors and tensors.are_there() else []
        same = len(now) == len(self._before) and all(
            a.shape == b.shape and a.device == b.device for a, b in zip(now, self._before, strict=False)
        )
        if sample is not None and same and now:
            sample.external_update = external_update(self._before, self._after, now)
        self._before, self._after = [], []


def external_update(before: list[Tensor], after: list[Tensor], now: list[Tensor]) -> Tensor:
    """What happened to the weights between a step and the next forward pass.

    Args:
        before: The weights before the step.
        after: The weights after the step.
        now: The weights at the next forward pass.

    Returns:
        (2,) the share of changed weights that have their old value again, and the norm of all weights over
        what it was after the step.

    >>> x = torch.zeros(4)
    >>> external_update([x], [x + 1], [torch.tensor([0.0, 1.0, 1.0, 1.0])]).tolist()[0]
    0.25
    """
    device = before[0].device
    changed = [a != b for a, b in zip(before, after, strict=True)]
    moved = torch.stack([torch.count_nonzero(one).to(device) for one in changed])
    both = zip(changed, before, now, strict=True)
    back = torch.stack([torch.count_nonzero(one & (a == c)).to(device) for one, a, c in both])
    sizes = [
        torch.linalg.vector_norm(torch.stack([n.to(device).float() for n in torch._foreach_norm(w)]))
        for w in (now, after)
    ]
    return torch.stack((back.sum() / moved.sum().clamp(min=1), sizes[0] / sizes[1].clamp(min=1e-30)))
