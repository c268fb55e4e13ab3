"""Evaluate a module without changing it: buffers, modes, gradients, hooks and random states are restored."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle


@contextmanager
def untouched(model: nn.Module) -> Iterator[list[RemovableHandle]]:
    """Undo on exit, to the bit, every change that a forward or backward pass makes to the module.

    Weights are not copied, because neither pass writes to them. These are restored: buffers (running
    statistics, power iterations), every module's mode, every parameter's gradient and `requires_grad`, and
    the random states of torch, numpy and Python. Hooks whose handles are put into the list are removed.
    """
    before, handles = _State.of(model), list[RemovableHandle]()
    cuda = sorted({p.device.index for p in model.parameters() if p.device.type == "cuda"})
    draws, numpy_draws = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(cuda), torch.inference_mode(False), torch.enable_grad():
            yield handles
    finally:
        for handle in handles:
            handle.remove()
        before.restore(model)
        random.setstate(draws)
        np.random.set_state(numpy_draws)


@dataclass(frozen=True, slots=True)
class _State:
    """A module's buffers (the tensors and their content), modes, and gradients."""

    buffers: dict[nn.Module, dict[str, tuple[Tensor | None, Tensor | None]]]
    training: dict[nn.Module, bool]
    gradients: dict[nn.Parameter, tuple[bool, Tensor | None, Tensor | None]]

    @staticmethod
    def of(model: nn.Module) -> _State:
        return _State(
            {m: {k: (b, _copy(b)) for k, b in m._buffers.items()} for m in model.modules()},
            {m: m.training for m in model.modules()},
            {p: (p.requires_grad, p.grad, _copy(p.grad)) for p in model.parameters()},
        )

    @torch.no_grad()
    def restore(self, model: nn.Module) -> None:
        for module in model.modules():
            module.training = self.training.get(module, module.training)
            for name, (tensor, content) in self.buffers.get(module, {}).items():
                # a module may have rebound the name: restore the tensor itself, and its content
                module._buffers[name] = _refill(tensor, content)
        for parameter, (required, gradient, content) in self.gradients.items():
            parameter.requires_grad_(required)
            parameter.grad = _refill(gradient, content)


def _copy(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.detach().clone()


def _refill(tensor: Tensor | None, content: Tensor | None) -> Tensor | None:
    if tensor is None or content is None or tensor.is_sparse:  # no pass writes into a sparse gradient
        return tensor
    if not torch.equal(tensor, content):
        tensor.copy_(content)
    return tensor
