"""Rows as tables of numbers: one line a distinct row, beside it what it is to be told by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from levinthal.clinic.recording.row_reservoir import marks

COLUMNS = 512


@dataclass(frozen=True)
class Table:
    """`values` (n, d); `classes` (n,) where targets are classes, `numbers` (n,) where they are one number."""

    values: np.ndarray
    classes: np.ndarray | None = None
    numbers: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.values)


def table(pairs: Iterable[tuple[Any, Any]], words: np.ndarray | None = None) -> Table | None:
    """The distinct rows of pairs (inputs, targets); of wide rows 512 columns; None where they are unlike.

    Tokens become counts: how often each of `words` stands in the row.
    """
    both = [(x, y) for x, y in pairs if isinstance(x, Tensor) and len(x)]
    if not both or any(x.shape[1:] != both[0][0].shape[1:] for x, _ in both):
        return None
    inputs = torch.cat([x for x, _ in both])
    first = _distinct(inputs)
    if not len(first):
        return None
    kept, targets = inputs[torch.as_tensor(first, device=inputs.device)].cpu(), _targets([y for _, y in both])
    if targets is None or len(targets) != len(inputs):
        return Table(_values(kept, words))
    classes, numbers = _as_classes(targets), _as_numbers(targets)
    return Table(_values(kept, words), *(None if t is None else t[first] for t in (classes, numbers)))


def _distinct(inputs: Tensor) -> np.ndarray:
    """Places of rows that are unlike each other, and of numbers that are finite."""
    _, first = np.unique(marks(inputs).cpu().numpy(), return_index=True)
    finite = torch.isfinite(inputs.reshape(len(inputs), -1)).all(1).cpu().numpy()
    return np.asarray(first[finite[first]])


def vocabulary(parts: Iterable[Any]) -> np.ndarray | None:
    """The most frequent tokens, 512 at most; None where rows hold no tokens."""
    tokens = [x.reshape(-1).cpu() for x in parts if isinstance(x, Tensor) and not is_numbers(x)]
    if not tokens:
        return None
    words, counts = torch.unique(torch.cat(tokens), return_counts=True)
    return np.asarray(words[counts.argsort(descending=True, stable=True)[:COLUMNS]].numpy())


def is_numbers(inputs: Tensor) -> bool:
    """Whether rows hold numbers: floats, or the bytes of an image."""
    return inputs.is_floating_point() or inputs.dtype == torch.uint8


def _values(inputs: Tensor, words: np.ndarray | None) -> np.ndarray:
    flat = inputs.reshape(len(inputs), -1)
    if words is None:
        columns = flat[:, :: max(1, -(-flat.shape[1] // COLUMNS))]
        return np.asarray(columns.double().numpy())
    return np.stack([(flat == int(word)).sum(1).double().numpy() for word in words], 1)


def _targets(parts: Sequence[Any]) -> np.ndarray | None:
    """(n,) where every row has one target."""
    tensors = [y for y in parts if isinstance(y, Tensor) and y.dim() and y.numel() == len(y)]
    if len(tensors) < len(parts) or not tensors:
        return None
    return np.asarray(torch.cat([y.reshape(-1) for y in tensors]).cpu().double().numpy())


def _as_classes(targets: np.ndarray) -> np.ndarray | None:
    """Whole numbers, few and each often; else no classes."""
    values, counts = np.unique(targets, return_counts=True)
    whole = np.all(values == np.round(values)) and len(values) > 1
    return targets.astype(int) if whole and np.median(counts) >= 5 else None


def _as_numbers(targets: np.ndarray) -> np.ndarray | None:
    return None if np.all(targets == np.round(targets)) else targets
