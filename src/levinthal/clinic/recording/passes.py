"""One pass of a model: its outputs, a mark of each layer, and calls that an evaluation should not make."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import _disable_current_modes

from levinthal.clinic.recording.function_modes import all_removed
from levinthal.clinic.recording.functions import DROPOUTS
from levinthal.clinic.recording.nested import named_tensors
from levinthal.probes.untouched import random_states_restored

Given = tuple[tuple[Any, ...], dict[str, Any]]
"""The arguments of a call, and its keyword arguments."""
Marks = list[tuple[str, Tensor]]
"""Layer and (rows,) a number for each row of its output, in the order of the calls."""
MOST_LAYERS, VECTORS = 512, 2
OF_SEQUENCES = (nn.RNNBase, nn.MultiheadAttention)
"""Layers that take vectors (rows of two axes) for one sequence."""
SOFTMAXES = {
    *(torch.softmax, torch.log_softmax, Tensor.softmax, Tensor.log_softmax),
    *(nn.functional.softmax, nn.functional.log_softmax),
}


@contextmanager
def alone() -> Iterator[None]:
    """Outside of the user's modes of functions, dispatch and autograd; random states are restored."""
    with all_removed(), _disable_current_modes(), random_states_restored():
        grad = torch.is_grad_enabled()
        try:
            yield
        finally:
            torch._C._set_grad_enabled(grad)


def main_output(outputs: list[Tensor], rows: int) -> Tensor | None:
    """The first output with a row for each row of the input."""
    return next((x for x in outputs if x.dim() and len(x) == rows), None)


def outputs(model: nn.Module, given: Given, notes: Notes | None = None) -> tuple[list[Tensor], Marks]:
    """The float tensors that a model returns, and a mark of each layer's rows.

    Args:
        model: A copy, in the mode that is wanted.
        given: The arguments.
        notes: Records some calls of functions.
    """
    marks: Marks = []
    whole = nn.MultiheadAttention  # its parts are not called
    named = model.named_modules()
    leaves = ((name, m) for name, m in named if isinstance(m, whole) or next(m.children(), None) is None)
    handles = [module.register_forward_hook(_marking(name, marks, notes)) for name, module in leaves]
    try:
        if notes is None:
            output = _called(model, given)
        else:
            with notes:
                output = _called(model, given)
    finally:
        for handle in handles:
            handle.remove()
    return [x.detach() for _, x in named_tensors(output) if x.is_floating_point()], marks


def _marking(name: str, marks: Marks, notes: Notes | None) -> Callable[..., None]:
    """A hook that notes a number for each row of a layer's output."""

    def mark(module: nn.Module, args: Any, output: Any) -> None:
        if notes is not None and isinstance(module, OF_SEQUENCES):
            notes.is_unbatched |= isinstance(args[0], Tensor) and args[0].dim() == VECTORS
        if len(marks) < MOST_LAYERS:
            found = next((x for _, x in named_tensors(output) if x.dim() and x.is_floating_point()), None)
            if found is not None:
                marks.append((name, found.detach().double().reshape(len(found), -1).sum(1)))

    return mark


class Notes(TorchFunctionMode):
    """Notes dropouts that are active, softmaxes over the first axis, whether there is any softmax or one over
    places, and whether a recurrence or an attention reads its rows as one sequence.
    """

    def __init__(self, dropouts: dict[str, float], rows: int) -> None:
        super().__init__()
        self.dropouts, self.rows = dropouts, rows
        self.softmax_over_rows = self.attends = self.over_places = self.is_unbatched = False

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        words = kwargs or {}
        name = getattr(func, "__name__", "")
        if func is nn.functional.scaled_dot_product_attention:
            p = dict(zip(("q", "k", "v", "mask", "dropout_p"), args, strict=False)) | words
            self.attends = self.over_places = True
            self._note("scaled_dot_product_attention", float(p.get("dropout_p", 0.0)), True)
        elif name in DROPOUTS:
            given = dict(zip(("input", "p", "training"), args, strict=False)) | words
            of_torch = getattr(func, "__module__", "") != nn.functional.__name__
            is_on = given.get("training", given.get("train", not of_torch))
            self._note(name, float(given.get("p", 0.5)), bool(is_on))
        elif func in SOFTMAXES:
            self.attends = True
            given = dict(zip(("input", "dim"), args, strict=False)) | words
            x, dim = given["input"], given.get("dim")
            self.over_places |= isinstance(x, Tensor) and x.dim() > VECTORS
            if isinstance(x, Tensor) and x.dim() > 1 and dim in (0, -x.dim()) and len(x) == self.rows:
                self.softmax_over_rows = True
        return func(*args, **words)

    def _note(self, name: str, p: float, is_on: bool) -> None:
        if is_on and p > 0 and len(self.dropouts) < MOST_LAYERS:
            self.dropouts[f"{name} {len(self.dropouts) + 1}"] = p


def _called(model: nn.Module, given: tuple[tuple[Any, ...], dict[str, Any]]) -> Any:
    """One pass without gradients, or with them where the model asks for gradients itself."""
    args, words = given
    try:
        with torch.no_grad():
            return model(*args, **words)
    except RuntimeError as error:
        if "grad" not in str(error):
            raise
        with torch.enable_grad(), saved_tensors_hooks(_same, _same):
            return model(*args, **words)


def _same(tensor: Tensor) -> Tensor:
    return tensor
