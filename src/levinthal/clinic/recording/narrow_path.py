"""A narrow layer on the only path from the inputs to the outputs: its few numbers carry all of a row."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from torch import Tensor, nn

from levinthal.clinic.recording.batch_call import BatchCall
from levinthal.clinic.recording.output_comparison import differ, spread_of
from levinthal.clinic.recording.passes import Given

MATRIX = 2
"""Axes of outputs, and of the input of a layer, of one vector for each row."""


def narrow_path(
    model: nn.Module, call: BatchCall, main: Tensor, output: Callable[[Given], Tensor | None], most: int
) -> tuple[str, int] | None:
    """A layer whose input is narrower than the inputs and the outputs of the model, and carries all of a row.

    In a pass, every row of that input is the first row. If the layer is on the only path, all outputs become
    the same; beside a skip connection, a gate or another branch they still differ.

    Args:
        model: A copy of the model.
        call: The call with some rows.
        main: (rows, ...) its output.
        output: From arguments to the output of the copy.
        most: The passes that may be made; the narrowest layers are tried first.

    Returns:
        The layer that makes these numbers (or the one that reads them) and their number; None without one.
    """
    if main.dim() != MATRIX:
        return None
    whole = sum(prod(x.shape[1:]) for x in call.batched.values())
    linear = [(name, m) for name, m in model.named_modules() if isinstance(m, nn.Linear)]
    narrow = [(m.in_features, name, m) for name, m in linear if m.in_features < min(whole, main.shape[1] - 1)]
    for width, name, layer in sorted(narrow, key=lambda each: each[0])[:most]:
        if _carries_all(layer, call, main, output):
            before = [n for n, m in linear[: [n for n, _ in linear].index(name)] if m.out_features == width]
            return (before or [name])[-1], width
    return None


def _carries_all(
    layer: nn.Module, call: BatchCall, main: Tensor, output: Callable[[Given], Tensor | None]
) -> bool:
    """Whether all outputs become the same where the rows of this layer's input do."""
    held = list[bool]()

    def hold(_: nn.Module, args: tuple[Any, ...]) -> Any:
        x = args[0] if args else None
        held.append(isinstance(x, Tensor) and x.dim() == MATRIX and len(x) == call.rows)
        return (x[:1].expand_as(x), *args[1:]) if isinstance(x, Tensor) and held[-1] else None

    handle = layer.register_forward_pre_hook(hold)
    try:
        got = output(call.given)
    finally:
        handle.remove()
    if got is None or got.shape != main.shape or not held or not all(held):
        return False
    return not bool(differ(got[:1].expand_as(got), got, spread_of(main)).any())
