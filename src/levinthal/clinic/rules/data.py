"""What is wrong with the batches: numbers, scale, order, balance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from levinthal.clinic.chart import Chart
from levinthal.clinic.finding import found
from levinthal.clinic.progress import FEWEST
from levinthal.vocabulary import Finding, Severity

FAR_MEAN, WIDE, NARROW = 10.0, 20.0, 1e-3
FEW_CLASSES = 0.5
DOMINANT = 0.8


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
        yield found("INPUT_SCALE", "input", 0, evidence, confidence=0.8, severity=severity)


def stuck_batch(chart: Chart) -> Iterator[Finding]:
    """The same batch at every sampled step: right only if it is the whole data set."""
    prints = chart.history.batch("fingerprint")
    if len(prints) >= FEWEST and np.all(prints == prints[0]):
        evidence = {"equal batches": len(prints), "batch": chart.history.samples[-1].batch_size}
        yield found("STUCK_BATCH", "input", 0, evidence, confidence=0.5, severity=Severity.INFO)


def label_order(chart: Chart) -> Iterator[Finding]:
    """Batches with fewer classes than a shuffled order would give; one class above all others."""
    counts = [c.counts.cpu().numpy() for c in chart.history.calls() if c.counts is not None]
    counts = [c for c in counts if len(c) == len(counts[0]) and c.sum() > 1]
    if len(counts) < FEWEST:
        return
    table = np.stack(counts)
    shares = table.sum(0) / table.sum()
    sizes = table.sum(1)
    expected = float(np.mean([(1 - (1 - shares) ** n).sum() for n in sizes]))
    seen = float((table > 0).sum(1).mean())
    if seen < FEW_CLASSES * expected and expected > 1.5:
        yield found("UNSHUFFLED", "labels", 0, {"classes a batch": seen, "expected if shuffled": expected})
    elif shares.max() > DOMINANT and len(shares) > 1:
        yield found("CLASS_IMBALANCE", "labels", 0, {"share of the largest class": float(shares.max())})


RULES = (non_finite_input, input_scale, stuck_batch, label_order)
