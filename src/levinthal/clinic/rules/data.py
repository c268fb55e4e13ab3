"""Faults of the batches: non-finite numbers, scale, always the same."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.nested import named_tensors
from levinthal.clinic.recording.row_reservoir import count
from levinthal.clinic.recording.sample import Sample
from levinthal.clinic.recording.validation import Validation
from levinthal.clinic.rules import tables
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.generalisation_gap import WIDE as WIDE_GAP
from levinthal.clinic.rules.generalisation_gap import WIDE_LOSS, evaluations_of, gap
from levinthal.clinic.rules.loss_trend import FEWEST, LEARNT
from levinthal.vocabulary import Finding, Severity

FAR_MEAN = 10.0
"""|mean| of the inputs above which their scale is wrong."""
WIDE = 20.0
"""Standard deviation of the inputs above which their scale is wrong."""
NARROW = 0.05
"""Standard deviation of the inputs below which their scale is wrong."""
NOISE = 0.1
"""Squared distance of two batches over that of two rows of one batch, below which they are one batch."""
WHOLE = 1000
"""Rows from which on a batch that never changes is taken for the whole data set."""
ROWS = 8
"""Rows of a batch below which its spread is not that of the data."""

NON_FINITE_INPUT = FindingKind(
    code="NON_FINITE_INPUT",
    means="a batch contains nan or infinity",
    remedy="clean the data: `assert torch.isfinite(x).all()` where it is prepared",
    severity=Severity.CRITICAL,
    area=Area.DATA,
    order=10,
    evidence="a batch whose sum is not finite; info if the loss of these batches is finite all the same",
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
        "{samples} or more sampled batches with one fingerprint, or whose rows have a squared distance below "
        "{share} of that of rows within a batch; info unless the validation set has more rows and the loss "
        "falls; not where a batch of at least as many rows generalises: a validation loss below {learnt:.0%} "
        "of the chance level, at most {accuracy:.0%} of the answers or {loss:.0%} of the loss worse than on "
        "training rows; nor of {whole} rows or more, and not less than validation rows; nor where the loss "
        "leaves rows of the batch out, as nodes of a graph; nor of inputs that need a gradient, as "
        "coordinates do"
    ),
    thresholds={
        "samples": FEWEST,
        "share": NOISE,
        "learnt": LEARNT,
        "accuracy": WIDE_GAP,
        "loss": WIDE_LOSS,
        "whole": WHOLE,
    },
    source=EXACT,
    explains=("OVERFIT",),
)

INPUT_SCALE = FindingKind(
    code="INPUT_SCALE",
    means="the inputs are far from zero mean and unit variance",
    remedy="subtract the mean and divide by the standard deviation of the training set",
    severity=Severity.WARNING,
    area=Area.DATA,
    order=210,
    evidence=(
        "|mean| above {mean}, standard deviation above {wide} or (in batches of {rows} rows or more) below "
        "{narrow}, and degraded training"
    ),
    thresholds={"mean": FAR_MEAN, "wide": WIDE, "narrow": NARROW, "rows": ROWS},
    source="LeCun et al., Efficient BackProp (1998), section 4.3",
    explains=symptoms.OF_ALL_DYNAMICS,
)


@rule(NON_FINITE_INPUT)
def non_finite_input(context: Context) -> Iterator[Finding]:
    """Batches that contain nan or infinity; info where the loss is finite all the same, because the model
    treats them as missing values.
    """
    known = [sample for sample in context.history if sample.batch_sum is not None]
    finite = context.history.finite_batches
    broken = [sample for sample, is_finite in zip(known, finite, strict=True) if not is_finite]
    if broken:
        evidence = {"batches": len(broken), "of": len(known)}
        losses = [math.nan if sample.loss is None else float(sample.loss) for sample in broken]
        severity = Severity.INFO if np.isfinite(losses).all() and not context.trend.is_degraded else None
        yield found(NON_FINITE_INPUT, "input", broken[0].step, evidence, severity=severity)
    elif context.history.validation is not None:
        yield from _in_validation(context.history.validation)


def _in_validation(validation: Validation) -> Iterator[Finding]:
    """Validation rows with nan or infinity; info where their loss is finite all the same."""
    ends = [each.held_out.loss for each in validation.evaluations[-1:]]
    severity = Severity.INFO if ends and math.isfinite(ends[0]) else None
    for where, evidence in rows_not_finite(validation.batches):
        yield found(NON_FINITE_INPUT, where, 0, evidence, severity=severity)


def rows_not_finite(batches: Sequence[tuple[Any, Any]]) -> Iterator[tuple[str, dict[str, float]]]:
    """Where validation rows hold nan or infinity, inputs first, and how many.

    >>> list(rows_not_finite([(torch.tensor([[1.0], [torch.nan]]), torch.zeros(2))]))
    [('validation', {'rows with nan or infinity': 1, 'of': 2})]
    """
    for where, side in (("validation", 0), ("validation targets", 1)):
        tensors = [x for batch in batches for _, x in named_tensors(batch[side])]
        tensors = [x for x in tensors if x.is_floating_point() and x.numel() and x.dim()]
        bad = sum(int((~x.isfinite()).reshape(len(x), -1).any(1).sum()) for x in tensors)
        if bad:
            yield where, {"rows with nan or infinity": bad, "of": sum(map(len, tensors))}
            return


@rule(INPUT_SCALE)
def input_scale(context: Context) -> Iterator[Finding]:
    """Inputs far from zero mean and unit variance; without degraded training it is info."""
    mean, std = context.history.batch("mean"), context.history.batch("std")
    if not len(mean) or not context.history.finite_batches.all():
        return
    centre, spread = float(np.median(np.abs(mean))), float(np.median(std))
    # of one row, such as the first state of a game, the spread is unknown
    enough = np.median([sample.batch_size for sample in context.history]) >= ROWS
    if centre > FAR_MEAN or spread > WIDE or (0 < spread < NARROW and enough):
        severity = None if context.trend.is_degraded else Severity.INFO
        evidence = {"|mean|": centre, "standard deviation": spread}
        yield found(INPUT_SCALE, "input", 0, evidence, severity=severity)


@rule(STUCK_BATCH)
def stuck_batch(context: Context) -> Iterator[Finding]:
    """Every sampled step sees one batch, exactly or up to noise: correct only if it is the whole data set."""
    tokens = [int(s.token_fingerprint) for s in context.history if s.token_fingerprint is not None]
    prints = np.array(tokens) if tokens else context.history.batch("fingerprint")
    if len(prints) < FEWEST or all(s.needs_gradient for s in context.history):
        return  # coordinates: no loader gives a batch that needs a gradient
    if all(map(_leaves_rows_out, context.history)):
        return  # the nodes of one graph
    equal, apart = bool(np.all(prints == prints[0])), _batch_distance(context.history)
    size, held = context.history.samples[-1].batch_size, _rows_held_out(context.history)
    if size >= max(WHOLE, held):
        return
    if (equal or apart < NOISE) and not (size >= held > 0 and _generalises(context)):
        evidence = (
            {"equal batches": len(prints)} if equal else {"squared distance between / within batches": apart}
        )
        some = size < held and not context.trend.has_plateaued  # else the batch may be the whole data set
        severity = None if some and not _generalises(context) else Severity.INFO
        evidence |= {"batch size": size}
        yield found(STUCK_BATCH, "input", 0, evidence, severity=severity)


def _leaves_rows_out(sample: Sample) -> bool:
    """Whether the loss has one target for some of the rows of the batch alone: the other nodes of a graph are
    inputs of these, and their targets are held out.
    """
    shapes = [call.target_shape for call in sample.losses]
    return bool(shapes) and all(len(shape) == 1 and 1 < shape[0] < sample.batch_size for shape in shapes)


def _generalises(context: Context) -> bool:
    """Whether the last validation loss is below half of the chance level (of the first one, where that is
    unknown), and not far above the loss on training rows. Such a batch stands for all of the data.
    """
    evaluations = evaluations_of(context.history)
    if len(evaluations) < 2:
        return False
    first, last = evaluations[0], evaluations[-1]
    chance = context.trend.chance if math.isfinite(context.trend.chance) else first.held_out.loss
    apart = gap(last.held_out, last.training)
    return last.held_out.loss < LEARNT * chance and apart is not None and not apart.is_wide


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
