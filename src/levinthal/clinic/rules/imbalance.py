"""One class that makes up most of the data, and a weight that should balance it and does not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.sample import LossCall
from levinthal.clinic.rules.context import INTERVAL_ERRORS, Context
from levinthal.clinic.rules.loss_input import Head, heads
from levinthal.clinic.rules.loss_trend import FEWEST
from levinthal.clinic.rules.order import BINARY, class_counts, first_calls, has_one_class_a_pass
from levinthal.vocabulary import Finding, Severity

DOMINANT = 0.8
"""Share of the largest class above which classes are imbalanced."""
NEARLY_ALL = 0.99
"""Share of the largest class above which that alone is a warning."""
ROUNDED = 0.01
"""Difference of the variance of labels from that of labels 0 and 1, up to which they are 0 or 1."""
CLOSE = 1.3
"""Ratio up to which a weight and negatives / positives are equal, beside what few positives leave open."""
SEVERAL = 3.0
"""Weight of a typical label from which on its positives are rare."""
POSITIVES = 10
"""Positives of a typical label that have to be seen."""
REMEDY = (
    "pass it as `pos_weight=`: `weight=` multiplies the loss of the negatives too, and so balances nothing"
)

CLASS_IMBALANCE = FindingKind(
    code="CLASS_IMBALANCE",
    means="one class makes up most of the data",
    remedy="weigh the classes, `cross_entropy(..., weight=...)`, and report recall for each",
    severity=Severity.INFO,
    area=Area.DATA,
    order=200,
    evidence=(
        "one class makes up {dominant:.0%} of the labels, one a row; a warning if training has plateaued, or "
        "at {nearly_all:.0%}; of pixels and tokens info, if training has plateaued; or (a warning) a label "
        "has one `weight=` of `binary_cross_entropy_with_logits`, of {several} or more, and within a "
        "factor of {close} of its negatives / positives"
    ),
    thresholds={"dominant": DOMINANT, "nearly_all": NEARLY_ALL, "several": SEVERAL, "close": CLOSE},
    source=EXACT,
    explains=symptoms.NO_LEARNING,
)


@rule(CLASS_IMBALANCE)
def class_imbalance(context: Context) -> Iterator[Finding]:
    """One class makes up most of the labels; a warning where training has plateaued. Of pixels and tokens,
    most of which are background, it is info, and only where training has plateaued.
    """
    plateaued = context.trend.has_plateaued
    by_row = _shares(context, one_label_a_row=True)
    shares = by_row if len(by_row) or not plateaued else _shares(context, one_label_a_row=False)
    if len(shares) > 1 and shares.max() > DOMINANT:
        is_warning = len(by_row) > 0 and (plateaued or shares.max() > NEARLY_ALL)
        severity = Severity.WARNING if is_warning else Severity.INFO
        evidence = {"share of the largest class": float(shares.max())}
        yield found(CLASS_IMBALANCE, "labels", 0, evidence, severity=severity)


def _shares(context: Context, *, one_label_a_row: bool) -> np.ndarray:
    """The share of each class among the labels; empty where there are too few, or no classes."""
    table = class_counts(context.history, one_label_a_row=one_label_a_row)
    calls = first_calls(context.history, one_label_a_row=one_label_a_row)
    known = [call.target.tolist() for call in calls if call.target is not None and call.kind in BINARY]
    labels = np.array([(mean, variance) for mean, variance, _ in known if _is_hard(mean, variance)])
    if len(labels) >= FEWEST and (
        labels[:, 1].any()
        or (context.trend.has_learnt and not _has_rivals(context) and _are_of_one_output(calls))
    ):
        yes = float(labels[:, 0].mean())  # else real or fake: the labels of one batch are all the same
        return np.array([yes, 1 - yes])
    are_other = any(call.of_candidates for call in calls) or has_one_class_a_pass(context.history)
    if len(table) < FEWEST or len(table[0]) < 2 or are_other:  # the place of the right candidate is no class
        return np.zeros(0)
    return np.asarray(table.sum(0) / table.sum())


def _are_of_one_output(calls: Sequence[LossCall]) -> bool:
    """Whether the losses read the last layer: the label of a difference of two scores is always the same."""
    return any(call.of_last_layer for call in calls)


def _has_rivals(context: Context) -> bool:
    """Whether a step has one loss with labels of 1 alone and one with labels of 0 alone: real and fake."""
    steps = ([float(c.target[0]) for c in s.losses if c.target is not None] for s in context.history)
    return any(len(set(means)) > 1 for means in steps)


def _is_hard(mean: float, variance: float) -> bool:
    """Whether numeric labels are 0 or 1, from their mean and variance: those of grey pixels are not."""
    return abs(variance - mean * (1 - mean)) < ROUNDED


@rule(CLASS_IMBALANCE)
def weight_for_pos_weight(context: Context) -> Iterator[Finding]:
    """Weights of labels that are the ratio of their negatives to their positives."""
    for head in heads(context.history):
        seen = _weights_and_shares(head)
        if seen is None:
            continue
        weights, shares, targets = seen
        positives = shares * targets
        is_seen = positives > 0
        ratios = (1 - shares[is_seen]) / shares[is_seen]
        left_open = math.log(CLOSE) + INTERVAL_ERRORS / positives[is_seen].sqrt()
        is_close = (weights[is_seen] / ratios).log().abs() <= left_open
        is_known = float(positives.median()) >= POSITIVES and float(weights.median()) >= SEVERAL
        if is_known and bool(is_close.all()):
            evidence = {"weight": float(weights.median()), "negatives / positives": float(ratios.median())}
            evidence |= {"labels": len(weights)}
            step = head[0][0].step
            yield found(
                CLASS_IMBALANCE,
                "loss",
                step,
                evidence,
                severity=Severity.WARNING,
                remedy=REMEDY,
                examined=False,
            )


def _weights_and_shares(head: Head) -> tuple[Tensor, Tensor, float] | None:
    """(labels,) the usual weights, (labels,) the shares of positives, and the targets of each label; None
    where not every call has weights of labels.
    """
    rows = [call.label_weights for _, call in head if call.label_weights is not None]
    if len(rows) < max(FEWEST, len(head)) or any(row.shape != rows[0].shape for row in rows):
        return None
    both = torch.stack([row.cpu().double() for row in rows])
    sizes = torch.tensor([math.prod(call.target_shape) for _, call in head], dtype=torch.float64)
    shares = (both[:, 1] * sizes[:, None]).sum(0) / sizes.sum()
    return both[:, 0].median(0).values, shares, float(sizes.sum()) / len(shares)
