"""Listening to one forward and backward pass: layers by hooks, losses and backward as a function mode.

Only reads. What is read is copied into small tensors on the spot, because the pass may overwrite it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack, _pop_mode, _push_mode
from torch.utils._device import DeviceContext
from torch.utils.hooks import RemovableHandle

from levinthal.clinic.recording.attention import ATTENTION, attention_numbers, choice_numbers
from levinthal.clinic.recording.batch_stats import (
    layer_numbers,
    loss_call,
    loss_rows,
    rows_summed,
    target_numbers,
)
from levinthal.clinic.recording.detailed_stats import affine_residual, effective_rank, some_units
from levinthal.clinic.recording.history import Sample
from levinthal.clinic.recording.layers import ACTIVATIONS, Leaf, tails_of_call
from levinthal.clinic.recording.recurrences import RECURRENT, gates, length
from levinthal.probes.flat_part import Tails

LOSSES = {
    getattr(functional, name): name
    for name in (
        *("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"),
        *("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div", "poisson_nll_loss"),
    )
}
MOST_CALLS = 64
"""Losses, and shares dropped, that are written down of one step."""


def is_compiled(model: nn.Module) -> bool:
    """Whether a module or a part of it is compiled."""
    return any(
        hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) is not None
        for module in model.modules()
    )


class StepRecorder(TorchFunctionMode):
    """Writes one step into a Sample, from `begin` to `end`.

    A compiled part is not listened into, since the listening would be compiled with it: where there is one,
    losses and gradients are heard, and no layers.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.sample: Sample | None = None
        found = {module: Leaf.of(name, module) for name, module in model.named_modules()}
        self.leaves = {module: leaf for module, leaf in found.items() if leaf is not None}
        self.on_backward: Callable[[], None] = _nothing
        self.on_gradients: Callable[[], None] = _nothing
        self.on_targets: Callable[[Tensor], None] = _nothing
        self.safely: Callable[..., None] = _plainly
        """How the listener's own reading is called."""
        self.is_disabled = False
        """Whether the forward pass is not listened to."""
        named = ((module, name) for name, module in model.named_modules())
        self._recurrent = {module: name for module, name in named if isinstance(module, RECURRENT)}
        self._detailed = False
        self._handles: list[RemovableHandle] = []
        self._kinds: dict[str, str] = {}
        self._has_norms = any(leaf.is_norm for leaf in self.leaves.values())
        self._inside = self._in_forward = self._layers = self._rows = False
        self._current = ""
        self._last: tuple[str, Tensor | None] = ("", None)
        self._last_output: tuple[str, Tensor | None] = ("", None)
        """The last weighted layer, and a copy of some of what it gave, at a closer look."""
        self._is_nonlinear = False
        """Whether an activation was heard since."""
        self._choices: list[Tensor] = []
        """What softmaxes over places gave; they choose what to attend to if a weighted layer comes after."""

    def begin(self, sample: Sample, *, layers: bool = True) -> None:
        """Start to listen; without `layers` to no more of the forward pass than is needed."""
        self.sample, self._kinds, self._current = sample, {}, ""
        self._in_forward, self._layers, self._rows = True, layers and not self.is_disabled, layers
        self._detailed = self._layers and sample.detailed
        some = self._layers or (self._inside and not self.is_disabled)
        if some or (self._has_norms and not self.is_disabled):
            self._handles = [  # for all modules there are: two calls instead of two for every leaf
                register_module_forward_pre_hook(self._enter),
                register_module_forward_hook(self._leave),
            ]
        if some:
            self.join()

    def forward_done(self) -> None:
        """The forward pass is over; its hooks go."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._last = self._last_output = ("", None)
        self._in_forward, self._choices = False, []
        if self.sample is not None:
            self.sample.names, self.sample.kinds = tuple(self._kinds), tuple(self._kinds.values())
            self.join()

    def end(self) -> None:
        """Stop to listen."""
        self.forward_done()
        self.sample = None
        if self in _get_current_function_mode_stack():  # type: ignore[no-untyped-call]
            with _modes_above_removed(self):
                _pop_mode()  # type: ignore[no-untyped-call]

    def join(self) -> None:
        """Hear functions from here on.

        Under the user's own modes, which take the topmost off when they are left; above a device's, which
        has to be lowest.
        """
        stack = _get_current_function_mode_stack()  # type: ignore[no-untyped-call]
        if self not in stack:
            with _modes_above_removed(stack[0] if stack and isinstance(stack[0], DeviceContext) else None):
                _push_mode(self)  # type: ignore[no-untyped-call]

    def _enter(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        leaf = self.leaves.get(module)
        if self._detailed and module in self._recurrent and torch.is_grad_enabled():
            self.safely(self._note_recurrence, self._recurrent[module], length(module, args))
        if leaf is not None and torch.is_grad_enabled():  # an evaluation may fall into an accumulated step
            self._current = leaf.name
            if leaf.is_norm:
                self.safely(self._note_norm, leaf, module.training, args)

    def _note_norm(self, leaf: Leaf, training: bool, args: tuple[Any, ...]) -> None:
        assert self.sample is not None
        if not training:
            self.sample.norms_in_eval += (leaf.name,)
        elif args and isinstance(args[0], Tensor):
            self.sample.norm_sizes[leaf.name] = args[0].numel() // max(args[0].shape[1], 1)

    def _leave(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        leaf = self.leaves.get(module)
        if leaf is None:
            if self._detailed and module in self._recurrent and torch.is_grad_enabled():
                self.safely(self._note_gates, module, args, output)
            return
        self._current = ""
        heard = self.sample is not None and self._layers and torch.is_grad_enabled()
        if not heard or self.sample is None or not args or not isinstance(output, Tensor):
            return
        name, read = self._last
        if leaf.is_passing:
            self._last = (name, output) if args[0] is read else self._last
        elif leaf.is_weighted:
            self.sample.direct_pairs += ((name, leaf.name),) if args[0] is read else ()
            halved = getattr(module, "groups", 1) > 1  # depthwise, then pointwise: one layer in two
            self._last = ("", None) if halved else (leaf.name, output)
            if self._detailed:
                self.safely(self._note_affine_residual, leaf, args[0], output)
                self._is_nonlinear = halved
        if leaf.is_weighted or leaf.tails is not None:
            self.safely(self._note, leaf.name, leaf.kind, output, args[0], leaf.tails)
        if leaf.is_weighted and self._detailed:
            self.safely(self._note_rank, leaf.name, output)

    def _note(self, name: str, kind: str, output: Tensor, before: Tensor, tails: Tails | None) -> None:
        self._is_nonlinear |= tails is not None and any(map(math.isfinite, (tails.low, tails.high)))
        if self.sample is not None and name not in self._kinds and output.numel():
            self.sample.layers.append(layer_numbers(output, before, tails))
            self._kinds[name] = kind

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        meant = _FUNCTIONS.get(func)  # for most functions None: this comes before every call of any
        words = kwargs or {}
        if meant is None or self.sample is None or not torch.is_grad_enabled():
            return func(*args, **words)
        if meant is _BACKWARD:
            self.safely(self._note_loss, args[0])
            self.safely(self.on_backward)
            result = func(*args, **words)
            self.safely(self.on_gradients)
            return result
        before = args[0].detach() if meant in ACTIVATIONS and not self._current and args else None
        result = func(*args, **words)
        if meant == _DIFFERENCE:
            if not self._in_forward:
                self._note_difference(args)
        elif meant == _NORMED:
            if not self._in_forward and self._rows:
                self.safely(self._note_normed, args, words)
        elif meant == "dropout":
            self.safely(self._note_drop, args, words)
        elif func in ATTENTION:
            if self._detailed and self._in_forward:
                self.safely(self._note_attention, meant, args, words, result)
        elif meant not in ACTIVATIONS:
            self.safely(self._note_call, meant, args, words, result)
        elif before is not None and isinstance(result, Tensor) and self._in_forward and self._layers:
            tails = tails_of_call(meant, args, words)
            self.safely(self._note, f"{meant} {len(self._kinds) + 1}", meant, result, before, tails)
        return result

    def _note_call(self, kind: str, args: tuple[Any, ...], words: dict[str, Any], result: Any) -> None:
        given = dict(zip(("input", "target"), args, strict=False)) | words
        self._inside |= self._in_forward
        if self.sample is not None and len(self.sample.losses) < MOST_CALLS:
            self.sample.losses.append(loss_call(kind, given, result, rows=self._rows))
            self.on_targets(given["target"])

    def _note_difference(self, args: tuple[Any, ...]) -> None:
        """A difference or product of (n, 1) and (n,), which broadcasting makes one of every pair."""
        if self.sample is None or len(args) < 2 or not all(isinstance(side, Tensor) for side in args[:2]):
            return
        self.safely(self._note_target, *args[:2])
        a, b = tuple(args[0].shape), tuple(args[1].shape)
        if {len(a), len(b)} == {1, 2} and a[0] == b[0] > 1 and max(a, b, key=len)[1] == 1:
            self.sample.broadcast = (a, b)

    def _note_target(self, a: Tensor, b: Tensor) -> None:
        """A difference of what is learnt and what is not, in a step without a loss function of torch's."""
        if self.sample is None or self.sample.losses or self.sample.difference is not None:
            return
        numbers = a.is_floating_point() and b.is_floating_point() and a.shape == b.shape and a.numel() > 1
        if numbers and a.requires_grad != b.requires_grad and len(a) == self.sample.batch_size:
            target = (b if a.requires_grad else a).detach()
            apart = (a.detach() - b.detach()).float()
            told = (*target_numbers(target.reshape(-1)), apart.square().mean(), apart.abs().mean())
            self.sample.difference = torch.stack([number.float() for number in told])
            self.on_targets(target)

    def _note_normed(self, args: tuple[Any, ...], words: dict[str, Any]) -> None:
        """What a log-softmax, or the logarithm of a sum of exponentials, outside the model is given."""
        given = dict(zip(("input", "dim"), args, strict=False)) | words
        x, dim = given["input"].detach(), given.get("dim")
        if self.sample is not None and x.dim() > 1 and isinstance(dim, int) and x.shape[dim] > 1:
            rows = x.movedim(dim, -1).reshape(-1, x.shape[dim])
            self.sample.log_softmax_inputs += (
                [loss_rows(rows)] if len(self.sample.log_softmax_inputs) < MOST_CALLS else []
            )

    def _note_drop(self, args: tuple[Any, ...], words: dict[str, Any]) -> None:
        self._inside |= self._in_forward
        given = dict(zip(("input", "p", "training"), args, strict=False)) | words
        if (
            self.sample is not None
            and given.get("training", True)
            and len(self.sample.dropout_rates) < MOST_CALLS
        ):
            self.sample.dropout_rates[self._current or f"dropout {len(self.sample.dropout_rates) + 1}"] = (
                given.get("p", 0.5)
            )

    def _note_rank(self, name: str, output: Tensor) -> None:
        rank = effective_rank(output)
        if self.sample is not None and rank is not None:
            self.sample.effective_ranks.setdefault(name, rank)

    def _note_affine_residual(self, leaf: Leaf, inputs: Tensor, output: Tensor) -> None:
        """How far what this layer reads is from a stretched copy of what the last one gave."""
        before, given = self._last_output
        axis = 1 if leaf.kind.startswith("Conv") else -1
        if self.sample is not None and given is not None and not self._is_nonlinear:
            affine_residuals = affine_residual(given, some_units(inputs, axis))
            if affine_residuals is not None:
                self.sample.affine_residuals.setdefault((before, leaf.name), affine_residuals)
        self._last_output, self._is_nonlinear = (leaf.name, some_units(output, axis).clone()), False
        if self.sample is not None:
            self.sample.attention += self._choices
            self._choices = []

    def _note_gates(self, module: Any, args: tuple[Any, ...], output: Any) -> None:
        name, read = self._recurrent[module], gates(module, args, output)
        if self.sample is not None and read is not None:
            self.sample.gates.setdefault(name or type(module).__name__, read)

    def _note_attention(self, kind: str, args: tuple[Any, ...], words: dict[str, Any], result: Any) -> None:
        numbers = attention_numbers(kind, args, words, result)
        if self.sample is None or len(self.sample.attention) + len(self._choices) >= MOST_CALLS:
            return
        if numbers is not None:
            self.sample.attention.append(numbers)
        elif kind == "softmax":
            chosen = choice_numbers(args, words, result)
            self._choices += [] if chosen is None else [chosen]

    def _note_recurrence(self, name: str, steps: int) -> None:
        if self.sample is not None:
            self.sample.sequence_lengths[name] = self.sample.sequence_lengths.get(name, 0) + steps

    def _note_loss(self, root: Tensor) -> None:
        if self.sample is not None and self.sample.loss is None:
            value = root.detach()
            self.sample.loss = (value.reshape(-1)[0] if value.dim() else value).clone()
            rows = rows_summed(root.grad_fn)
            self.sample.summed = rows if rows == self.sample.batch_size else 0


