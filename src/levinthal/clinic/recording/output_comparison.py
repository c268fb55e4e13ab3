"""Whether two outputs of a model differ, row by row."""

from __future__ import annotations

import torch
from torch import Tensor

from levinthal.clinic.recording.passes import Marks

CLOSE = {torch.float16: 0.05, torch.bfloat16: 0.1}
CLOSE_FLOAT = 1e-3
"""Share of the spread of an output below which two values of it are equal: sums depend on the batch size."""
EQUAL = 1e-6
"""Spread of an output over its size below which its rows are equal."""
MOST_DIFFER = 0.5
"""Share of the rows that have to differ."""


def differ(a: Tensor, b: Tensor, spread: Tensor) -> Tensor:
    """(rows,) whether the rows of two outputs differ; never where the shapes do."""
    if a.shape != b.shape:
        return torch.zeros(1, dtype=torch.bool)
    close = CLOSE.get(a.dtype, CLOSE_FLOAT)
    both_nan = a.isnan() & b.isnan()
    apart = (a.double() - b.double()).abs().masked_fill(both_nan, 0.0)
    return apart.flatten(1).amax(1) > close * spread if a.dim() > 1 else apart > close * spread


def spread_of(x: Tensor) -> Tensor:
    """() the largest standard deviation of a column of an output; of equal rows, their size."""
    finite = x.double().nan_to_num(0.0, 0.0, 0.0).reshape(len(x), -1)
    spread, size = finite.std(0).amax(), finite.square().mean().sqrt()
    return torch.where(spread > EQUAL * size, spread, size).clamp(min=1e-30)


def first_mixed(before: Marks, after: Marks, kept: Tensor) -> str:
    """The first layer whose rows change."""
    for (name, a), (other, b) in zip(before, after, strict=False):
        if name != other:
            return ""
        if len(b) == len(kept) and len(a) > int(kept.max()):
            close = CLOSE_FLOAT * a.std().clamp(min=1e-30)
            if float(((a[kept] - b).abs() > close).float().mean()) >= MOST_DIFFER:
                return name
        elif len(b) != len(kept):
            return name  # its rows are no longer those of the input
    return ""


def most_differ(a: Tensor, b: Tensor) -> bool:
    """Whether most rows of two outputs differ."""
    return bool(differ(a, b, spread_of(a)).float().mean() > MOST_DIFFER)
