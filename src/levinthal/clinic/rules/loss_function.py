"""Faults between outputs, targets and loss function: read exactly."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.batch_stats import is_sum
from levinthal.clinic.recording.sample import LossCall, Sample
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.pipeline import PERSISTENT, persistent
from levinthal.vocabulary import Finding, Severity

SUM_TO_ONE = 1e-3
"""Difference of a row's sum from one below which the row is a distribution."""
MANY_ZEROS = 0.05
"""Share of logits that are exactly zero, above which they are the output of a ReLU."""
SCALED = 100.0
"""The value of backward over that of the loss function, above which a loss scaler is at work."""
GRAPH_TELLS = ("nll_loss", "binary_cross_entropy_with_logits")
REGRESSION = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")

NO_SIGMOID = "remove the sigmoid at the end of the model; use it only to show probabilities"
DOUBLE_SOFTMAX = FindingKind(
    code="DOUBLE_SOFTMAX",
    means="the cross-entropy is given probabilities where it expects logits: softmax or sigmoid acts twice",
    remedy="remove the softmax at the end of the model; use it only to show probabilities",
    severity=Severity.CRITICAL,
    area=Area.LOSS_FUNCTION,
    order=70,
    evidence=(
        "rows into the cross-entropy (or a log-softmax outside the model) are not negative and sum to one "
        "within {within}, or a softmax made the input of a log-softmax, or of binary logits, in {share:.0%} "
        "of the samples"
    ),
    thresholds={"within": SUM_TO_ONE, "share": PERSISTENT},
    source=EXACT,
    explains=symptoms.NO_LEARNING,
)

RELU_ON_LOGITS = FindingKind(
    code="RELU_ON_LOGITS",
    means="the logits pass through a ReLU: none of them can be negative",
    remedy="remove the activation after the last layer",
    severity=Severity.CRITICAL,
    area=Area.LOSS_FUNCTION,
    order=80,
    evidence=(
        "no negative logit in {share:.0%} of the samples, and more than {zeros:.0%} of them exactly zero, or "
        "the output of a ReLU"
    ),
    thresholds={"share": PERSISTENT, "zeros": MANY_ZEROS},
    source=EXACT,
    explains=("DEAD_RELU", *symptoms.NO_LEARNING),
)

LOSS_BROADCAST = FindingKind(
    code="LOSS_BROADCAST",
    means="output and target have different shapes, and broadcasting compares every pair",
    remedy="`target.view_as(output)`",
    severity=Severity.CRITICAL,
    area=Area.LOSS_FUNCTION,
    order=90,
    evidence=(
        "output and target of a regression loss, or of a difference or product outside the model, have "
        "different shapes, such as a column and a flat vector"
    ),
    source=EXACT,
    explains=symptoms.NO_LEARNING,
)

LOSS_REDUCTION_SUM = FindingKind(
    code="LOSS_REDUCTION_SUM",
    means="the loss is summed over the batch: the effective learning rate grows with the batch size",
    remedy="`reduction='mean'`, or divide the learning rate by the batch size",
    severity=Severity.WARNING,
    area=Area.LOSS_FUNCTION,
    order=100,
    evidence=(
        'with degraded training (else info), `reduction="sum"` over more than one row, and the sum is not '
        "divided before backward; or, with degraded training, a loss that ends in a sum over rows"
    ),
    source=EXACT,
    explains=("LR_TOO_HIGH", "NON_FINITE_LOSS", *symptoms.OF_THE_GRADIENT, "UNDERFIT"),
)