@contextmanager
def _modes_above_removed(last: TorchFunctionMode | None) -> Iterator[None]:
    """The modes above `last`, or all, are off the stack inside."""
    stack = _get_current_function_mode_stack()  # type: ignore[no-untyped-call]
    above = stack[stack.index(last) + 1 :] if last is not None else stack
    for _ in above:
        _pop_mode()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        for mode in above:
            _push_mode(mode)  # type: ignore[no-untyped-call]


def _plainly(function: Callable[..., None], *args: Any) -> None:
    with torch._C.DisableTorchFunction():  # else every operation comes back to the mode
        function(*args)


def _nothing(*_: Any) -> None:
    pass


_BACKWARD, _DIFFERENCE, _NORMED = "backward", "difference", "log_softmax"
DROPOUTS = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
_FUNCTIONS: dict[Any, str] = {
    Tensor.backward: _BACKWARD,
    **{getattr(functional, name): "dropout" for name in DROPOUTS},
    **dict.fromkeys((torch.sub, torch.subtract, Tensor.sub, Tensor.subtract, Tensor.__sub__), _DIFFERENCE),
    **dict.fromkeys((torch.mul, torch.multiply, Tensor.mul, Tensor.multiply, Tensor.__mul__), _DIFFERENCE),
    **dict.fromkeys((functional.log_softmax, torch.log_softmax, Tensor.log_softmax), _NORMED),
    **dict.fromkeys((torch.logsumexp, Tensor.logsumexp), _NORMED),
    **LOSSES,
    **ATTENTION,
    **{function: name for name, function in ACTIVATIONS.items()},
    **{getattr(torch, name): name for name in ("relu", "selu", "tanh", "sigmoid")},
    **{getattr(Tensor, name): name for name in ("relu", "tanh", "sigmoid")},
}
