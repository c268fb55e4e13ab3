"""Targets that the outputs cannot reach: outside of their range, several labels a row, of another scale."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.sample import LossCall, Sample
from levinthal.clinic.recording.target_fit import BINARY, FAR, FAR_DEVIATIONS, FIT, RANGES
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.loss_function import REGRESSION
from levinthal.clinic.rules.loss_input import Head, heads, is_whole
from levinthal.clinic.rules.pipeline import PERSISTENT, persistent
from levinthal.vocabulary import Finding, Severity

OUTSIDE = 0.05
"""Share of the targets that has to be outside: fewer are outliers."""
UNREACHABLE = 0.1
"""Squared error of the best outputs in the range over the variance of the targets."""
OF_THE_ERROR = 0.4
"""Share of the error at the end that the range has to make: below, most of it may be noise."""
SEVERAL = 0.1
"""Share of the rows that have several labels."""
LABELS = 256
"""Columns above which a softmax may rank a catalogue of items on purpose."""
WIDE = 20.0
"""Standard deviation of the targets above which their scale is wrong."""
FAR_MEAN = 10.0
"""|mean| of the targets above which their offset counts, where it also is FAR_SPREADS deviations."""
FAR_SPREADS = 3.0
"""Standard deviations from zero of the mean of the targets, above which their offset is large."""
NARROW_OUTPUT = 0.5
"""Size of the first outputs over that of the targets, below which the model does not rescale them."""
ZERO_OUTPUT = 0.2
"""Relative difference up to which the first squared error is that of outputs near zero."""

TARGET_OUT_OF_RANGE = FindingKind(
    code="TARGET_OUT_OF_RANGE",
    means="the targets lie outside of what the outputs can be",
    remedy="give the output a range that holds the targets, or scale the targets into its range",
    severity=Severity.CRITICAL,
    area=Area.LOSS_FUNCTION,
    order=63,
    evidence=(
        "in {share:.0%} of the detailed samples, {outside:.0%} of the targets are outside: of a binary "
        "cross-entropy by more than {far}; of a squared or absolute error after a sigmoid, softmax, tanh or "
        "ReLU by {deviations} deviations, so that {unreachable:.0%} of their variance cannot be explained (a "
        "warning; info if the loss is well below chance level, or if that is less than {error:.0%} of the "
        "error at the end); or are no signs, and none is negative, of "
        "a loss for signs; or are the blank of `ctc_loss`, or longer than its input (a warning)"
    ),
    thresholds={
        "share": PERSISTENT,
        "outside": OUTSIDE,
        "far": FAR,
        "deviations": FAR_DEVIATIONS,
        "unreachable": UNREACHABLE,
        "error": OF_THE_ERROR,
    },
    source=EXACT,
    explains=("NON_FINITE_LOSS", "FIRST_LOSS_TOO_LARGE", *symptoms.OF_ALL_DYNAMICS),
    only_by_hand="whether the targets or the output are to change depends on what the targets mean",
)

SEVERAL_LABELS = FindingKind(
    code="SEVERAL_LABELS",
    means="rows have several labels, and a softmax lets them share one probability",
    remedy="use `binary_cross_entropy_with_logits` on the raw outputs: one yes or no for each label",
    severity=Severity.WARNING,
    area=Area.LOSS_FUNCTION,
    order=64,
    evidence=(
        "in {share:.0%} of the detailed samples, all targets of a cross-entropy (or of a binary one after a "
        "softmax) are zero or one, and {several:.0%} of the rows have several ones; info above "
        "{labels} labels"
    ),
    thresholds={"share": PERSISTENT, "several": SEVERAL, "labels": LABELS},
    source=EXACT,
    explains=("FIRST_LOSS_TOO_LARGE", *symptoms.NO_LEARNING),
    only_by_hand="the threshold of the outputs changes with the loss, in the user's own evaluation",
)

TARGET_SCALE = FindingKind(
    code="TARGET_SCALE",
    means="the targets are far from zero mean and unit variance",
    remedy="train on (targets - mean) / std of the training set, and undo it to predict",
    severity=Severity.WARNING,
    area=Area.DATA,
    order=217,
    evidence=(
        "targets of a squared or absolute error with a standard deviation above {wide}, or with |mean| above "
        "{mean} and above {spreads} deviations, outputs that begin below {narrow:.0%} of that (a squared "
        "error within {zero:.0%} of that of zeros), and degraded training or a loss above "
        "chance level at the end; else info"
    ),
    thresholds={
        "wide": WIDE,
        "mean": FAR_MEAN,
        "spreads": FAR_SPREADS,
        "narrow": NARROW_OUTPUT,
        "zero": ZERO_OUTPUT,
    },
    source="LeCun et al., Efficient BackProp (1998), sections 4.3 and 4.5",
    explains=("NON_FINITE_LOSS", "FIRST_LOSS_TOO_LARGE", *symptoms.OF_ALL_DYNAMICS),
)


@rule(TARGET_OUT_OF_RANGE)
def targets_out_of_range(context: Context) -> Iterator[Finding]:
    """Targets that the output cannot be. Losses without reduction may be masked later, and those with a
    weight for each target already are: there a target outside may mark a missing one.
    """
    for head in heads(context.history):
        if not all(is_whole(*pair) and not _is_masked(pair[1]) for pair in head):
            continue
        kind, step = head[0][1].kind, head[0][0].step
        fits = fits_of(head)
        if not fits:
            continue
        evidence = {"smallest target": fits[0]["low"], "largest target": fits[0]["high"]}
        if kind in BINARY and persistent([fit["outside"] > OUTSIDE for fit in fits]):
            evidence = {"targets outside of [0, 1]": fits[0]["outside"], **evidence}
            yield found(TARGET_OUT_OF_RANGE, "targets", step, evidence)
        elif kind in REGRESSION:
            yield from _unreachable(context, fits, head[0][1].operation, step)
    samples = [sample for sample in context.history if sample.difference_fit is not None]
    if samples:
        fits = [dict(zip(FIT, s.difference_fit.tolist(), strict=True)) for s in samples]  # type: ignore[union-attr]
        yield from _unreachable(context, fits, samples[0].difference_operation, samples[0].step)


def _unreachable(
    context: Context, fits: Sequence[dict[str, float]], operation: str, step: int
) -> Iterator[Finding]:
    """Targets outside of the range of the operation that made the outputs."""
    flags = [fit["outside"] > OUTSIDE and fit["unreachable"] > UNREACHABLE for fit in fits]
    trend, lost = context.trend, float(np.median([fit["unreachable"] for fit in fits]))
    is_little = lost * trend.chance < OF_THE_ERROR * trend.end and trend.end < trend.chance
    if operation in RANGES and persistent(flags):
        evidence = {
            "outputs of": operation.lower(),
            "targets outside of its range": fits[0]["outside"],
            "smallest target": fits[0]["low"],
            "largest target": fits[0]["high"],
        }
        severity = Severity.INFO if trend.has_learnt or is_little else Severity.WARNING
        remedy = f"remove the {operation.lower()} at the end, or scale the targets into its range"
        yield found(TARGET_OUT_OF_RANGE, "targets", step, evidence, severity=severity, remedy=remedy)


def fits_of(head: Head) -> list[dict[str, float]]:
    """The numbers of FIT of each detailed sample."""
    return [dict(zip(FIT, call.fit.tolist(), strict=True)) for _, call in head if call.fit is not None]


def _is_masked(call: LossCall) -> bool:
    """Whether each target has a weight of its own, which may be 0."""
    return (call.kind == BINARY[0] and call.weight is not None) or (
        call.weight is not None and tuple(call.weight.shape) == call.target_shape
    )


@rule(SEVERAL_LABELS)
def several_labels(context: Context) -> Iterator[Finding]:
    """Targets of 0 and 1 with several ones a row under a softmax: smoothed and mixed labels sum to 1."""
    for head in heads(context.history):
        call = head[0][1]
        fits = fits_of(head)
        is_softmax = call.kind == "cross_entropy" or (call.kind in BINARY and call.operation == "Softmax")
        flags = [fit["hard"] == 1 and fit["several"] > SEVERAL for fit in fits]
        if is_softmax and len(call.target_shape) > 1 and fits and persistent(flags):
            severity = Severity.INFO if call.target_shape[1] > LABELS else None
            evidence = {"share of rows with several ones": fits[0]["several"], "labels": call.target_shape[1]}
            yield found(SEVERAL_LABELS, "targets", head[0][0].step, evidence, severity=severity)


@rule(TARGET_SCALE)
def target_scale(context: Context) -> Iterator[Finding]:
    """Targets of a regression far from zero mean and unit variance; without degraded training it is info."""
    scale = _scale(context.history)
    if scale is None:
        return
    mean, deviation = scale
    if deviation > WIDE or abs(mean) > max(FAR_MEAN, FAR_SPREADS * deviation):
        trend = context.trend
        is_poor = trend.is_degraded or (trend.known and trend.end > trend.chance)
        severity = None if is_poor else Severity.INFO
        evidence = {"standard deviation": deviation, "mean": mean}
        yield found(TARGET_SCALE, "targets", 0, evidence, severity=severity)


def _scale(history: History) -> tuple[float, float] | None:
    """Mean and standard deviation of the targets of a regression whose first outputs are of a smaller scale;
    None of any other loss, and where outputs and targets are of one scale.
    """
    samples = [s for s in history if s.losses or s.difference is not None]
    calls = [s.losses[0] for s in samples if s.losses and s.losses[0].kind in REGRESSION]
    if samples and len(calls) == len(samples):
        known = [call.target.tolist()[:2] for call in calls if call.target is not None]
        return _mean_and_deviation(known) if known and _is_narrow(calls[0]) else None
    rows = [s.difference.tolist() for s in samples if s.difference is not None and not s.losses]
    if not rows or len(rows) < len(samples):
        return None
    mean, variance, squares, _ = rows[0]
    of_zeros = mean**2 + variance
    return _mean_and_deviation(rows) if abs(squares - of_zeros) <= ZERO_OUTPUT * of_zeros else None


def _mean_and_deviation(rows: Sequence[Sequence[float]]) -> tuple[float, float]:
    means, variances = np.array([row[:2] for row in rows]).T
    return float(np.mean(means)), math.sqrt(float(np.mean(variances) + np.var(means)))


def _is_narrow(call: LossCall) -> bool:
    """Whether the first outputs are near zero, as those of a model that does not rescale them."""
    if call.rows is None or call.target is None:
        return False
    low, high = float(call.rows[1]), float(call.rows[4])
    size = math.sqrt(float(call.target[0]) ** 2 + float(call.target[1]))
    return max(abs(low), abs(high)) < NARROW_OUTPUT * size


def loss_of_zeros(history: History) -> float:
    """The loss of a prediction of 0 in the first step of a regression: at most that of a squared error, or of
    an absolute one; 0 where the targets are unknown.
    """
    sample: Sample | None = next(iter(history), None)
    if sample is None:
        return 0.0
    call = sample.losses[0] if sample.losses else None
    numbers = sample.difference if call is None else call.target if call.kind in REGRESSION else None
    if numbers is None:
        return 0.0
    mean, variance = numbers.tolist()[:2]
    squares = float(mean**2 + variance)
    return squares if call is None or call.kind == "mse_loss" else math.sqrt(squares)
