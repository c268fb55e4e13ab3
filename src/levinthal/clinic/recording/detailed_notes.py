"""What a detailed sample adds to a step: ranks, nonlinearities, attention, gates and sequence lengths."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from levinthal.clinic.recording.attention import attention_numbers, choice_numbers
from levinthal.clinic.recording.detailed_stats import affine_residual, effective_rank, some_units
from levinthal.clinic.recording.function_calls import MOST_CALLS
from levinthal.clinic.recording.layers import Leaf
from levinthal.clinic.recording.recurrences import RECURRENT, gates, length
from levinthal.clinic.recording.sample import Sample
from levinthal.probes.saturation import Tails


class DetailedNotes:
    """Writes into a sample what is between its weighted layers, and remembers the last of them.

    Attributes:
        recurrent: Recurrent module -> its name.
        is_nonlinear: Whether a nonlinearity was seen since the last weighted layer.
    """

    def __init__(self, model: nn.Module) -> None:
        named = ((module, name) for name, module in model.named_modules())
        self.recurrent: dict[nn.Module, str] = {
            module: name for module, name in named if isinstance(module, RECURRENT)
        }
        self.is_nonlinear = False
        self._last_units: tuple[str, Tensor | None] = ("", None)
        self._choices: list[Tensor] = []

    def forward_done(self) -> None:
        """Release what was held of the layers."""
        self._last_units, self._choices = ("", None), []

    def activation(self, tails: Tails | None) -> None:
        """An activation counts as a nonlinearity if it saturates at one end at least."""
        self.is_nonlinear |= tails is not None and any(map(math.isfinite, (tails.low, tails.high)))

    def rank(self, sample: Sample, name: str, output: Tensor) -> None:
        """The effective rank of a layer's output, at its first call."""
        found = effective_rank(output)
        if found is not None:
            sample.effective_ranks.setdefault(name, found)

    def weighted(self, sample: Sample, leaf: Leaf, inputs: Tensor, output: Tensor) -> None:
        """How far the input of a weighted layer is from an affine function of the last one's output.

        Softmaxes seen since then are attention, because a weighted layer reads what they select.
        """
        before, given = self._last_units
        axis = 1 if leaf.kind.startswith("Conv") else -1
        if given is not None and not self.is_nonlinear:
            residual = affine_residual(given, some_units(inputs, axis))
            if residual is not None:
                sample.affine_residuals.setdefault((before, leaf.name), residual)
        self._last_units, self.is_nonlinear = (leaf.name, some_units(output, axis).clone()), False
        sample.attention += self._choices
        self._choices = []

    def attention(
        self, sample: Sample, kind: str, args: tuple[Any, ...], words: dict[str, Any], result: Any
    ) -> None:
        """The weights of an attention, or of a softmax that may be one."""
        numbers = attention_numbers(kind, args, words, result)
        if len(sample.attention) + len(self._choices) >= MOST_CALLS:
            return
        if numbers is not None:
            sample.attention.append(numbers)
        elif kind == "softmax":
            chosen = choice_numbers(args, words, result)
            self._choices += [] if chosen is None else [chosen]

    def gates(self, sample: Sample, module: Any, args: tuple[Any, ...], output: Any) -> None:
        """The gates of a recurrent module, at its first call."""
        found = gates(module, args, output)
        if found is not None:
            sample.gates.setdefault(self.recurrent[module] or type(module).__name__, found)

    def length(self, sample: Sample, module: nn.Module, args: tuple[Any, ...]) -> None:
        """The steps through time of a recurrent module, over all of its calls, and the state it is given."""
        state = args[1] if len(args) > 1 else None
        state = state[0] if isinstance(state, tuple) and state else state
        if isinstance(state, Tensor) and not state.requires_grad and state.numel():
            size = state.detach().abs().amax().float()
            sample.carried = size if sample.carried is None else torch.maximum(sample.carried, size)
        name = self.recurrent[module]
        sample.sequence_lengths[name] = sample.sequence_lengths.get(name, 0) + length(module, args)
