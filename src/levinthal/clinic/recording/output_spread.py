"""How far the outputs of different rows are apart, with the same noise: early, and at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from levinthal.clinic.recording.batch_call import BatchCall
from levinthal.clinic.recording.model_copy import copy_in_evaluation
from levinthal.clinic.recording.nested import mapped
from levinthal.clinic.recording.passes import alone, main_output, outputs
from levinthal.probes.untouched import RandomStates


@dataclass(frozen=True, slots=True)
class OutputSpread:
    """Outputs in evaluation mode, of some rows.

    Attributes:
        between: The variance between rows, with the same noise for all of them.
        size: The mean square of the outputs.
        numbers: The numbers of one row.
    """

    between: float
    size: float
    numbers: int


def output_spread(model: nn.Module, call: BatchCall) -> OutputSpread | None:
    """Pass some rows through a copy of a model, then the same rows in another order with the same noise.

    Half the mean square of the difference is the variance that the rows cause: noise that the model draws is
    the same in both passes, place by place, and drops out.

    Args:
        model: The model, which is left as it is.
        call: Some rows of one call of it.

    Returns:
        What the rows cause; None where no output has a row for each of them, or is finite.

    Raises:
        NotCopiedError: The model cannot be copied.
        Exception: What the model raises.

    >>> equal_rows = BatchCall.of((torch.ones(8, 2),), {})
    >>> output_spread(nn.Linear(2, 4), equal_rows).between
    0.0
    """
    with alone():
        twin, held = copy_in_evaluation(model)
        states = RandomStates.now()
        try:
            first = _main(twin, call.with_rows(lambda x: x), call.rows)
            states.restore()
            held.restore()
            other = _main(twin, call.with_rows(lambda x: x.roll(1, 0)), call.rows)
        finally:
            held.restore()
        return None if first is None or other is None else spread_between(first, other)


def spread_between(first: Tensor, other: Tensor) -> OutputSpread | None:
    """The spread of two outputs whose noise is the same, of rows and of the rows before them.

    >>> spread_between(torch.tensor([[1.0], [3.0]]), torch.tensor([[3.0], [1.0]]))
    OutputSpread(between=2.0, size=5.0, numbers=1)
    """
    if first.shape != other.shape:
        return None
    between, size = (first.double() - other.double()).square().mean() / 2, first.double().square().mean()
    is_finite = bool(torch.isfinite(between + size))
    return OutputSpread(float(between), float(size), first[0].numel()) if is_finite else None


def _main(model: nn.Module, given: Any, rows: int) -> Tensor | None:
    return main_output(outputs(model, given)[0], rows)


class SpreadCheck:
    """Reads the spread of some rows of one early step twice: after that step, and when the watch ends.

    Attributes:
        early, late: The two readings; None where they were not made.
    """

    def __init__(self) -> None:
        self.early: OutputSpread | None = None
        self.late: OutputSpread | None = None
        self._held: tuple[nn.Module, BatchCall] | None = None
        self._casts: Callable[[], Any] = nullcontext

    def begin(
        self,
        call: tuple[nn.Module, tuple[Any, ...], Mapping[str, Any]],
        casts: Callable[[], Any],
        early: OutputSpread | None,
    ) -> None:
        """Hold the rows of a call after an early step, and read what is not known from its passes."""
        model, args, words = call
        rows = BatchCall.of(args, words)
        if rows is None or not rows.is_simple:
            return
        args, words = mapped(rows.given, lambda _, x: x.clone())
        held = BatchCall.of(args, words)
        if held is not None:
            self._held, self._casts = (model, held), casts
            self.early = early or output_spread(model, held)

    def end(self) -> None:
        """Read it once more, of the same rows."""
        if self._held is not None and self.early is not None:
            with self._casts():
                self.late = output_spread(*self._held)
        self._held = None
