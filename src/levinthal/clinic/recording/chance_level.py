"""The chance level: the loss of the best constant prediction."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from levinthal.clinic.recording.sample import LossCall, Sample

ROBUST: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l1_loss": functional.l1_loss,
    "smooth_l1_loss": functional.smooth_l1_loss,
    "huber_loss": functional.huber_loss,
}
ROUNDING = 1e-12
"""Variance of equal numbers over their mean square, at most."""
BINARY = {"binary_cross_entropy", "binary_cross_entropy_with_logits"}


def chance_level(samples: Sequence[Sample], targets: Callable[[], Tensor]) -> float:
    """The chance level of the losses that were seen; nan where it is unknown.

    Args:
        samples: The sampled steps.
        targets: Gives (n,) numeric targets of some training rows; called for robust losses alone.

    Returns:
        The entropy of the classes for a cross-entropy, in nats (that of equal probabilities, where the first
        of several candidates is always right); the variance of the targets for a squared error; the least
        loss of a constant for a robust one.
    """
    calls = [call for sample in samples for call in sample.losses]
    kinds = {call.kind for call in calls}
    if any(call.is_rewarded for call in calls):
        return math.nan
    if kinds == {"cross_entropy"} or kinds == {"nll_loss"}:
        tables = [call.counts.cpu().numpy() for call in calls if call.counts is not None]
        if tables and all(len(table) == len(tables[0]) for table in tables):
            return _of_classes(calls[0], np.sum(tables, 0))
    if not calls:
        return _of_explicit_squares(samples)
    if len(kinds) == 1 and kinds <= ROBUST.keys():
        return _least(ROBUST[calls[0].kind], targets())
    return _of_numeric_targets(calls, kinds)


def _of_classes(call: LossCall, counts: np.ndarray) -> float:
    """The entropy of the classes, with the weights and the label smoothing of the loss."""
    weighted = counts if call.weight is None else counts * call.weight.cpu().double().numpy()
    if np.count_nonzero(weighted) < 2:  # one class: there is nothing to predict
        return math.log(len(counts)) if call.of_candidates else math.nan
    shares = weighted / weighted.sum()
    return _entropy((1 - call.smoothing) * shares + call.smoothing / len(shares))


def _of_numeric_targets(calls: Sequence[LossCall], kinds: set[str]) -> float:
    """Of a squared error, or of a binary cross-entropy."""
    targets = [call.target.tolist() for call in calls if call.target is not None]
    if kinds == {"mse_loss"} and targets:
        return _variance(np.array(targets))
    if kinds <= BINARY and targets:
        share = float(np.mean([row[0] for row in targets]))
        return _of_binary(calls[0], share) if 0 <= share <= 1 else math.nan
    return math.nan


def _of_binary(call: LossCall, share: float) -> float:
    """The binary cross-entropy of the best constant; a weight of all targets is a factor of it."""
    weights = call.label_weights
    if weights is None:
        return _of_share(share, call.weight)
    return _of_share(share, None) * float(weights[0]) if weights.shape[1] == 1 else math.nan


def _of_share(share: float, weight: Tensor | None) -> float:
    """The binary cross-entropy of the best constant; a weight multiplies the loss of positive targets."""
    if weight is not None and weight.numel() > 1:
        return math.nan
    positive = share if weight is None else share * float(weight)
    return _entropy(np.array([positive, 1 - share])) * (positive + 1 - share)


def _of_explicit_squares(samples: Sequence[Sample]) -> float:
    """Of a squared error written out: a loss that is the mean square of a difference."""
    seen = [
        (float(s.loss), s.difference.tolist())
        for s in samples
        if s.loss is not None and s.difference is not None
    ]
    squares = [numbers for loss, numbers in seen if math.isclose(loss, numbers[2], rel_tol=1e-3)]
    return _variance(np.array(squares)) if squares and len(squares) > len(seen) / 2 else math.nan


def _variance(targets: np.ndarray) -> float:
    """The variance of all targets, from the mean and variance in each line; nan where they are all the same,
    so that there is nothing to predict.
    """
    means, variances = targets.T[:2]
    variance = float(np.mean(variances) + np.var(means))
    return variance if variance > ROUNDING * float(np.mean(np.square(means))) else math.nan


def _least(loss: Callable[[Tensor, Tensor], Tensor], targets: Tensor) -> float:
    """The least loss of one constant for all targets, of some between their mean and their median."""
    if not len(targets):
        return math.nan
    constants = torch.linspace(float(targets.mean()), float(targets.median()), 9)
    return min(float(loss(constant.expand_as(targets), targets)) for constant in constants)


def _entropy(counts: np.ndarray) -> float:
    """Nats; nan where there is only one outcome, so that there is nothing to predict."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum()) if len(shares) > 1 else math.nan
