"""What is wrong with the batches: numbers, scale, order, balance."""

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
from levinthal.clinic.rules.context import Chart
from levinthal.clinic.rules.loss_trend import FEWEST
from levinthal.vocabulary import Finding, Severity

FAR_MEAN = 10.0
"""|mean| of the inputs above which their scale counts as wrong."""
WIDE = 20.0
"""Standard deviation of the inputs above which it does."""
NARROW = 0.05
"""Standard deviation of the inputs below which it does."""
FEW_CLASSES = 0.5
"""Share of the classes expected in a shuffled batch, below which batches are sorted."""
DOMINANT = 0.8
"""Share of the largest class from which on classes are imbalanced."""
NEARLY_ALL = 0.99
"""Share of the largest class from which on that alone is a warning."""
FAR_APART = 10.0
"""Variance of batch means over that of a shuffled order, above which targets are sorted."""
NOISE = 0.1
"""Squared distance of two batches over that of two rows of one, below which they are one batch."""
YES_OR_NO = ("binary_cross_entropy", "binary_cross_entropy_with_logits")

NON_FINITE_INPUT = FindingKind(
    code="NON_FINITE_INPUT",
    means="a batch holds nan or infinity",
    remedy="clean the data: `assert torch.isfinite(x).all()` where it is made",
    severity=Severity.CRITICAL,
    area=Area.DATA,
    order=10,
    evidence="a batch whose sum is no number",
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
    means="a batch holds far fewer classes than the data: they come sorted",
    remedy="`DataLoader(..., shuffle=True)`",
    severity=Severity.WARNING,
    area=Area.DATA,
    order=180,
    evidence=(
        "less than {share:.0%} of the classes a batch that a shuffled order gives; or batch means of "
        "{times} times the variance"
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
def non_finite_input(chart: Chart) -> Iterator[Finding]:
    """Batches with nan or infinity."""
    shares = chart.history.batch("non_finite")
    if np.any(shares > 0):
        evidence = {
            "batches": int((shares > 0).sum()),
            "of": len(shares),
        }
        yield found(NON_FINITE_INPUT, "input", int(chart.history.steps[int(np.argmax(shares > 0))]), evidence)


@rule(INPUT_SCALE)
def input_scale(chart: Chart) -> Iterator[Finding]:
    """Inputs far from zero mean and unit variance; without degraded training it is info."""
    mean, std = chart.history.batch("mean"), chart.history.batch("std")
    if not len(mean) or np.any(chart.history.batch("non_finite") > 0):
        return
    centre, spread = float(np.median(np.abs(mean))), float(np.median(std))
    if centre > FAR_MEAN or spread > WIDE or 0 < spread < NARROW:
        severity = None if chart.went.is_harmed else Severity.INFO
        evidence = {"|mean|": centre, "standard deviation": spread}
        yield found(INPUT_SCALE, "input", 0, evidence, severity=severity)


@rule(STUCK_BATCH)
def stuck_batch(chart: Chart) -> Iterator[Finding]:
    """The same batch at every sampled step, to the bit or but for noise: right only if it is all there is."""
    tokens = [int(s.tokens) for s in chart.history if s.tokens is not None]
    prints = np.array(tokens) if tokens else chart.history.batch("fingerprint")
    if len(prints) < FEWEST:
        return
    equal, apart = bool(np.all(prints == prints[0])), _apart(chart.history)
    if equal or apart < NOISE:
        size, held = chart.history.samples[-1].batch_size, _rows_held_out(chart.history)
        evidence = {"equal batches": len(prints)} if equal else {"rows of two batches / of one, apart": apart}
        some = size < held and not chart.went.is_stuck  # else it may be all there is
        severity = None if some else Severity.INFO
        evidence |= {"batch": size}
        yield found(STUCK_BATCH, "input", 0, evidence, severity=severity)


def _apart(history: History) -> float:
    """The squared distance of rows in one place of all batches, over that of rows in two places of one batch;
    infinite where there are too few of a shape.
    """
    rows = [c.inputs.reshape(len(c.inputs), -1) for c in history.rows.chunks if tables.is_numbers(c.inputs)]
    alike = [r.float() for r in rows if r.shape == rows[0].shape and len(r) > 1]
    if len(alike) < max(FEWEST, len(rows)):
        return math.inf
    within = float(torch.stack([(r - r.roll(1, 0)).square().mean() for r in alike]).mean())
    between = float(torch.stack([(r - alike[0]).square().mean() for r in alike[1:]]).mean())
    return between / within if within > 0 else math.inf


def _rows_held_out(history: History) -> int:
    """Rows of validation: of what there is to train on there are more, as a rule."""
    return sum(count(x) for x, _ in history.validation.bulks) if history.validation else 0


@rule(UNSHUFFLED)
def label_order(chart: Chart) -> Iterator[Finding]:
    """Batches with fewer classes than a shuffled order would give."""
    table = _class_counts(chart.history)
    if len(table) < FEWEST:
        return
    shares, sizes = table.sum(0) / table.sum(), table.sum(1)
    expected = float(np.mean([(1 - (1 - shares) ** n).sum() for n in sizes]))
    seen = float((table > 0).sum(1).mean())
    if seen < FEW_CLASSES * expected and expected > 1.5:
        yield found(UNSHUFFLED, "labels", 0, {"classes a batch": seen, "expected if shuffled": expected})


def _class_counts(history: History) -> np.ndarray:
    """(calls, classes)"""
    counts = [c.counts.cpu().numpy() for c in history.calls() if c.counts is not None]
    alike = [c for c in counts if len(c) == len(counts[0]) and c.sum() > 1]
    return np.stack(alike) if alike else np.zeros((0, 0))


@rule(UNSHUFFLED)
def target_order(chart: Chart) -> Iterator[Finding]:
    """Batches of numbers whose means differ more than a shuffled order would let them."""
    calls = [c for c in chart.history.calls() if c.target is not None and c.kind not in YES_OR_NO]
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
def class_imbalance(chart: Chart) -> Iterator[Finding]:
    """One class above all others; a warning where nothing else is learnt."""
    table = _class_counts(chart.history)
    calls = [c for c in chart.history.calls() if c.target is not None and c.kind in YES_OR_NO]
    shares = table.sum(0) / table.sum() if len(table) >= FEWEST and len(table[0]) > 1 else np.zeros(1)
    if len(calls) >= FEWEST:
        yes = float(np.mean([float(c.target[0]) for c in calls if c.target is not None]))
        shares = np.array([yes, 1 - yes])
    if shares.max() > DOMINANT and len(shares) > 1:
        harmful = chart.went.is_stuck or shares.max() > NEARLY_ALL
        severity = Severity.WARNING if harmful else Severity.INFO
        evidence = {"share of the largest class": float(shares.max())}
        yield found(CLASS_IMBALANCE, "labels", 0, evidence, severity=severity)
