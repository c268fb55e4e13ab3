"""What is wrong with the batches: numbers, scale, order, balance."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

from levinthal.clinic.findings.finding import found
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.row_reservoir import count
from levinthal.clinic.rules import tables
from levinthal.clinic.rules.context import Chart
from levinthal.clinic.rules.loss_trend import FEWEST
from levinthal.vocabulary import Finding, Severity

FAR_MEAN, WIDE, NARROW = 10.0, 20.0, 0.05
FEW_CLASSES = 0.5
DOMINANT, NEARLY_ALL = 0.8, 0.99
FAR_APART = 10.0
NOISE = 0.1
YES_OR_NO = ("binary_cross_entropy", "binary_cross_entropy_with_logits")


def non_finite_input(chart: Chart) -> Iterator[Finding]:
    """Batches with nan or infinity."""
    shares = chart.history.batch("non_finite")
    if np.any(shares > 0):
        evidence = {
            "batches": int((shares > 0).sum()),
            "of": len(shares),
        }
        yield found(
            "NON_FINITE_INPUT", "input", int(chart.history.steps[int(np.argmax(shares > 0))]), evidence
        )


def input_scale(chart: Chart) -> Iterator[Finding]:
    """Inputs far from zero mean and unit variance; without harm a remark."""
    mean, std = chart.history.batch("mean"), chart.history.batch("std")
    if not len(mean) or np.any(chart.history.batch("non_finite") > 0):
        return
    centre, spread = float(np.median(np.abs(mean))), float(np.median(std))
    if centre > FAR_MEAN or spread > WIDE or 0 < spread < NARROW:
        severity = None if chart.went.is_harmed else Severity.INFO
        evidence = {"|mean|": centre, "standard deviation": spread}
        yield found("INPUT_SCALE", "input", 0, evidence, severity=severity)


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
        yield found("STUCK_BATCH", "input", 0, evidence, severity=severity)


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


def label_order(chart: Chart) -> Iterator[Finding]:
    """Batches with fewer classes than a shuffled order would give."""
    table = _class_counts(chart.history)
    if len(table) < FEWEST:
        return
    shares, sizes = table.sum(0) / table.sum(), table.sum(1)
    expected = float(np.mean([(1 - (1 - shares) ** n).sum() for n in sizes]))
    seen = float((table > 0).sum(1).mean())
    if seen < FEW_CLASSES * expected and expected > 1.5:
        yield found("UNSHUFFLED", "labels", 0, {"classes a batch": seen, "expected if shuffled": expected})


def _class_counts(history: History) -> np.ndarray:
    """(calls, classes)"""
    counts = [c.counts.cpu().numpy() for c in history.calls() if c.counts is not None]
    alike = [c for c in counts if len(c) == len(counts[0]) and c.sum() > 1]
    return np.stack(alike) if alike else np.zeros((0, 0))


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
        yield found("UNSHUFFLED", "targets", 0, evidence)


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
        yield found("CLASS_IMBALANCE", "labels", 0, evidence, severity=severity)


RULES = (non_finite_input, input_scale, stuck_batch, label_order, target_order, class_imbalance)
