"""Faults between outputs, targets and loss function: read exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.pipeline import PERSISTENT, persistent
from levinthal.vocabulary import Finding, Severity

SUM_TO_ONE = 1e-3
"""Difference of a row's sum from one below which the row is a distribution."""
MANY_ZEROS = 0.05
"""Share of logits that are exactly zero, above which they are the output of a ReLU."""
REGRESSION = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")

DOUBLE_SOFTMAX = FindingKind(
    code="DOUBLE_SOFTMAX",
    means="the cross-entropy is given probabilities where it expects logits: softmax is applied twice",
    remedy="remove the softmax at the end of the model; use it only to show probabilities",
    severity=Severity.CRITICAL,
    area=Area.LOSS_FUNCTION,
    order=70,
    evidence=(
        "rows into the cross-entropy (or a log-softmax outside the model) are not negative and sum to"
        " one within {within}, in {share:.0%} of the samples"
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
        "no negative logit in {share:.0%} of the samples; in binary classification, more than "
        "{zeros:.0%} of them exactly zero"
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
        '`reduction="sum"` over more than one row; or, with degraded training, a loss that ends in a '
        "sum over rows"
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
    if calls and persistent([_is_probability(c.kind, *row) for c, row in zip(calls, rows, strict=True)]):
        yield found(DOUBLE_SOFTMAX, "loss", first, {"largest |row sum - 1|": max(r[0] for r in rows)})
    elif calls and persistent([_is_rectified(c.kind, *r[1:4]) for c, r in zip(calls, rows, strict=True)]):
        evidence = {"smallest logit": min(r[1] for r in rows), "share of logits that are 0": rows[-1][2]}
        yield found(RELU_ON_LOGITS, "loss", first, evidence)
    for call in context.history.calls():
        if call.kind in REGRESSION and call.input_shape != call.target_shape:
            evidence = {"output": str(call.input_shape), "target": str(call.target_shape)}
            yield found(LOSS_BROADCAST, "loss", first, evidence)
            break
    else:
        yield from _differences(context)
    sums = [
        c for c in context.history.calls() if c.reduction == "sum" and c.input_shape and c.input_shape[0] > 1
    ]
    summed_rows = [sample.summed for sample in context.history]
    if sums:
        yield found(LOSS_REDUCTION_SUM, "loss", first, {"batch": sums[0].input_shape[0]})
    elif context.trend.is_degraded and len(summed_rows) >= 2 and min(summed_rows) > 1:
        yield found(LOSS_REDUCTION_SUM, "loss", first, {"batch": summed_rows[0]})


def _explicit_cross_entropy(rows: Sequence[Sequence[float]], step: int) -> Iterator[Finding]:
    """The same for a cross-entropy written out, from the input of its log-softmax."""
    if persistent([_is_probability("cross_entropy", *row) for row in rows]):
        yield found(DOUBLE_SOFTMAX, "loss", step, {"largest |row sum - 1|": max(row[0] for row in rows)})
    elif persistent([_is_rectified("cross_entropy", *row[1:4]) for row in rows]):
        evidence = {"smallest logit": min(row[1] for row in rows), "share of logits that are 0": rows[-1][2]}
        yield found(RELU_ON_LOGITS, "loss", step, evidence)


def _differences(context: Context) -> Iterator[Finding]:
    """A difference or product outside the model of shapes (n, 1) and (n,), in every sample."""
    pairs = [sample.broadcast for sample in context.history]
    if len(pairs) >= 2 and all(pairs) and pairs[0] is not None:
        evidence = {"one operand": str(pairs[0][0]), "the other": str(pairs[0][1])}
        yield found(LOSS_BROADCAST, "loss", context.history.samples[0].step, evidence)


def _is_probability(kind: str, off: float, low: float, zeros: float, columns: float, high: float) -> bool:
    """Whether the input of the loss is a probability where a logit is due, or the log-softmax of one."""
    if kind == "cross_entropy":
        return off < SUM_TO_ONE and low >= 0 and columns > 1
    if kind == "nll_loss":
        return high <= 0 and high - low <= 1 and columns > 2
    return kind == "binary_cross_entropy_with_logits" and low >= 0 and high <= 1 and zeros < 1


def _is_rectified(kind: str, low: float, zeros: float, columns: float) -> bool:
    """Whether the logits went through a ReLU: none is negative. With several classes that is enough; binary
    logits may all be positive, so many of them also have to be exactly zero.
    """
    known = kind in ("cross_entropy", "binary_cross_entropy_with_logits") and low >= 0
    return known and (zeros > MANY_ZEROS or (kind == "cross_entropy" and columns > 2))
