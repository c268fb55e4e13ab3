"""Numbers read off a batch, a layer and a call of a loss, in as few operations as will do.

Each gives tensors on the device of what it reads, and none waits for that device: no number is asked for, and
no shape depends on the data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from levinthal.clinic.recording.history import LayerStats, LossCall
from levinthal.probes.flat_part import Tails

ENOUGH = 8192
FEWEST_ROWS = 32
FEW, ACCUMULATED = 4, 8
"""A sum over so many rows is no mean; so many times may it be divided for batches that are gathered."""


def batch_numbers(inputs: Tensor, *, whole: bool = True) -> Tensor:
    """(4,) as in BATCH: finite or not of all values, the rest of some, and nan unless the whole is asked for;
    the fingerprint weighs by place.
    """
    everything = inputs.detach().reshape(-1)
    total = everything.sum(dtype=torch.promote_types(everything.dtype, torch.float32))
    broken = (total - total) != 0  # nan, unless the sum is finite
    if not whole:
        unknown = torch.full((), math.nan, device=everything.device)
        return torch.stack((unknown, unknown, broken.float(), unknown))
    x = _thinned(everything)
    mean, spread = _mean_and_spread(x)
    return torch.stack((mean, spread, broken.float(), torch.dot(x, _weights(len(x), x.device))))


def _thinned(x: Tensor) -> Tensor:
    """(about 8,192,) values spread evenly, in float32, in a row."""
    return x[:: max(1, len(x) // ENOUGH)].float().contiguous()


def _mean_and_spread(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation; `torch.var_mean` takes ten times as long on a CPU."""
    mean = x.sum() / max(len(x), 1)
    return mean, torch.linalg.vector_norm(x - mean) / math.sqrt(max(len(x), 1))


@lru_cache(maxsize=8)
def _weights(count: int, device: torch.device) -> Tensor:
    return torch.arange(count, device=device, dtype=torch.float32).sin() + 1.5


def layer_numbers(output: Tensor, before: Tensor | None = None, tails: Tails | None = None) -> LayerStats:
    """What some rows of the batch tell of a layer; of an activation, `before` is what it read."""
    rows = some_rows(output.detach())
    norm, count = torch.linalg.vector_norm(rows), rows.numel()
    if before is None or tails is None:
        return LayerStats(norm, count)
    x = some_rows(before.detach())
    units, few = _units(x), x[:: max(1, x.shape[0] // FEWEST_ROWS)] if x.dim() else x
    if math.isinf(tails.high):
        on, constant = few <= tails.low, units.amax(0) <= tails.low
    else:
        on = (few <= tails.low) | (few >= tails.high)
        constant = (units.amax(0) <= tails.low) | (units.amin(0) >= tails.high)
    flat, dead = torch.count_nonzero(on), torch.count_nonzero(constant)
    return LayerStats(norm, count, flat, dead, few.numel(), units.shape[1], tails.saturates)


def some_rows(x: Tensor) -> Tensor:
    """Rows spread evenly over the batch: at least 32 of them, and about 8,192 numbers in all.

    >>> some_rows(torch.zeros(128, 784)).shape
    torch.Size([32, 784])
    """
    numbers = x.numel()
    if x.dim() < 2 or numbers <= ENOUGH:
        return x
    apart = x.shape[0] // max(FEWEST_ROWS, ENOUGH * x.shape[0] // numbers)
    return x[::apart] if apart > 1 else x


def _units(x: Tensor) -> Tensor:
    """(samples and places, units): channels of a convolution, else the last axis."""
    if x.dim() == 2:
        return x
    axis = 1 if x.dim() >= 4 else -1
    return x.movedim(axis, -1).reshape(-1, x.shape[axis]) if x.dim() > 1 else x.reshape(-1, 1)


def loss_call(kind: str, given: Mapping[str, Any], value: Any, *, rows: bool = True) -> LossCall:
    """What a loss function was given, and what came out; what its rows look like only if asked."""
    x, target = given["input"].detach(), given["target"].detach()
    counts = numbers = None
    if target.is_floating_point():
        numbers = torch.stack(target_numbers(target.reshape(-1)))
    elif kind in ("cross_entropy", "nll_loss"):
        counts = _class_counts(target.reshape(-1), x.shape[1 if x.dim() > 1 else 0])
    scalar = _mean_of(value.detach()) if isinstance(value, Tensor) else None
    reduction = str(given.get("reduction", "mean"))
    shapes = tuple(x.shape), tuple(target.shape)
    evaluations = loss_rows(x) if rows else None
    return LossCall(kind, reduction, *shapes, evaluations, counts, numbers, scalar)


def loss_rows(x: Tensor) -> Tensor:
    """(5,) as in LossCall, from some rows; of a picture's or a text's every place is a row."""
    columns = x.shape[1] if x.dim() > 1 else 1
    flat = x.movedim(1, -1) if x.dim() > 2 else x
    rows = some_rows(flat.reshape(-1, columns)).float()
    low, high = torch.aminmax(rows)
    off = (rows.sum(1) - 1).abs().max()
    zeros = 1 - torch.count_nonzero(rows) / max(rows.numel(), 1)
    return torch.stack((off, low, zeros, torch.full_like(low, columns), high))


def _mean_of(value: Tensor) -> Tensor:
    """Of its own, since a loss may be divided in place."""
    return value.mean(dtype=torch.float32) if value.dim() else value.float().clone()


def target_numbers(target: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of all, and the variance of some."""
    return target.mean(dtype=torch.float32), _mean_and_spread(_thinned(target))[1].square()


def _class_counts(target: Tensor, classes: int) -> Tensor:
    """(classes,) how often each is a target; one that is no class (`ignore_index`) is left out.

    `torch.bincount` would wait for a GPU.
    """
    inside = target.clamp(0, classes - 1)
    return target.new_zeros(classes).scatter_add_(0, inside, (inside == target).to(target.dtype))


def rows_summed(node: Any) -> int:
    """Of a loss whose graph ends in a sum, but for its sign and a factor, the length of what was summed; 0 of
    any other, and where the factor makes about a mean of it.

    >>> x = torch.ones(8, requires_grad=True)
    >>> [rows_summed(loss.grad_fn) for loss in (-(2 * x).sum(), x.sum() / 2, x.sum() / 8, x.mean())]
    [8, 8, 0, 0]
    """
    factor = 1.0
    while (kind := type(node).__name__) in ("NegBackward0", "DivBackward0", "MulBackward0"):
        other = getattr(node, "_saved_other", None)
        if kind != "NegBackward0":
            if not isinstance(other, Tensor) or other.dim() or other.device.type != "cpu":
                return 0  # no plain number, or one that would have to be waited for
            factor *= float(other) if kind == "MulBackward0" else 1 / float(other)
        node = node.next_functions[0][0]
    sizes = getattr(node, "_saved_self_sym_sizes", ()) if type(node).__name__ == "SumBackward0" else ()
    rows = int(sizes[0]) if sizes else 0
    return rows if abs(factor) * rows >= max(FEW, rows / ACCUMULATED) else 0
