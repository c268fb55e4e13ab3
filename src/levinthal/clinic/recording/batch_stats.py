"""Statistics of a batch, a layer and a call of a loss function, in few operations.

Each function gives tensors on the device of its input and does not wait for it: no number is copied to the
host, and no shape depends on the data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from levinthal.clinic.recording.sample import LayerStats, LossCall
from levinthal.probes.saturation import Tails

ENOUGH = 8192
FEWEST_ROWS = 32
VIEWS = {
    *("View", "UnsafeView", "ReshapeAlias", "Alias", "Squeeze", "Unsqueeze", "Select", "Slice", "Expand"),
    *("T", "Transpose", "Permute", "ToCopy", "Clone"),
}
FEW, ACCUMULATED = 4, 8
"""Rows from which on a sum is no mean; batches that gradient accumulation may divide a sum by, at most."""


def batch_values(inputs: Tensor) -> Tensor:
    """(about 8,192,) a copy of evenly spaced values, as contiguous float32."""
    return _thinned(inputs.detach().reshape(-1), copy=True)


def batch_numbers(values: Tensor) -> Tensor:
    """(3,) as in BATCH, of the values of a batch."""
    mean, spread = _mean_and_spread(values)
    return torch.stack((mean, spread, torch.dot(values, _weights(len(values), values.device))))


def batch_sum(inputs: Tensor) -> Tensor:
    """() the sum of all values, which is finite unless one of them is not."""
    total: Tensor = inputs.detach().sum(dtype=torch.promote_types(inputs.dtype, torch.float32))
    return total


def _thinned(x: Tensor, *, copy: bool = False) -> Tensor:
    """(about 8,192,) evenly spaced values, as contiguous float32."""
    some = x[:: max(1, len(x) // ENOUGH)]
    if copy:
        return some.to(torch.float32, copy=True, memory_format=torch.contiguous_format)
    return some.float().contiguous()


def _mean_and_spread(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation; `torch.var_mean` takes ten times as long on a CPU."""
    mean = x.sum() / max(len(x), 1)
    return mean, torch.linalg.vector_norm(x - mean) / math.sqrt(max(len(x), 1))


@lru_cache(maxsize=8)
def _weights(count: int, device: torch.device) -> Tensor:
    return torch.arange(count, device=device, dtype=torch.float32).sin() + 1.5


def layer_numbers(output: Tensor, before: Tensor | None = None, tails: Tails | None = None) -> LayerStats:
    """The statistics of a layer over some rows of the batch; `before` is the input of an activation."""
    rows = some_rows(output.detach())
    norm, count = torch.linalg.vector_norm(rows), rows.numel()
    if before is None or tails is None:
        return LayerStats(norm, count)
    x = some_rows(before.detach())
    every = x.shape[0] // FEWEST_ROWS if x.dim() else 1
    units, few = _units(x), x[::every] if every > 1 else x
    if (tails.low, tails.high) == (0.0, math.inf):  # a ReLU takes a third of the time of a comparison
        live, alive = few.relu(), units.amax(0).relu()
    elif math.isinf(tails.high):
        live, alive = ~(few <= tails.low), ~(units.amax(0) <= tails.low)  # nan is not saturated
    else:
        live = ~((few <= tails.low) | (few >= tails.high))
        alive = ~((units.amax(0) <= tails.low) | (units.amin(0) >= tails.high))
    counts = torch.count_nonzero(live), torch.count_nonzero(alive)
    return LayerStats(norm, count, *counts, few.numel(), units.shape[1], tails.saturates)


