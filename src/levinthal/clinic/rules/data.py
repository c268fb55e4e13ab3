"""Faults of the batches: non-finite numbers, scale, order, balance."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.row_reservoir import count
from levinthal.clinic.rules import tables
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.loss_trend import FEWEST
from levinthal.vocabulary import Finding, Severity

FAR_MEAN = 10.0
"""|mean| of the inputs above which their scale is wrong."""
WIDE = 20.0
"""Standard deviation of the inputs above which their scale is wrong."""
NARROW = 0.05
"""Standard deviation of the inputs below which their scale is wrong."""
FEW_CLASSES = 0.5
"""Share of the classes expected in a shuffled batch below which batches are sorted."""
DOMINANT = 0.8
"""Share of the largest class above which classes are imbalanced."""
NEARLY_ALL = 0.99
"""Share of the largest class above which that alone is a warning."""
FAR_APART = 10.0
"""Variance of batch means over that of a shuffled order above which targets are sorted."""
NOISE = 0.1
"""Squared distance of two batches over that of two rows of one batch, below which they are one batch."""
BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")

NON_FINITE_INPUT = FindingKind(
    code="NON_FINITE_INPUT",
    means="a batch contains nan or infinity",
    remedy="clean the data: `assert torch.isfinite(x).all()` where it is prepared",
    severity=Severity.CRITICAL,
    area=Area.DATA,
    order=10,
    evidence="a batch whose sum is not finite",
    source=EXACT,
    explains=("NON_FINITE_LOSS", "INPUT_SCALE", *symptoms.OF_ALL_DYNAMICS),
)

STUCK_BATCH = FindingKind(
    code="STUCK_BATCH",
    means="every step sees the same batch",
    remedy="take the batch from the loader inside the loop",
    severity=Severity.WARNING,
    area=Area.DATA,
    order=140,
    evidence=(
        "{samples} or more sampled batches with one fingerprint, or whose rows have a squared "
        "distance below {share} of that of rows within a batch"
    ),
    thresholds={"samples": FEWEST, "share": NOISE},
    source=EXACT,
    explains=("OVERFIT",),
)

UNSHUFFLED = FindingKind(
    code="UNSHUFFLED",
    means="a batch contains far fewer classes than the data: the data are sorted",
    remedy="`DataLoader(..., shuffle=True)`",
    severity=Severity.WARNING,
    area=Area.DATA,
    order=180,
    evidence=(
        "fewer than {share:.0%} of the classes per batch that a shuffled order gives; or a variance of batch "
        "means {times} times as large"
    ),
    thresholds={"share": FEW_CLASSES, "times": FAR_APART},
    source="expectation under a random order",
    explains=symptoms.NO_LEARNING,
)

CLASS_IMBALANCE = FindingKind(
    code="CLASS_IMBALANCE",
    means="one class makes up most of the data",
    remedy="weigh the classes, `cross_entropy(..., weight=...)`, and report recall for each",
    severity=Severity.INFO,
    area=Area.DATA,
    order=200,
    evidence=(
        "one class makes up {dominant:.0%} of the targets; a warning if training has plateaued, or at"
        " {nearly_all:.0%}"
    ),
    thresholds={"dominant": DOMINANT, "nearly_all": NEARLY_ALL},
    source=EXACT,
    explains=symptoms.NO_LEARNING,
)

INPUT_SCALE = FindingKind(
    code="INPUT_SCALE",
    means="the inputs are far from zero mean and unit variance",
    remedy="subtract the mean and divide by the standard deviation of the training set",
    severity=Severity.WARNING,
    area=Area.DATA,
    order=210,
    evidence=(
        "|mean| above {mean}, standard deviation above {wide} or below {narrow}, and degraded training"
    ),
    thresholds={"mean": FAR_MEAN, "wide": WIDE, "narrow": NARROW},
    source="LeCun et al., Efficient BackProp (1998), section 4.3",
    explains=symptoms.OF_ALL_DYNAMICS,
)


@rule(NON_FINITE_INPUT)
def non_finite_input(context: Context) -> Iterator[Finding]:
    """Batches that contain nan or infinity."""
    shares = context.history.batch("non_finite")
    if np.any(shares > 0):
        evidence = {"batches": int((shares > 0).sum()), "of": len(shares)}
        first = int(context.history.steps[int(np.argmax(shares > 0))])
        yield found(NON_FINITE_INPUT, "input", first, evidence)


@rule(INPUT_SCALE)
def input_scale(context: Context) -> Iterator[Finding]:
    """Inputs far from zero mean and unit variance; without degraded training it is info."""
    mean, std = context.history.batch("mean"), context.history.batch("std")
    if not len(mean) or np.any(context.history.batch("non_finite") > 0):
        return
    centre, spread = float(np.median(np.abs(mean))), float(np.median(std))
    if centre > FAR_MEAN or spread > WIDE or 0 < spread < NARROW:
        severity = None if context.trend.is_degraded else Severity.INFO
        evidence = {"|mean|": centre, "standard deviation": spread}
        yield found(INPUT_SCALE, "input", 0, evidence, severity=severity)


@rule(STUCK_BATCH)
def stuck_batch(context: Context) -> Iterator[Finding]:
    """Every sampled step sees one batch, exactly or up to noise: correct only if it is the whole data set."""
    tokens = [int(s.token_fingerprint) for s in context.history if s.token_fingerprint is not None]
    prints = np.array(tokens) if tokens else context.history.batch("fingerprint")
    if len(prints) < FEWEST:
        return
    equal, apart = bool(np.all(prints == prints[0])), _batch_distance(context.history)
    if equal or apart < NOISE:
        size, held = context.history.samples[-1].batch_size, _rows_held_out(context.history)
        evidence = (
            {"equal batches": len(prints)} if equal else {"squared distance between / within batches": apart}
        )
        some = size < held and not context.trend.has_plateaued  # else the batch may be the whole data set
        severity = None if some else Severity.INFO
        evidence |= {"batch size": size}
        yield found(STUCK_BATCH, "input", 0, evidence, severity=severity)


def _batch_distance(history: History) -> float:
    """The squared distance of rows at the same place in different batches, over that of neighbouring rows in
    one batch; infinite where too few batches have the same shape.
    """
    rows = [c.inputs.reshape(len(c.inputs), -1) for c in history.rows.chunks if tables.is_numbers(c.inputs)]
    same = [r.float() for r in rows if r.shape == rows[0].shape and len(r) > 1]
    if len(same) < max(FEWEST, len(rows)):
        return math.inf
    within = float(torch.stack([(r - r.roll(1, 0)).square().mean() for r in same]).mean())
    between = float(torch.stack([(r - same[0]).square().mean() for r in same[1:]]).mean())
    return between / within if within > 0 else math.inf


def _rows_held_out(history: History) -> int:
    """The number of validation rows: the training set is usually larger."""
    return sum(count(x) for x, _ in history.validation.batches) if history.validation else 0


@rule(UNSHUFFLED)
def label_order(context: Context) -> Iterator[Finding]:
    """Batches with fewer classes than a shuffled order would give."""
    table = _class_counts(context.history)
    if len(table) < FEWEST:
        return
    shares, sizes = table.sum(0) / table.sum(), table.sum(1)
    expected = float(np.mean([(1 - (1 - shares) ** n).sum() for n in sizes]))
    seen = float((table > 0).sum(1).mean())
    if seen < FEW_CLASSES * expected and expected > 1.5:
        yield found(UNSHUFFLED, "labels", 0, {"classes per batch": seen, "expected if shuffled": expected})


def _class_counts(history: History) -> np.ndarray:
    """(calls, classes) how often each class is a target, over calls with the same number of classes."""
    counts = [c.counts.cpu().numpy() for c in history.calls() if c.counts is not None]
    same = [c for c in counts if len(c) == len(counts[0]) and c.sum() > 1]
    return np.stack(same) if same else np.zeros((0, 0))


@rule(UNSHUFFLED)
def target_order(context: Context) -> Iterator[Finding]:
    """Batches of numeric targets whose means differ more than in a shuffled order."""
    calls = [c for c in context.history.calls() if c.target is not None and c.kind not in BINARY]
    targets = np.array([c.target.tolist() for c in calls if c.target is not None])
    sizes = np.array([math.prod(c.target_shape) for c in calls])
    if len(targets) < 2 * FEWEST or sizes.min() < 2:
        return
    means, variances = targets.T
    within = float(np.mean(variances / sizes))
    if within > 0 and means.var() / within > FAR_APART:
        evidence = {"variance of batch means / expected if shuffled": float(means.var() / within)}
        yield found(UNSHUFFLED, "targets", 0, evidence)


@rule(CLASS_IMBALANCE)
def class_imbalance(context: Context) -> Iterator[Finding]:
    """One class makes up most of the targets; a warning where training has plateaued."""
    table = _class_counts(context.history)
    calls = [c for c in context.history.calls() if c.target is not None and c.kind in BINARY]
    shares = table.sum(0) / table.sum() if len(table) >= FEWEST and len(table[0]) > 1 else np.zeros(1)
    if len(calls) >= FEWEST:
        yes = float(np.mean([float(c.target[0]) for c in calls if c.target is not None]))
        shares = np.array([yes, 1 - yes])
    if shares.max() > DOMINANT and len(shares) > 1:
        is_warning = context.trend.has_plateaued or shares.max() > NEARLY_ALL
        severity = Severity.WARNING if is_warning else Severity.INFO
        evidence = {"share of the largest class": float(shares.max())}
        yield found(CLASS_IMBALANCE, "labels", 0, evidence, severity=severity)
