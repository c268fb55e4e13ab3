"""Evaluate a module without changing it: buffers, modes, gradients, hooks and random states are restored."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from levinthal.errors import InputError
from levinthal.probes.forward_state import MOST_BYTES, ForwardState


@dataclass(frozen=True, slots=True)
class RandomStates:
    """The states of all global generators: Python's, numpy's, and torch's on every device in use.

    >>> states = RandomStates.now()
    >>> _ = torch.rand(1)
    >>> states.arrays_moved()
    True
    >>> states.restore()
    >>> states.arrays_moved()
    False
    """

    python: Any
    numpy: Any
    torch: Tensor
    devices: tuple[tuple[Any, Any], ...]
    """The module of an accelerator in use (torch.cuda, ...), and the state of each of its devices."""

    @staticmethod
    def now() -> RandomStates:
        """The present states."""
        held = tuple((device, _states(device)) for device in _in_use())
        return RandomStates(random.getstate(), np.random.get_state(), torch.get_rng_state(), held)

    def restore(self) -> None:
        """Set every generator to its state again."""
        random.setstate(self.python)
        np.random.set_state(self.numpy)
        torch.set_rng_state(self.torch)
        for device, states in self.devices:
            if hasattr(device, "set_rng_state_all"):
                device.set_rng_state_all(states)
            else:
                device.set_rng_state(states[0])

    def arrays_moved(self) -> bool:
        """Whether numpy or torch has drawn a number. (Type checkers draw from Python's own generator.)"""
        numpy = all(np.array_equal(a, b) for a, b in zip(self.numpy, np.random.get_state(), strict=True))
        pairs = [(self.torch, torch.get_rng_state())]
        for device, states in self.devices:
            pairs += zip(states, _states(device), strict=True)
        return not numpy or not all(torch.equal(a, b) for a, b in pairs)


def _in_use() -> list[Any]:
    """The accelerators that have generators in use."""
    lazy = [device for device in (torch.cuda, torch.xpu) if device.is_initialized()]
    return [*lazy, *([torch.mps] if torch.backends.mps.is_available() else [])]


def _states(device: Any) -> list[Tensor]:
    """The state of every device of an accelerator."""
    every = getattr(device, "get_rng_state_all", None)
    return list(every()) if every else [device.get_rng_state()]


@contextmanager
def random_states_restored() -> Iterator[RandomStates]:
    """Restore all global random states afterwards."""
    before = RandomStates.now()
    try:
        yield before
    finally:
        before.restore()


@contextmanager
def untouched(
    model: nn.Module, *, in_training: bool = False, also: Iterable[Any] = ()
) -> Iterator[list[RemovableHandle]]:
    """Undo on exit, to the bit, every change that a forward or backward pass makes to the module.

    These are restored: buffers (running statistics, power iterations), every module's mode, every parameter's
    gradient and `requires_grad`, the random states of torch (on every device in use), numpy and Python, and
    what the code of the module can reach in Python (see `ForwardState`). Hooks whose handles are put into the
    list are removed.

    Args:
        model: The module.
        in_training: Whether the module is being trained by someone else. Up to 256 MiB of its parameters are
            restored too, because a forward pass may clamp them.
        also: Functions that are called beside it, whose state is restored too: a loss.

    Raises:
        InputError: `in_training`, and the module holds what cannot be restored, such as an iterator.
    """
    held = [*model.buffers(), *model.parameters()]
    if in_training and sum(p.nbytes for p in model.parameters()) <= MOST_BYTES:
        held = list(model.buffers())
    reached = ForwardState.of(model, apart_from=held, also=also)
    if in_training and reached.one_way:
        raise InputError(f"a pass of ours would change the model, and could not be undone: {reached.one_way}")
    before, handles = _State.of(model), list[RemovableHandle]()
    with random_states_restored():
        try:
            with torch.inference_mode(False), torch.enable_grad():
                yield handles
        finally:
            for handle in handles:
                handle.remove()
            before.restore(model)
            reached.restore()


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
            if (
                parameter.requires_grad != required
            ):  # a tensor made in inference mode refuses even the same value
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
