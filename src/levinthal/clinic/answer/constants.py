"""The best constant prediction and the floor of a loss, from the targets that were seen."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.sample import LossCall

ELEMENTWISE: dict[str, Callable[..., Tensor]] = {
    "mse_loss": functional.mse_loss,
    "l1_loss": functional.l1_loss,
    "smooth_l1_loss": functional.smooth_l1_loss,
    "huber_loss": functional.huber_loss,
}
CLASSES = ("cross_entropy", "nll_loss")
BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
WITH_FLOOR = (*ELEMENTWISE, *CLASSES, *BINARY, "kl_div")
"""Losses that cannot be negative for arguments that they are made for."""
FEWEST = 16
"""Rows of kept targets from which on the best constant is read column by column."""


def first_call(history: History) -> LossCall | None:
    """The first loss of a step, if every sampled step with a loss has the same kind first."""
    firsts = [sample.losses[0] for sample in history if sample.losses]
    same = bool(firsts) and all(call.kind == firsts[0].kind for call in firsts)
    return firsts[-1] if same else None


def chance_of(history: History, call: LossCall | None) -> float:
    """The loss of the best constant prediction; nan where it is unknown, or where all targets are the same.

    A prediction of several columns has one constant for each column, if targets were kept.
    """
    if call is None or call.kind in CLASSES or call.is_partial or call.is_rewarded:
        return history.chance
    targets = kept_targets(history, call)
    if targets is None:
        return history.chance
    is_one = bool((targets == targets[:1]).all())
    return math.nan if is_one else _constant_loss(call, targets)


def kept_targets(history: History, call: LossCall) -> Tensor | None:
    """(n, d) numeric targets of the rows that were kept, of the shape of this loss."""
    shape = call.target_shape[1:]
    held = [c.targets for c in history.rows.chunks if c.targets is not None and c.targets.shape[1:] == shape]
    if (
        call.is_partial
        or call.counts is not None
        or sum(map(len, held)) < FEWEST
        or not held[0].is_floating_point()
    ):
        return None
    return torch.cat([t.reshape(len(t), -1) for t in held]).cpu().double()


def _constant_loss(call: LossCall, targets: Tensor) -> float:
    """The loss of the best constant row: of each column its mean, or its median for a robust loss."""
    mean = targets.mean(0, keepdim=True).expand_as(targets)
    if call.kind in BINARY:
        inside = bool((targets >= 0).all() and (targets <= 1).all())
        return _binary_entropy(mean[0]) if inside and call.weight is None else math.nan
    if call.kind in ELEMENTWISE:
        middle = targets.median(0, keepdim=True).values.expand_as(targets)
        loss = ELEMENTWISE[call.kind]
        return min(float(loss(mean, targets)), float(loss(middle, targets)))
    if call.kind == "kl_div" and _is_soft(call, targets):
        return float(functional.kl_div(mean.clamp(min=1e-12).log(), targets, reduction="batchmean"))
    return _soft_cross_entropy(call, mean, targets)


def _soft_cross_entropy(call: LossCall, mean: Tensor, targets: Tensor) -> float:
    """The entropy of the mean of targets that are distributions."""
    if call.kind != "cross_entropy" or not _is_soft(call, targets):
        return math.nan
    return float(-(targets * mean.clamp(min=1e-12).log()).sum(1).mean())


def _is_soft(call: LossCall, targets: Tensor) -> bool:
    """Whether targets are distributions; a sum over rows is divided by all their numbers, and is not read."""
    return call.reduction != "sum" and is_distributions(targets)


def is_distributions(targets: Tensor) -> bool:
    """Whether every row is not negative and sums to one."""
    return bool((targets >= 0).all()) and bool(((targets.sum(1) - 1).abs() < 1e-3).all())


def _binary_entropy(share: Tensor) -> float:
    """Nats, the mean over the columns."""
    p = share.clamp(1e-12, 1 - 1e-12)
    return float(-(p * p.log() + (1 - p) * (1 - p).log()).mean())


def floor_of(history: History, call: LossCall | None) -> float:
    """The least value of the loss, also for a perfect prediction; minus infinity where there is none."""
    if call is None or call.kind not in WITH_FLOOR or call.is_rewarded:
        return -math.inf
    if call.smoothing and call.counts is not None:
        return _smoothed_floor(call.smoothing, len(call.counts))
    targets = kept_targets(history, call)
    if targets is None or not (targets.min() >= 0 and targets.max() <= 1):
        return 0.0
    if call.kind in BINARY:
        return _binary_entropy_of_rows(targets)
    soft = call.kind == "cross_entropy" and _is_soft(call, targets)
    return float(torch.special.entr(targets).sum(1).mean()) if soft else 0.0


def _binary_entropy_of_rows(targets: Tensor) -> float:
    """The mean entropy of soft binary targets; 0 where all are 0 or 1."""
    return float((torch.special.entr(targets) + torch.special.entr(1 - targets)).mean())


def _smoothed_floor(smoothing: float, classes: int) -> float:
    """The entropy of one smoothed label.

    >>> round(_smoothed_floor(0.1, 10), 3), _smoothed_floor(0.0, 10)
    (0.5, 0.0)
    """
    rest = smoothing / classes
    shares = np.array([1 - smoothing + rest, *[rest] * (classes - 1)])
    return 0.0 - float((shares[shares > 0] * np.log(shares[shares > 0])).sum())
