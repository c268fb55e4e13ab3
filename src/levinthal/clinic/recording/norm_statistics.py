"""The running statistics of batch norms that are frozen: in training mode they follow the batches."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from levinthal.clinic.recording.apart import is_readable


def frozen_statistics(model: nn.Module) -> dict[str, Tensor]:
    """Batch norm of which no parameter requires a gradient -> its `statistics`."""
    norms = [(name, m) for name, m in model.named_modules() if isinstance(m, _BatchNorm) and m.affine]
    frozen = [(name, m) for name, m in norms if not any(p.requires_grad for p in m.parameters())]
    return {name: statistics(m) for name, m in frozen if is_readable(m.running_mean)}


def statistics(norm: _BatchNorm) -> Tensor:
    """(3, units) the running mean and variance of a batch norm, and how many batches they are of.

    >>> statistics(nn.BatchNorm1d(2))
    tensor([[0., 0.],
            [1., 1.],
            [0., 0.]])
    """
    mean, variance, count = norm.running_mean, norm.running_var, norm.num_batches_tracked
    assert mean is not None
    assert variance is not None
    batches = mean.new_zeros(()) if count is None else count.to(mean)
    return torch.stack((mean, variance, batches.expand_as(mean))).detach().float()
