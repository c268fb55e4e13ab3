"""Listening to one forward and backward pass: layers by hooks, losses and backward as a function mode.

Only reads. What is read is copied into small tensors on the spot, because the pass may overwrite it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack
from torch.utils.hooks import RemovableHandle

from levinthal.clinic.sample import LayerRead, LossCall, Sample
from levinthal.probes.flat_part import Tails, flat_tails
from levinthal.probes.recording import is_activation

LOSSES = {
    getattr(functional, name): name
    for name in (
        *("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"),
        *("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div", "poisson_nll_loss"),
    )
}
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    name: getattr(functional, name)
    for name in ("relu", "relu6", "elu", "selu", "gelu", "silu", "softplus", "tanh", "sigmoid", "leaky_relu")
}
ENOUGH = 8192
WEIGHTED = (nn.Linear, nn.modules.conv._ConvNd)
PASSING = (nn.modules.dropout._DropoutNd, nn.Identity, nn.Flatten, nn.Unflatten)
NORMS = (nn.modules.batchnorm._BatchNorm,)


@cache
def _tails(name: str) -> Tails:
    return flat_tails(ACTIVATIONS[name])


def _tails_of(modules: Sequence[nn.Module]) -> dict[nn.Module, Tails]:
    """The tails of every activation among the modules, found once for all that print alike."""
    known, found = dict[str, Tails](), dict[nn.Module, Tails]()
    for module in filter(is_activation, modules):
        name = repr(module) if type(module).__module__.startswith("torch.nn.") else str(id(module))
        try:
            known[name] = known.get(name) or flat_tails(module.forward)
        except (RuntimeError, TypeError):  # a function that differs from unit to unit, such as a PReLU
            continue
        found[module] = known[name]
    return found


class Listener(TorchFunctionMode):
    """Writes one step into a Sample, from `begin` to `end`."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.sample: Sample | None = None
        self.names = {module: name for name, module in model.named_modules()}
        leaves = [m for m in model.modules() if next(m.children(), None) is None]
        self.tails = _tails_of(leaves)
        self.leaves = [m for m in leaves if m in self.tails or isinstance(m, (*WEIGHTED, *NORMS, *PASSING))]
        self.on_backward: Callable[[], None] = _nothing
        self.on_gradients: Callable[[], None] = _nothing
        self.on_targets: Callable[[Tensor], None] = _nothing
        self._handles: list[RemovableHandle] = []
        self._current = ""
        self._last: tuple[str, Tensor | None] = ("", None)
        self._on = False

    def begin(self, sample: Sample) -> None:
        """Start to listen."""
        self.sample = sample
        for module in self.leaves:
            self._handles.append(module.register_forward_pre_hook(self._enter))
            self._handles.append(module.register_forward_hook(self._leave))
        if not self._on:
            self.__enter__()  # type: ignore[no-untyped-call]
            self._on = True

    def forward_done(self) -> None:
        """The forward pass is over; its hooks go."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._last = ("", None)

    def end(self) -> None:
        """Stop to listen; where the user has put a mode on top of this one, theirs has to go first."""
        self.forward_done()
        self.sample = None
        stack = _get_current_function_mode_stack()  # type: ignore[no-untyped-call]
        if self._on and stack and stack[-1] is self:
            self.__exit__(None, None, None)
            self._on = False

    def _enter(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        self._current = self.names[module]
        if isinstance(module, NORMS) and self.sample is not None and args:
            if not module.training:
                self.sample.norms_in_eval += (self._current,)
            elif isinstance(args[0], Tensor):
                self.sample.norm_sizes[self._current] = args[0].numel() // max(args[0].shape[1], 1)

    def _leave(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        name, self._current = self._current, ""
        if not isinstance(output, Tensor) or self.sample is None:
            return
        if module in self.tails:
            self._note(name, type(module).__name__, output, args[0], self.tails[module])
        elif isinstance(module, PASSING):
            self._last = (self._last[0], output) if args and args[0] is self._last[1] else self._last
        elif isinstance(module, WEIGHTED):
            before, read = self._last
            if args and args[0] is read:
                self.sample.straight += ((before, name),)
            self._note(name, type(module).__name__, output)
            self._last = (name, output)

    def _note(
        self, name: str, kind: str, output: Tensor, before: Tensor | None = None, tails: Tails | None = None
    ) -> None:
        assert self.sample is not None
        if name in self.sample.names:
            return
        self.sample.names += (name,)
        self.sample.kinds += (kind,)
        with torch._C.DisableTorchFunction():  # else every operation here comes back to the mode
            self.sample.layers.append(_layer_numbers(output.detach(), before, tails))

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        words = kwargs or {}
        if self.sample is None:
            return func(*args, **words)
        if func is _BACKWARD:
            self._backward(args[0])
            result = func(*args, **words)
            self.on_gradients()
            return result
        before = args[0].detach() if func in _BY_FUNCTION and not self._current and args else None
        result = func(*args, **words)
        if func in LOSSES:
            with torch._C.DisableTorchFunction():
                self.sample.losses.append(_loss_call(LOSSES[func], args, words, result))
            self.on_targets(words["target"] if len(args) < 2 else args[1])
        elif func is functional.dropout:
            self._note_drop(args, words)
        elif before is not None and isinstance(result, Tensor):
            name = _BY_FUNCTION[func]
            self._note(f"{name} {len(self.sample.names) + 1}", name, result, before, _tails(name))
        return result

    def _note_drop(self, args: tuple[Any, ...], words: dict[str, Any]) -> None:
        given = dict(zip(("input", "p", "training"), args, strict=False)) | words
        if self.sample is not None and given.get("training", True):
            self.sample.drops[self._current or f"dropout {len(self.sample.drops) + 1}"] = given.get("p", 0.5)

    def _backward(self, root: Tensor) -> None:
        assert self.sample is not None
        if self.sample.loss is None:
            self.sample.loss = root.detach().clone().reshape(-1)[0]
        self.on_backward()


def _nothing(*_: Any) -> None:
    pass


_BACKWARD: Any = Tensor.backward
_BY_FUNCTION: dict[Any, str] = {
    **{function: name for name, function in ACTIVATIONS.items()},
    **{getattr(torch, name): name for name in ("relu", "selu", "tanh", "sigmoid")},
    **{getattr(Tensor, name): name for name in ("relu", "tanh", "sigmoid")},
}


def _layer_numbers(output: Tensor, before: Tensor | None, tails: Tails | None) -> LayerRead:
    """What some rows of the batch tell of a layer, in as few operations as will do."""
    some = _some(output)
    norm, count = torch.linalg.vector_norm(some), some.numel()
    if before is None or tails is None:
        return LayerRead(norm, count)
    x = _some(before.detach())
    units = _units(x)
    if math.isinf(tails.high):
        on = x <= tails.low
        constant = units.amax(0) <= tails.low
    else:
        on = (x <= tails.low) | (x >= tails.high)
        constant = (units.amax(0) <= tails.low) | (units.amin(0) >= tails.high)
    flat, dead = torch.count_nonzero(on), torch.count_nonzero(constant)
    return LayerRead(norm, count, flat, dead, x.numel(), units.shape[1], tails.saturates)


def _some(x: Tensor) -> Tensor:
    """Rows spread evenly over the batch: at least 32 of them, and about 8,192 numbers in all."""
    if x.dim() < 2 or not x.numel():
        return x
    rows = max(32, ENOUGH * len(x) // x.numel())
    return x[:: max(1, len(x) // rows)]


def _units(x: Tensor) -> Tensor:
    """(samples and places, units): channels of a convolution, else the last axis."""
    if x.dim() == 2:
        return x
    axis = 1 if x.dim() >= 4 else -1
    return x.movedim(axis, -1).reshape(-1, x.shape[axis]) if x.dim() > 1 else x.reshape(-1, 1)


def _loss_call(kind: str, args: tuple[Any, ...], words: dict[str, Any], value: Any) -> LossCall:
    given = dict(zip(("input", "target"), args, strict=False)) | words
    x, target = given["input"].detach(), given["target"].detach()
    flat = x.reshape(len(x), -1).float() if x.dim() else x.reshape(1, 1).float()
    low, high = torch.aminmax(flat)
    columns = flat.new_tensor(float(x.shape[1] if x.dim() > 1 else 1))
    off, zeros = (flat.sum(1) - 1).abs().max(), (flat == 0).float().mean()
    counts = spread = None
    if target.is_floating_point():
        spread = torch.stack(tuple(reversed(torch.var_mean(target.float(), correction=0))))
    elif kind in ("cross_entropy", "nll_loss"):
        counts = torch.bincount(target.reshape(-1).clamp(min=0), minlength=x.shape[1 if x.dim() > 1 else 0])
    scalar = value.detach().float().mean() if isinstance(value, Tensor) else None
    rows = torch.stack((off, low, zeros, columns, high))
    reduction = str(words.get("reduction", "mean"))
    return LossCall(kind, reduction, tuple(x.shape), tuple(target.shape), rows, counts, spread, scalar)
