"""The behavioural checks of a watch: made once, after an early sampled step."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from typing import Any

import torch
from torch import Tensor, nn

from levinthal.clinic.recording.behaviour_passes import behaviour
from levinthal.clinic.recording.calls import is_compiled
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.nested import named_tensors
from levinthal.clinic.recording.output_spread import SpreadCheck
from levinthal.clinic.recording.passes import alone
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.errors import said_by
from levinthal.interrupts import is_ctrl_c

AFTER = 2
"""Samples before the one after which the model is checked: weights that start at zero have moved by then."""
MOST_OF = 0.5
"""Share of the parameters that a part must hold to be checked in place of the model."""


class BehaviourCheck:
    """Reads the behaviour of a model, or of its largest part, once.

    The arguments of one call are held until the step is over. A model that cannot be copied or passed again
    is not checked; nothing of that reaches the loop.

    Args:
        setup: The model and its optimisers.
        history: Where the behaviour is kept.
        is_wanted: Whether to check at all.

    Attributes:
        trouble: Why the model could not be checked.
        spread: How far outputs are apart, early and at the end.
    """

    def __init__(self, setup: TrainingSetup, history: History, is_wanted: bool) -> None:
        self._setup, self._history, self.trouble = setup, history, "" if is_wanted else "not wanted"
        self._call: tuple[nn.Module, tuple[Any, ...], dict[str, Any]] | None = None
        self._targets: Tensor | None = None
        self._casts: Callable[[], Any] = nullcontext
        self.spread = SpreadCheck()

    def offer(self, module: nn.Module, args: tuple[Any, ...], words: dict[str, Any]) -> None:
        """A sampled step begins with this call."""
        if len(self._history) != AFTER or self._history.behaviour is not None or self.trouble:
            return
        whole = sum(p.numel() for p in self._setup.parameters)
        if sum(p.numel() for p in module.parameters()) < MOST_OF * whole or _waits_for_others(self._setup):
            return
        inner = self._setup.evaluated_module if module is self._setup.model else module
        if not is_compiled_inside(inner):
            self._call, self._targets, self._casts = (inner, args, words), None, _autocast_now(args, words)

    def pair(self, targets: Tensor) -> None:
        """A loss is called with these targets."""
        if self._call is not None and self._targets is None:
            self._targets = targets

    def take(self, step: int) -> None:
        """The step is over: check the model, if a call was held."""
        call, targets = self._call, self._targets
        self._call = self._targets = None
        if call is None:
            return
        self._quietly(self._read, step, call, targets)

    def take_last(self) -> None:
        """The watch ends: compare the outputs with the early ones."""
        if not self.trouble:
            self._quietly(self._read_again)
            self._history.spreads = self.spread.early, self.spread.late

    def _read(
        self, step: int, call: tuple[nn.Module, tuple[Any, ...], dict[str, Any]], targets: Tensor | None
    ) -> None:
        with self._casts():
            seen = behaviour(*call, targets)
            if seen is not None:
                seen.step = step
                self._history.behaviour = seen
                with alone():  # the user's modes see none of it
                    self.spread.begin(call, self._casts, seen.spread)

    def _read_again(self) -> None:
        with alone():
            self.spread.end()

    def _quietly(self, function: Callable[..., None], *args: Any) -> None:
        """Call what passes the model: nothing that it prints, warns of or raises reaches the loop."""
        try:
            with redirect_stdout(io.StringIO()), warnings.catch_warnings():  # a forward pass may print
                warnings.simplefilter("ignore")
                function(*args)
        except BaseException as error:  # also what would end the program
            if is_ctrl_c(error):
                raise
            self.trouble = said_by(error)


def is_compiled_inside(module: nn.Module) -> bool:
    """Whether a copy of a module would have to be compiled again."""
    return is_compiled(module) or isinstance(module, torch.jit.ScriptModule)


def _waits_for_others(setup: TrainingSetup) -> bool:
    """Whether a pass may wait for other processes."""
    return setup.is_sharded or (torch.distributed.is_available() and torch.distributed.is_initialized())


def _autocast_now(args: tuple[Any, ...], words: dict[str, Any]) -> Callable[[], Any]:
    """The autocast of the present call, to be entered again."""
    first = next((x for _, x in named_tensors((args, words))), None)
    device = "cpu" if first is None else first.device.type
    if not torch.is_autocast_enabled(device):
        return nullcontext
    dtype = torch.get_autocast_dtype(device)
    return lambda: torch.autocast(device, dtype, cache_enabled=False)
