"""The reference learner: what quick learners reach on the kept training rows, in the loss of the run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from levinthal.clinic.answer.constants import BINARY, CLASSES, ELEMENTWISE
from levinthal.clinic.answer.kept_rows import KeptRows, kept_rows
from levinthal.clinic.answer.smoothers import left_out_predictions
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.sample import LossCall

MOST_CLASSES = 128
"""Classes of which 400 rows can say something."""
SHARPNESS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""What scores are multiplied by before a softmax; the best is taken."""
DOUBT = (0.02, 0.1)
"""Share of equal probabilities that is mixed in; the better is taken."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What the best of the quick learners reaches.

    Attributes:
        name: The learner.
        loss: The mean loss of rows that were left out of its fit.
        error: The standard error of that mean.
        rows: The number of rows.
    """

    name: str
    loss: float
    error: float
    rows: int


def reference(history: History, call: LossCall | None) -> Reference | None:
    """The best quick learner on the kept rows; None where the rows or the loss allow none.

    Args:
        history: The sampled steps and the kept rows.
        call: The first loss of a step.

    Returns:
        Its loss, measured on rows that were left out of its fit, in the unit of the loss of the run.
    """
    rows = kept_rows(history, call) if call is not None and _is_read(call) else None
    if rows is None or call is None:
        return None
    classes = _classes(rows) if call.counts is not None else torch.zeros(0)
    if call.counts is not None and not 2 <= len(classes) <= MOST_CLASSES:
        return None
    shown = (rows.targets[:, None] == classes).double() if len(classes) else rows.targets
    found = [
        Reference(name, *_best_loss(call, rows, predictions, classes), len(rows))
        for name, predictions in left_out_predictions(rows.inputs, shown)
    ]
    known = [one for one in found if math.isfinite(one.loss)]
    return min(known, key=lambda one: one.loss, default=None)


def _classes(rows: KeptRows) -> Tensor:
    """The classes that occur, in order."""
    found: Tensor = torch.unique(rows.targets)
    return found


def _is_read(call: LossCall) -> bool:
    """Whether the loss can be computed for other predictions: that of some targets alone cannot."""
    if call.is_partial or call.is_rewarded:
        return False
    if call.kind in CLASSES:
        return call.counts is not None and len(call.target_shape) == 1
    return call.kind in ELEMENTWISE or (call.kind in BINARY and call.weight is None)


def _best_loss(call: LossCall, rows: KeptRows, predictions: Tensor, classes: Tensor) -> tuple[float, float]:
    """The least mean loss over sharpness and doubt, and its standard error."""
    if call.kind in CLASSES:
        options = [_of_classes(call, rows, predictions, classes, sharp) for sharp in SHARPNESS]
    elif call.kind in BINARY:
        options = [_of_shares(rows, predictions, doubt) for doubt in DOUBT]
    else:
        apart = ELEMENTWISE[call.kind](predictions, rows.targets, reduction="none")
        options = [_mean(apart.mean(1))]
    loss, error = min(options)
    return loss, error


def _of_classes(
    call: LossCall, rows: KeptRows, scores: Tensor, classes: Tensor, sharp: float
) -> tuple[float, float]:
    """The cross-entropy of scores, with the weights and the label smoothing of the loss."""
    assert call.counts is not None
    width = len(call.counts)
    shares = torch.zeros(len(rows), width, dtype=torch.float64)
    shares[:, classes] = (sharp * scores).softmax(1)
    mixed = []
    weight = None if call.weight is None else call.weight.cpu().double()
    for doubt in DOUBT:
        smooth = (1 - doubt) * shares + doubt / width
        logs = ((1 - call.smoothing) * smooth + call.smoothing / width).log()
        how: dict[str, Any] = {"reduction": "none", "label_smoothing": call.smoothing}
        own = functional.cross_entropy(logs, rows.targets, weight, **how)
        mixed.append(_mean(own, None if weight is None else weight[rows.targets]))
    return min(mixed)


def _of_shares(rows: KeptRows, predictions: Tensor, doubt: float) -> tuple[float, float]:
    """The binary cross-entropy of predictions that are kept away from 0 and 1."""
    given = predictions.clamp(doubt, 1 - doubt), rows.targets.clamp(0, 1)
    return _mean(functional.binary_cross_entropy(*given, reduction="none").mean(1))


def _mean(losses: Tensor, weights: Tensor | None = None) -> tuple[float, float]:
    """The mean of the losses of rows and its standard error."""
    total = len(losses) if weights is None else float(weights.sum())
    return float(losses.sum()) / max(total, 1e-300), float(losses.std()) / math.sqrt(len(losses))