def some_rows(x: Tensor) -> Tensor:
    """Evenly spaced rows of the batch: at least 32, and about 8,192 numbers in all.

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
    """The arguments and the value of a loss function; the statistics of its rows only with `rows`."""
    x, target = given["input"].detach(), given["target"].detach()
    counts = numbers = None
    if target.is_floating_point():
        numbers = torch.stack((*target_numbers(target.reshape(-1)), row_mean_variance(target)))
    elif kind in ("cross_entropy", "nll_loss"):
        counts = _class_counts(target.reshape(-1), x.shape[1 if x.dim() > 1 else 0])
    scalar = _mean_of(value.detach()) if isinstance(value, Tensor) else None
    reduction = str(given.get("reduction", "mean"))
    shapes = tuple(x.shape), tuple(target.shape)
    statistics = loss_rows(x) if rows else None
    weight, smoothing = _weight(given), float(given.get("label_smoothing", 0.0))
    made_by = logits_made_by(kind, given["input"].grad_fn)
    call = LossCall(kind, reduction, *shapes, statistics, counts, numbers, scalar, weight, smoothing, made_by)
    call.ignored = int(given.get("ignore_index", -100))
    return call


def _weight(given: Mapping[str, Any]) -> Tensor | None:
    """The weights of the classes, or of the positive targets."""
    held = next((given[name] for name in ("weight", "pos_weight") if given.get(name) is not None), None)
    return held.detach() if isinstance(held, Tensor) else None


def logits_made_by(kind: str, node: Any) -> str:
    """The activation whose output a loss takes as logits, read from the graph; "" for any other operation.

    >>> x = torch.randn(4, 3, requires_grad=True)
    >>> p = x.softmax(1)
    >>> [logits_made_by("nll_loss", y.log_softmax(1).grad_fn) for y in (p, p.view(4, 3), x * 1)]
    ['Softmax', 'Softmax', '']
    """
    node = without_views(node)
    if kind == "nll_loss":
        if not type(node).__name__.startswith("LogSoftmaxBackward"):
            return ""
        node = without_views(node.next_functions[0][0])
    name = type(node).__name__.partition("Backward")[0]
    return name if name in ("Softmax", "Sigmoid", "Relu") else ""


def operation_of(node: Any) -> str:
    """The operation that made a tensor, by its node in the graph; views, copies and casts are none.

    >>> x = torch.randn(4, 3, requires_grad=True)
    >>> operation_of(x.tanh().view(12).grad_fn), operation_of(None)
    ('Tanh', '')
    """
    node = without_views(node)
    return "" if node is None else type(node).__name__.partition("Backward")[0]


def without_views(node: Any) -> Any:
    """The first operation of a graph that is not a view, a copy or a cast."""
    while type(node).__name__.partition("Backward")[0] in VIEWS:
        node = node.next_functions[0][0]
    return node


def loss_rows(x: Tensor) -> Tensor:
    """(5,) as in `LossCall.rows`, from some rows; each place of an image or a text is a row."""
    columns = x.shape[1] if x.dim() > 1 else 1
    flat = x.movedim(1, -1) if x.dim() > 2 else x
    rows = some_rows(flat.reshape(-1, columns)).float()
    low, high = torch.aminmax(rows)
    off = (rows.sum(1) - 1).abs().max()
    zeros = 1 - torch.count_nonzero(rows) / max(rows.numel(), 1)
    return torch.stack((off, low, zeros, torch.full_like(low, columns), high))


def _mean_of(value: Tensor) -> Tensor:
    """The mean of a loss, copied because the loss may be divided in place."""
    return value.mean(dtype=torch.float32) if value.dim() else value.float().clone()


def target_numbers(target: Tensor) -> tuple[Tensor, Tensor]:
    """() and (): the mean of all targets, and the variance of some."""
    return target.mean(dtype=torch.float32), _mean_and_spread(_thinned(target))[1].square()


def row_mean_variance(target: Tensor) -> Tensor:
    """() the variance of the means of rows: the pixels of one image are not independent.

    >>> float(row_mean_variance(torch.tensor([[0.0, 2.0], [2.0, 4.0]])))
    1.0
    """
    rows = some_rows(target.reshape(len(target), -1) if target.dim() else target.reshape(1, 1)).float()
    return _mean_and_spread(rows.mean(1))[1].square()


def _class_counts(target: Tensor, classes: int) -> Tensor:
    """(classes,) how often each class is a target, without those that are no class (`ignore_index`).

    `torch.bincount` would wait for a GPU, and make a table up to the largest class that is ignored.
    """
    inside = target.clamp(0, classes - 1)
    return target.new_zeros(classes).scatter_add_(0, inside, (inside == target).to(target.dtype))


def rows_summed(node: Any) -> int:
    """The number of rows that an explicit sum adds up, for a loss whose graph ends in a sum (up to its sign
    and a factor); 0 for any other loss, and where the factor makes the sum a mean.

    >>> x = torch.ones(8, requires_grad=True)
    >>> [rows_summed(loss.grad_fn) for loss in (-(2 * x).sum(), x.sum() / 2, x.sum() / 8, x.mean())]
    [8, 8, 0, 0]
    """
    factor = 1.0
    while (kind := type(node).__name__) in ("NegBackward0", "DivBackward0", "MulBackward0"):
        other = getattr(node, "_saved_other", None)
        if kind != "NegBackward0":
            if not isinstance(other, Tensor) or other.dim() or other.device.type != "cpu":
                return 0  # not a plain number, or one on a GPU, which would have to be waited for
            factor *= float(other) if kind == "MulBackward0" else 1 / float(other)
        node = node.next_functions[0][0]
    sizes = getattr(node, "_saved_self_sym_sizes", ()) if type(node).__name__ == "SumBackward0" else ()
    rows = int(sizes[0]) if sizes else 0
    return rows if is_sum(factor, rows) else 0


def is_sum(factor: float, rows: int) -> bool:
    """Whether a sum over rows, times a factor, is still one, and not a mean (over accumulated batches too).

    >>> is_sum(1.0, 64), is_sum(0.5, 64), is_sum(1 / 64, 64), is_sum(1 / 16, 64)
    (True, True, False, False)
    """
    return abs(factor) * rows >= max(FEW, rows / ACCUMULATED)
