"""The passes whose outputs show how a model behaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from levinthal.clinic.recording.affine import layers_of_affine
from levinthal.clinic.recording.batch_call import BatchCall, standardised
from levinthal.clinic.recording.behaviour import Behaviour, Mixing
from levinthal.clinic.recording.model_copy import copy_in_evaluation
from levinthal.clinic.recording.narrow_path import narrow_path
from levinthal.clinic.recording.order_passes import has_attention, is_orderless, redraw
from levinthal.clinic.recording.output_comparison import (
    MOST_DIFFER,
    differ,
    first_mixed,
    most_differ,
    spread_of,
)
from levinthal.clinic.recording.output_spread import spread_between
from levinthal.clinic.recording.passes import Given, Marks, Notes, alone, main_output, outputs
from levinthal.clinic.recording.read_places import reads_padding
from levinthal.clinic.recording.sequences import (
    is_causal_at,
    later_changed,
    padding_of,
    shift_of,
    words_exchanged,
)
from levinthal.probes.forward_state import ForwardState

MOST_PASSES, LEFT = 5, 2


def behaviour(
    model: nn.Module, args: tuple[Any, ...], words: Mapping[str, Any], targets: Tensor | None = None
) -> Behaviour | None:
    """Pass some rows of a batch through a copy of a model and compare the outputs.

    Args:
        model: The model, which is left as it is.
        args: The arguments of one call of it; the rows are on the first axis of the first tensor.
        words: Its keyword arguments.
        targets: The targets of the loss, where they are known.

    Returns:
        What the passes show; None where there are too few rows, or where the outputs have no row for each.

    Raises:
        NotCopiedError: The model cannot be copied.
        Exception: What the model raises.
    """
    with alone():
        call = BatchCall.of(args, words)
        if call is None:
            return None
        twin, state = copy_in_evaluation(model)
        shared = {id(p) for p in model.parameters()}
        owns_weights = all(id(p) not in shared for p in twin.parameters())
        try:
            return _Passes(twin, state, call, owns_weights=owns_weights).read(targets)
        finally:
            state.restore()  # global variables, say


class _Passes:
    """The passes of one copy."""

    def __init__(self, model: nn.Module, state: ForwardState, call: BatchCall, *, owns_weights: bool) -> None:
        self.model, self.state, self.call, self.seen = model, state, call, Behaviour(rows=call.rows)
        self.owns_weights = owns_weights
        self.device = next(iter(call.batched.values())).device

    def read(self, targets: Tensor | None) -> Behaviour | None:
        """All passes."""
        base, marks = self._outputs(self.call.given)
        main = main_output(base, self.call.rows)
        if main is None:
            return None
        notes = Notes(self.seen.dropouts, self.call.rows)
        again, marks_again = self._outputs(self.call.given, notes)
        spread = spread_of(main)
        self.seen.is_random = differ(main, again[_place(base, main)], spread).any().item() is True
        self.seen.padding = None if targets is None else padding_of(self.call, targets)
        if self.seen.is_random:
            every = torch.arange(self.call.rows, device=self.device)
            self.seen.random_where = first_mixed(marks, marks_again, every)
            return self.seen  # every further comparison would only show the noise
        self.seen.spread = spread_between(main, main.roll(1, 0))
        is_constant = self._is_constant(main)
        if self.call.is_simple:
            self._mix(base, main, marks, notes)
        if is_constant and self.seen.mixing is None:
            self.seen.is_constant = self._is_constant_whatever_the_weights()
        elif not is_constant:
            self._follow(base, targets)
            self._ignore(base)
            if self.seen.passes < MOST_PASSES:
                self.seen.reads_padding = reads_padding(self.model, self.state, self.call)
                self.seen.passes += self.seen.reads_padding is not None
            self._spend(base, main, notes)
            is_intact = self.seen.is_orderless is None and not self.seen.affine_layers
            if is_intact and self.call.is_simple and self.seen.mixing is None:
                most = MOST_PASSES - self.seen.passes
                self.seen.narrow = narrow_path(self.model, self.call, main, self._main_of, most)
        return self.seen

    def _outputs(self, given: Given, notes: Notes | None = None) -> tuple[list[Tensor], Marks]:
        self.seen.passes += 1
        try:
            return outputs(self.model, given, notes)
        finally:  # a hidden state, say; what is drawn differs from pass to pass
            self.state.restore(generators=False)

    def _is_constant(self, main: Tensor) -> bool:
        """Whether all rows of the output are equal although the rows of every input differ."""
        inputs = [x for x in self.call.batched.values() if x[0].numel()]
        distinct = all(len(torch.unique(x.reshape(len(x), -1), dim=0)) > len(x) / 2 for x in inputs)
        is_equal = bool(torch.equal(main, main[:1].expand_as(main)))
        return is_equal and distinct and bool(torch.isfinite(main).all())

    def _is_constant_whatever_the_weights(self) -> bool:
        """The same with weights drawn anew: dead units and weights near zero make an output constant too."""
        if not self.owns_weights:
            return False
        redraw(self.model)
        other, _ = self._outputs(self.call.with_rows(standardised))  # large ones saturate any layer
        main = main_output(other, self.call.rows)
        return main is not None and self._is_constant(main)

    def _mix(self, base: list[Tensor], main: Tensor, marks: Marks, notes: Notes) -> None:
        """Leave half of the rows out, in another order."""
        n, spread = self.call.rows, spread_of(main)
        order = torch.randperm(n, generator=torch.Generator().manual_seed(n))
        kept = order[: n // LEFT].to(self.device)
        try:
            fewer, fewer_marks = self._outputs(self.call.with_rows(lambda x: x[kept]))
        except Exception:  # of a fixed batch size, or of one graph
            return
        place = _place(base, main)
        if place >= len(fewer) or len(fewer[place]) != len(kept):
            return
        expected, got = main[kept], fewer[place]
        if main.dim() > 1 and main.shape[1] == n and got.dim() > 1 and got.shape[1] == len(kept):
            expected = expected[:, kept]  # a table of rows by rows: similarities, as in contrastive losses
        differs = differ(expected, got, spread)
        share = float(differs.float().mean())
        if expected.shape != got.shape or share < MOST_DIFFER:
            return
        size = float((expected.double() - got.double()).abs().median() / spread)
        first = next(iter(self.call.batched.values()))
        if first.dim() > 1 and first.shape[1] != n and len(main) == first.shape[1]:
            return  # the rows are on the second axis
        where = first_mixed(marks, fewer_marks, kept)
        attends = notes.attends or any(isinstance(m, nn.MultiheadAttention) for m in self.model.modules())
        is_sequence = main.dim() > 1 and first.dim() > 1 and main.shape[1] == first.shape[1] > 1
        no_norm = attends or self._is_constant(main)
        alone = not no_norm and self._is_distribution(place, main, spread)
        self.seen.mixing = Mixing(
            share, size, where, notes.softmax_over_rows, alone, is_sequence, notes.is_unbatched
        )

    def _is_distribution(self, place: int, main: Tensor, spread: Tensor) -> bool:
        """Whether every row twice gives the same outputs: then only the distribution of rows matters."""
        try:
            twice, _ = self._outputs(self.call.with_rows(lambda x: x.repeat_interleave(2, 0)))
        except Exception:
            return False
        got = twice[place][::2] if place < len(twice) else main[:0]
        return got.shape == main.shape and not bool(differ(main, got, spread).any())

    def _follow(self, base: list[Tensor], targets: Tensor | None) -> None:
        """Change the later part of a sequence whose targets are its own later values."""
        if targets is None:
            return
        for name, x in self.call.batched.items():
            if self.seen.passes >= MOST_PASSES:
                return
            shift = shift_of(x, targets, self.call.batch)
            if shift is None:
                continue
            place = next((i for i, y in enumerate(base) if is_causal_at(y, x)), None)
            if place is None:
                return
            later, _ = self._outputs(self.call.with_input(name, later_changed(x)))
            if torch.equal(base[place], later[place]):
                continue  # labels that the model takes with its inputs
            a, b = (y.reshape(*x.shape[:2], -1) for y in (base[place], later[place]))
            cut = x.shape[1] // 2
            self.seen.shift = shift
            self.seen.sees_future = most_differ(a[:, :cut], b[:, :cut])
            self.seen.sees_same_place = most_differ(a[:, cut], b[:, cut])
            return

    def _ignore(self, base: list[Tensor]) -> None:
        """Exchange the rows of one input after the other; of padded tokens, those that are no padding."""
        for name, x in self.call.batched.items():
            words = words_exchanged(x)
            if words is None or self.seen.passes >= MOST_PASSES:
                continue
            other, _ = self._outputs(self.call.with_input(name, words))
            if len(base) == len(other) and all(map(torch.equal, base, other)):
                self.seen.ignored += (f"{_plain_name(name)}, except for its padding",)
        tried = [n for n, x in self.call.batched.items() if _may_be_exchanged(x)]
        if len(tried) < 2 or not self.call.is_simple or self.seen.is_constant or self.seen.mixing:
            return
        for name in tried:
            if self.seen.passes >= MOST_PASSES:
                return
            other, _ = self._outputs(self.call.with_input(name, self.call.batched[name].roll(1, 0)))
            if len(base) == len(other) and all(map(torch.equal, base, other)):
                self.seen.ignored += (_plain_name(name),)

    def _spend(self, base: list[Tensor], main: Tensor, notes: Notes) -> None:
        """The last two passes, which change the weights of the copy: of its tokens, or of its lines."""
        is_left = self.seen.passes + 2 <= MOST_PASSES and self.owns_weights
        if not is_left or not self.call.is_simple:
            return
        if has_attention(self.model, notes):
            redraw(self.model)
            self.seen.is_orderless = is_orderless(self.call, lambda given: self._outputs(given)[0])
        elif len(base) == 1 and not self.seen.mixing:
            self.seen.affine_layers = layers_of_affine(self.model, self.call, main, self._main_of)

    def _main_of(self, given: Given) -> Tensor | None:
        return main_output(self._outputs(given)[0], self.call.rows)


def _plain_name(place: str) -> str:
    """An argument as its user knows it: `0.1` is the second, `1.mask` is `mask`."""
    side, _, rest = place.partition(".")
    return rest if side == "1" else f"argument {rest}"


def _may_be_exchanged(x: Tensor) -> bool:
    """Whether the rows of an input differ, and are more than the numbers of the rows."""
    are_numbers = x.dim() == 1 and not x.is_floating_point() and len(torch.unique(x)) == len(x)
    return not are_numbers and not torch.equal(x, x.roll(1, 0))


def _place(outputs: list[Tensor], one: Tensor) -> int:
    return next(i for i, x in enumerate(outputs) if x is one)
