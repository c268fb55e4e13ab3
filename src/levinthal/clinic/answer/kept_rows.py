"""The training rows that a reference learner reads: distinct rows as numbers, with their targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.row_reservoir import row_fingerprints
from levinthal.clinic.recording.sample import LossCall
from levinthal.clinic.rules.tables import is_numbers, vocabulary

MOST, FEWEST = 400, 60
"""Distinct rows that are read, at most and at least: the time grows with their cube."""
COLUMNS, MOST_TARGETS = 512, 32
"""Columns of a row and of a target that are read, at most."""


@dataclass(frozen=True, slots=True)
class KeptRows:
    """`inputs` (n, d) and `targets`: (n,) classes, or (n, k) numbers."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.inputs)


def kept_rows(history: History, call: LossCall) -> KeptRows | None:
    """Distinct rows with one target each; None where there are too few, or where a row is its own target."""
    shape = call.target_shape[1:]
    pairs = [(x, y) for x, y in history.rows.pairs() if y.shape[1:] == shape]
    if sum(len(x) for x, _ in pairs) < FEWEST:
        return None
    inputs, targets = (torch.cat(part).cpu() for part in zip(*pairs, strict=True))
    is_own = inputs.shape == targets.shape and inputs.dim() > 1
    if is_own or inputs.is_complex() or targets.reshape(len(targets), -1).shape[1] > MOST_TARGETS:
        return None
    if call.counts is not None and targets.dim() == 1:
        is_class = (targets >= 0) & (targets < len(call.counts))  # the others are left out of the loss
        inputs, targets = inputs[is_class], targets[is_class]
    chosen = _distinct(inputs, targets)
    if len(chosen) < FEWEST or (targets.dim() > 1 and not targets.is_floating_point()):
        return None
    y = targets[chosen].reshape(len(chosen), -1)
    return KeptRows(_numbers(inputs[chosen]), y[:, 0].long() if call.counts is not None else y.double())


def _distinct(inputs: Tensor, targets: Tensor) -> Tensor:
    """Indices of distinct rows without nan or infinity, at most 400 of them, spread evenly."""
    _, first = np.unique(row_fingerprints(inputs).numpy(), return_index=True)
    places = torch.as_tensor(np.sort(first))
    finite = _is_finite(inputs) & _is_finite(targets)
    places = places[finite[places]]
    return places[torch.linspace(0, len(places) - 1, min(len(places), MOST)).long()]


def _is_finite(values: Tensor) -> Tensor:
    """(n,) whether all numbers of a row are finite."""
    return values.reshape(len(values), -1).isfinite().all(1)


def _numbers(inputs: Tensor) -> Tensor:
    """(n, d) the columns of the rows, evenly chosen; of tokens, how often each occurs in a row."""
    flat = inputs.reshape(len(inputs), -1)
    tokens = None if is_numbers(inputs) else vocabulary([inputs])
    if tokens is None:
        return flat[:, :: -(-flat.shape[1] // COLUMNS)].double()
    return torch.stack([(flat == int(token)).sum(1).double() for token in tokens], 1)
