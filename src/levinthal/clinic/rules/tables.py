"""Rows as tables of numbers: one line for each distinct row, with its target beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.row_reservoir import row_fingerprints

COLUMNS = 512
"""Columns (or tokens) of a row that are read, at most."""
FEWEST_ROWS = 30
"""Distinct rows of each set below which two sets are not compared."""
MOST_ROWS = 1000
"""Rows whose neighbours are looked for, at most."""
FEWEST_OF_A_CLASS = 5
"""Median rows of a value from which on whole numbers are classes."""


@dataclass(frozen=True)
class Table:
    """`values` (n, d); `classes` (n,) where targets are classes, `numbers` (n,) where they are one number."""

    values: np.ndarray
    classes: np.ndarray | None = None
    numbers: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.values)


def table(pairs: Iterable[tuple[Any, Any]], tokens: np.ndarray | None = None) -> Table | None:
    """The distinct rows of pairs (inputs, targets); None where their shapes differ.

    Of wide rows 512 columns are read. A row of tokens becomes counts: how often each of `tokens` occurs.
    """
    both = [(x, y) for x, y in pairs if isinstance(x, Tensor) and len(x)]
    if not both or any(x.shape[1:] != both[0][0].shape[1:] for x, _ in both):
        return None
    inputs = torch.cat([x for x, _ in both])
    first = _distinct(inputs)
    if not len(first):
        return None
    distinct = inputs[torch.as_tensor(first, device=inputs.device)].cpu()
    targets = _targets([y for _, y in both])
    if targets is None or len(targets) != len(inputs):
        return Table(_values(distinct, tokens))
    classes, numbers = _as_classes(targets), _as_numbers(targets)
    return Table(_values(distinct, tokens), *(None if t is None else t[first] for t in (classes, numbers)))


def _distinct(inputs: Tensor) -> np.ndarray:
    """Indices of distinct rows whose numbers are finite."""
    _, first = np.unique(row_fingerprints(inputs).cpu().numpy(), return_index=True)
    finite = torch.isfinite(inputs.reshape(len(inputs), -1)).all(1).cpu().numpy()
    return np.asarray(first[finite[first]])


def vocabulary(parts: Iterable[Any]) -> np.ndarray | None:
    """The most frequent tokens, at most 512; None where rows are not made of tokens."""
    tokens = [x.reshape(-1).cpu() for x in parts if isinstance(x, Tensor) and not is_numbers(x)]
    if not tokens:
        return None
    found, counts = torch.unique(torch.cat(tokens), return_counts=True)
    return np.asarray(found[counts.argsort(descending=True, stable=True)[:COLUMNS]].numpy())


def is_numbers(inputs: Tensor) -> bool:
    """Whether rows are made of numbers: floats, or the bytes of an image."""
    return inputs.is_floating_point() or inputs.dtype == torch.uint8


def both_tables(history: History) -> tuple[Table | None, Table | None]:
    """The training rows that were seen, and the validation rows."""
    chunks, batches = history.rows.chunks, history.validation.batches if history.validation else []
    tokens = vocabulary([*(c.inputs for c in chunks), *(x for x, _ in batches)])
    return table(((c.inputs, c.targets) for c in chunks), tokens), table(batches, tokens)


def is_text(history: History) -> bool:
    """Whether rows are made of tokens."""
    return any(not is_numbers(chunk.inputs) for chunk in history.rows.chunks)


def _values(inputs: Tensor, tokens: np.ndarray | None) -> np.ndarray:
    """(n, d) the columns of the rows, or the counts of the tokens."""
    flat = inputs.reshape(len(inputs), -1)
    if tokens is None:
        columns = flat[:, :: max(1, -(-flat.shape[1] // COLUMNS))]
        return np.asarray(columns.double().numpy())
    return np.stack([(flat == int(token)).sum(1).double().numpy() for token in tokens], 1)


def _targets(parts: Sequence[Any]) -> np.ndarray | None:
    """(n,) the targets, where every row has one."""
    tensors = [y for y in parts if isinstance(y, Tensor) and y.dim() and y.numel() == len(y)]
    if len(tensors) < len(parts) or not tensors:
        return None
    return np.asarray(torch.cat([y.reshape(-1) for y in tensors]).cpu().double().numpy())


def _as_classes(targets: np.ndarray) -> np.ndarray | None:
    """The targets as classes, where they are whole numbers and most values occur often."""
    values, counts = np.unique(targets, return_counts=True)
    whole = np.all(values == np.round(values)) and len(values) > 1
    return targets.astype(int) if whole and np.median(counts) >= FEWEST_OF_A_CLASS else None


def _as_numbers(targets: np.ndarray) -> np.ndarray | None:
    """The targets as numbers, where some are not whole."""
    return None if np.all(targets == np.round(targets)) else targets
