"""Record one forward and backward pass: layers by their calls, losses and backward by a function mode.

It only reads. What is read is copied into small tensors at once, because the pass may overwrite it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from levinthal.clinic.recording import function_modes, functions
from levinthal.clinic.recording.apart import apart, is_ordinary, is_readable
from levinthal.clinic.recording.attention import ATTENTION
from levinthal.clinic.recording.batch_stats import layer_numbers, some_rows
from levinthal.clinic.recording.calls import Calls
from levinthal.clinic.recording.detailed_notes import DetailedNotes
from levinthal.clinic.recording.function_calls import (
    name_of_call,
    note_difference,
    note_dropout,
    note_least,
    note_log_softmax,
    note_loss,
    note_loss_call,
    note_norm,
    note_softmax,
    rows_before,
    version_of,
)
from levinthal.clinic.recording.functions import RECORDED
from levinthal.clinic.recording.layers import ACTIVATIONS, Leaf, tails_of_call
from levinthal.clinic.recording.sample import Sample
from levinthal.clinic.recording.unreduced import Unreduced
from levinthal.probes.saturation import Tails


def _nothing(*_: Any) -> None:
    """The callback that does nothing."""


class StepRecorder(TorchFunctionMode):
    """Writes one step into a Sample, from `begin` to `end`: of compiled modules losses and gradients alone,
    and nothing of what a backward pass computes again (checkpointing), nor within transforms of `torch.func`.

    Attributes:
        sample: The sample of the present step; None between steps.
        leaves: The modules that are recorded.
        on_backward: Is called before each backward pass.
        on_gradients: Is called after each backward pass.
        on_targets: Is called with the targets of each loss.
        safely: Calls the recorder's own readings; a watch catches their errors here.
        is_disabled: Whether the forward pass is not recorded.
        by_parts: Whether the loop calls parts of the model, and not the model.
        depth: [the number of parts whose call is going on].
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.sample: Sample | None = None
        found = {module: Leaf.of(name, module) for name, module in model.named_modules()}
        self.leaves = {module: leaf for module, leaf in found.items() if leaf is not None}
        self.on_backward: Callable[[], None] = _nothing
        self.on_gradients: Callable[[], None] = _nothing
        self.on_targets: Callable[..., None] = _nothing
        self.safely: Callable[..., None] = apart
        self.is_disabled = self.by_parts = False
        self.depth = [0]
        self._notes, self._unreduced = DetailedNotes(model), Unreduced()
        self._detailed = False
        recorded = dict.fromkeys((*self.leaves, *self._notes.recurrent))
        self._calls = {module: Calls(module, self._enter, self._leave) for module in recorded}
        self._norm_calls = [self._calls[module] for module, leaf in self.leaves.items() if leaf.is_norm]
        self._begun: list[Calls] = []
        self._kinds: dict[str, str] = {}
        self._inside = self._in_forward = self._in_backward = self._layers = self._rows = False
        self._current = ""
        self._last: tuple[str, Tensor | None, int] = ("", None, 0)
        self._overwritten: Tensor | None = None
        self._entered = 0

    def begin(self, sample: Sample, *, layers: bool = True) -> None:
        """Start to record; without `layers`, as little of the forward pass as is needed."""
        self.sample, self._kinds, self._current = sample, {}, ""
        self._in_forward, self._layers, self._rows = True, layers and not self.is_disabled, layers
        self._detailed = self._layers and sample.detailed
        some = (self._layers or self._inside or self.by_parts) and not self.is_disabled
        self._begun = [] if self.is_disabled else [*self._calls.values()] if some else self._norm_calls
        for calls in self._begun:
            calls.begin()
        if some:
            self.join()

    def forward_done(self) -> None:
        """The forward pass is over: leave the modules alone again."""
        for calls in self._begun:
            calls.end()
        self._begun = []
        self._last, self._overwritten, self._in_forward = ("", None, 0), None, False
        self._notes.forward_done()
        if self.sample is not None:
            self.sample.names, self.sample.kinds = tuple(self._kinds), tuple(self._kinds.values())
            self.join()

    def end(self) -> None:
        """Stop to record."""
        self.forward_done()
        self.sample, self._unreduced = None, Unreduced()  # which would hold the graph
        function_modes.leave(self)

    def join(self) -> None:
        """Record function calls from here on."""
        function_modes.join(self)

    @property
    def _is_outside(self) -> bool:
        """Whether no module's forward is going on, as far as is known."""
        return self.depth[0] == 0 if self.by_parts else not self._in_forward

    def _is_seen(self) -> bool:
        """Whether the present call is recorded: an evaluation may fall into an accumulated step."""
        return self.sample is not None and not self._in_backward and torch.is_grad_enabled()

    def _enter(self, module: nn.Module, args: tuple[Any, ...], _: dict[str, Any]) -> None:
        """Before a module is called."""
        if self._is_seen():
            with torch._C.DisableTorchFunction():  # not to come to our own mode by each attribute
                self._note_call(module, args)

    def _note_call(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        leaf = self.leaves.get(module)
        if self._detailed and module in self._notes.recurrent:
            self.safely(self._notes.length, self.sample, module, args)
        if leaf is not None:
            self._current, self._entered = leaf.name, version_of(args[0] if args else None)
            if leaf.is_norm:
                self.safely(note_norm, self.sample, leaf.name, module.training, args)
            if leaf.tails is not None and getattr(module, "inplace", False) and args:
                self.safely(self._copy_before, args[0])

    def _copy_before(self, before: Any) -> None:
        """Copy some rows of what an activation will overwrite."""
        self._overwritten = some_rows(before.detach()).clone() if is_readable(before) else None

    def _leave(self, module: nn.Module, args: tuple[Any, ...], _: dict[str, Any], output: Any) -> None:
        """After a module was called."""
        leaf = self.leaves.get(module)
        before, self._overwritten = self._overwritten, None
        if leaf is not None:
            self._current = ""
        if not self._is_seen():
            return
        with torch._C.DisableTorchFunction():
            if leaf is None:
                if self._detailed:
                    self.safely(self._notes.gates, self.sample, module, args, output)
            elif self._layers and args and is_readable(output):
                self._note_leaf(module, leaf, args[0], before, output)

    def _note_leaf(
        self, module: nn.Module, leaf: Leaf, inputs: Any, before: Tensor | None, output: Tensor
    ) -> None:
        """The statistics of a leaf, and what is between it and the last weighted layer."""
        assert self.sample is not None
        name, read, version = self._last
        is_direct = read is not None and inputs is read and self._entered == version  # else changed in place
        if leaf.is_passing:
            self._last = (name, output, version_of(output)) if is_direct else self._last
        elif leaf.is_weighted:
            self.sample.direct_pairs += ((name, leaf.name),) if is_direct else ()
            is_half = getattr(module, "groups", 1) > 1  # depthwise, then pointwise: one layer in two modules
            self._last = ("", None, 0) if is_half else (leaf.name, output, version_of(output))
            if self._detailed and is_readable(inputs):
                self.safely(self._notes.weighted, self.sample, leaf, inputs, output)
                self._notes.is_nonlinear = is_half
        if leaf.is_weighted or leaf.tails is not None:
            given = inputs if before is None else before
            self.safely(self._note_layer, leaf.name, leaf.kind, output, given, leaf.tails)
        if leaf.is_weighted and self._detailed:
            self.safely(self._notes.rank, self.sample, leaf.name, output)

    def _note_layer(self, name: str, kind: str, output: Tensor, before: Tensor, tails: Tails | None) -> None:
        """The statistics of a layer or of an activation, at its first call."""
        self._notes.activation(tails)
        is_known = tails is None or is_readable(before)
        if self.sample is not None and name not in self._kinds and output.numel() and is_known:
            self.sample.layers.append(layer_numbers(output, before, tails))
            self._kinds[name] = kind

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kind = RECORDED.get(func)  # None for most functions; this runs before every call of any function
        words = kwargs or {}
        if kind is None or not self._is_seen() or not is_ordinary():
            return func(*args, **words)
        if kind is functions.BACKWARD:
            return self._backward(func, args, words)
        is_act = kind in ACTIVATIONS and not self._current and bool(args) and is_readable(args[0])
        before = rows_before(func, args, words) if is_act and (self._in_forward and self._layers) else None
        result = func(*args, **words)
        if kind not in ACTIVATIONS:
            if all(is_readable(x) for x in (*args, *words.values()) if isinstance(x, Tensor)):
                self._note_function(kind, func, args, words, result)
        elif before is not None and is_readable(result):
            tails = tails_of_call(kind, args, words)
            self.safely(self._note_layer, name_of_call(kind, self._kinds), kind, result, before, tails)
        return result

    def _backward(self, func: Any, args: tuple[Any, ...], words: dict[str, Any]) -> Any:
        """A backward pass, with the readings before and after it."""
        self.safely(note_loss, self.sample, args[0])
        self.safely(self._unreduced.settle, args[0])
        self.safely(self.on_backward)
        self._in_backward = True
        try:
            result = func(*args, **words)
        finally:
            self._in_backward = False
        self.safely(self.on_gradients)
        return result

    def _note_function(
        self, kind: str, func: Any, args: tuple[Any, ...], words: dict[str, Any], result: Any
    ) -> None:
        """A call of a function that is no activation."""
        if func in functions.SOFTMAXES:
            self.safely(note_softmax, self.sample, kind, args, words)
        if kind == functions.DIFFERENCE:
            if self._is_outside and len(args) > 1 and all(isinstance(x, Tensor) for x in args[:2]):
                self.safely(note_difference, self.sample, *args[:2], self.on_targets)
        elif kind == functions.LOG_SOFTMAX:
            if self._is_outside and self._rows:
                self.safely(note_log_softmax, self.sample, args, words)
        elif kind in functions.ROOTS:
            self.safely(note_least, self.sample, kind, args[0] if args else None, result)
        elif kind == functions.DROPOUT:
            self._inside |= self._in_forward
            self.safely(note_dropout, self.sample, self._current, args, words)
        elif func in ATTENTION:
            if self._detailed and self._in_forward:
                self.safely(self._notes.attention, self.sample, kind, args, words, result)
        elif kind == functions.DRAWN:
            self._unreduced.drawn.append(result)
        else:
            self._inside |= self._in_forward
            reads = self._rows, self.on_targets, self._unreduced.note
            self.safely(note_loss_call, self.sample, kind, args, words, result, *reads)