@rule(DOUBLE_SOFTMAX, RELU_ON_LOGITS, LOSS_BROADCAST, LOSS_REDUCTION_SUM)
def loss_inputs(context: Context) -> Iterator[Finding]:
    """Softmax or ReLU before the cross-entropy, different shapes, sums instead of means."""
    first = context.history.samples[0].step if len(context.history) else 0
    seen = [(call, call.rows) for call in context.history.calls() if len(call.input_shape) >= 2]
    calls, rows = (
        [c for c, row in seen if row is not None],
        [row.tolist() for _, row in seen if row is not None],
    )
    log_softmax_inputs = [row.tolist() for sample in context.history for row in sample.log_softmax_inputs]
    if log_softmax_inputs and not calls:
        yield from _explicit_cross_entropy(log_softmax_inputs, first)
    if calls and persistent([_is_probability(c, row) for c, row in zip(calls, rows, strict=True)]):
        yield _double(calls[0], rows, first)
    elif calls and persistent([_is_rectified(c, r) for c, r in zip(calls, rows, strict=True)]):
        evidence = {"smallest logit": min(r[1] for r in rows), "share of logits that are 0": rows[-1][2]}
        yield found(RELU_ON_LOGITS, "loss", first, evidence)
    for call in context.history.calls():
        if call.kind in REGRESSION and _compares_pairs(call):
            evidence = {"output": str(call.input_shape), "target": str(call.target_shape)}
            yield found(LOSS_BROADCAST, "loss", first, evidence)
            break
    else:
        yield from _differences(context)
    sums = [rows for rows in map(_rows_summed, context.history) if rows is not None]
    summed_rows = [sample.summed for sample in context.history]
    if sums and min(sums) > 1:
        severity = None if context.trend.is_degraded else Severity.INFO
        yield found(LOSS_REDUCTION_SUM, "loss", first, {"batch": sums[0]}, severity=severity)
    elif context.trend.is_degraded and len(summed_rows) >= 2 and min(summed_rows) > 1:
        yield found(LOSS_REDUCTION_SUM, "loss", first, {"batch": summed_rows[0]})


def _rows_summed(sample: Sample) -> int | None:
    """The rows that the first loss function sums, if backward is called on the sum; 0 if it is divided
    before, by the number of tokens, say; None where no loss function sums, or where a loss scaler hides it.
    """
    call = next((c for c in sample.losses if c.reduction == "sum" and c.input_shape), None)
    if call is None or call.value is None or sample.loss is None:
        return None
    value, total = float(sample.loss), float(call.value)
    factor = abs(value / total) if total and math.isfinite(value + total) else 1.0
    return None if factor > SCALED else call.input_shape[0] * is_sum(factor, call.input_shape[0])


def _compares_pairs(call: LossCall) -> bool:
    """Whether broadcasting makes more pairs than there are outputs or targets."""
    try:
        pairs = math.prod(np.broadcast_shapes(call.input_shape, call.target_shape))
    except ValueError:
        return False
    return pairs > max(math.prod(call.input_shape), math.prod(call.target_shape))


def _explicit_cross_entropy(rows: Sequence[Sequence[float]], step: int) -> Iterator[Finding]:
    """The same for a cross-entropy written out, from the input of its log-softmax."""
    call = LossCall("cross_entropy", "mean", (), (), None)
    if persistent([_is_probability(call, row) for row in rows]):
        yield _double(call, rows, step)
    elif persistent([_is_rectified(call, row) for row in rows]):
        evidence = {"smallest logit": min(row[1] for row in rows), "share of logits that are 0": rows[-1][2]}
        yield found(RELU_ON_LOGITS, "loss", step, evidence)


def _double(call: LossCall, rows: Sequence[Sequence[float]], step: int) -> Finding:
    """DOUBLE_SOFTMAX, with the name of what is applied twice."""
    if call.made_by == "Sigmoid":
        return found(
            DOUBLE_SOFTMAX, "loss", step, {call.kind: "given the output of a sigmoid"}, remedy=NO_SIGMOID
        )
    evidence = {"largest |row sum - 1|": max(row[0] for row in rows)}
    return found(DOUBLE_SOFTMAX, "loss", step, evidence)


def _differences(context: Context) -> Iterator[Finding]:
    """A difference or product outside the model of shapes (n, 1) and (n,), in every sample."""
    pairs = [sample.broadcast for sample in context.history]
    if len(pairs) >= 2 and all(pairs) and pairs[0] is not None:
        evidence = {"one operand": str(pairs[0][0]), "the other": str(pairs[0][1])}
        yield found(LOSS_BROADCAST, "loss", context.history.samples[0].step, evidence)


def _is_probability(call: LossCall, row: Sequence[float]) -> bool:
    """Whether the input of the loss is a probability where a logit is due, or the log-softmax of one. Numbers
    alone do not tell this of logits that are nearly equal, so there the graph has to.
    """
    off, low, _, columns, _ = row
    if call.kind == "cross_entropy":
        return off < SUM_TO_ONE and low >= 0 and columns > 1
    return call.kind in GRAPH_TELLS and call.made_by in ("Softmax", "Sigmoid")


def _is_rectified(call: LossCall, row: Sequence[float]) -> bool:
    """Whether the logits went through a ReLU: none is negative, and many are exactly zero, or the graph says
    so. Logits may all be positive by themselves.
    """
    _, low, zeros, *_ = row
    known = call.kind in ("cross_entropy", "binary_cross_entropy_with_logits") and low >= 0
    return known and (zeros > MANY_ZEROS or call.made_by == "Relu")
