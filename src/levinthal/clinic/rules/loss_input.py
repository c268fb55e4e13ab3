"""Losses given numbers of another kind than they expect, softmaxes over one element, flipped signs."""

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
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.loss_function import SUM_TO_ONE
from levinthal.clinic.rules.loss_trend import FEWEST, NEAR_CHANCE
from levinthal.clinic.rules.pipeline import PERSISTENT, persistent
from levinthal.vocabulary import Finding, Severity

POSITIVE = 0.05
"""Largest input above which it is no logarithm of a probability: those of p + 0.01 are a little positive."""
SAME = 1e-3
"""Relative difference up to which two losses, or two ratios of losses, are equal."""
GROWN = 2.0
"""Times the chance level (and the first loss) above which a loss that is maximised has grown."""
PROBABILITIES = ("Softmax", "Sigmoid")
MARGINS = ("multi_margin_loss", "soft_margin_loss")
NOT_NEGATIVE = (
    *("cross_entropy", "binary_cross_entropy", "binary_cross_entropy_with_logits", "nll_loss"),
    *("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"),
)
TAKE_THE_LOGARITHM = {
    "nll_loss": "end the model with `log_softmax(x, 1)`, or use `cross_entropy` on its raw outputs",
    "kl_div": "give `kl_div` log-probabilities: `kl_div(log_softmax(x, 1), p, reduction='batchmean')`",
}
Head = Sequence[tuple[Sample, LossCall]]

LOSS_INPUT_MISMATCH = FindingKind(
    code="LOSS_INPUT_MISMATCH",
    means="the loss function is given numbers of another kind than it expects",
    remedy="give `nll_loss` and `kl_div` log-probabilities, and margin losses raw outputs",
    severity=Severity.CRITICAL,
    area=Area.LOSS_FUNCTION,
    order=66,
    evidence=(
        "in {share:.0%} of the samples, `nll_loss` or `kl_div` is given numbers above {positive}, or "
        "probabilities (rows that sum to one within {within}, or a softmax made them); or `kl_div` is given "
        "targets of the other kind than `log_target` says; or a margin loss the output of a softmax or "
        "sigmoid (info, unless training has plateaued)"
    ),
    thresholds={"share": PERSISTENT, "positive": POSITIVE, "within": SUM_TO_ONE},
    source=EXACT,
    explains=("NON_FINITE_LOSS", *symptoms.OF_ALL_DYNAMICS),
    only_by_hand="whether the model or the loss is to change, the user has to decide",
)

SOFTMAX_OVER_ONE = FindingKind(
    code="SOFTMAX_OVER_ONE",
    means="a softmax goes over one element: its output is always 1",
    remedy=(
        "use `binary_cross_entropy_with_logits` for one output unit, or one output unit for each class; for "
        "an attention, check which axis holds the tokens (`batch_first=True`)"
    ),
    severity=Severity.CRITICAL,
    area=Area.LOSS_FUNCTION,
    order=51,
    evidence=(
        "at every sample, a cross-entropy over one class, or a loss of the output of a softmax over one "
        "element; or every attention has one key (a warning if training has degraded, else info)"
    ),
    source=EXACT,
    explains=("INPUT_IGNORED", "GRAPH_BROKEN", "DOUBLE_SOFTMAX", *symptoms.OF_ALL_DYNAMICS),
    only_by_hand="the number of output units, or the axis of the tokens, is in the user's own model",
)

LOSS_MAXIMISED = FindingKind(
    code="LOSS_MAXIMISED",
    means="the loss is maximised: a sign is flipped",
    remedy="remove the minus: call backward on the loss itself",
    severity=Severity.CRITICAL,
    area=Area.LOSS_FUNCTION,
    order=68,
    evidence=(
        "backward is called on minus the value of the loss function, times one factor (within {same}) at "
        "every sample, and the loss grows to {times} times its chance level and its first value"
    ),
    thresholds={"same": SAME, "times": GROWN},
    source=EXACT,
    explains=("NON_FINITE_LOSS", "FIRST_LOSS_TOO_LARGE", *symptoms.OF_ALL_DYNAMICS),
    only_by_hand="the sign is in the user's own loss",
)


def heads(history: History) -> Iterator[Head]:
    """The calls of each loss of a step, sample by sample: a loss is known by its place and its function."""
    seen: dict[tuple[int, str], list[tuple[Sample, LossCall]]] = {}
    for sample in history:
        for place, call in enumerate(sample.losses):
            seen.setdefault((place, call.kind), []).append((sample, call))
    return iter(seen.values())


def is_whole(sample: Sample, call: LossCall) -> bool:
    """Whether no row of a loss is left out or weighted later: it is reduced, or its mean is the value that
    backward is called on.
    """
    if call.is_partial:
        return False
    known = sample.loss is not None and call.value is not None
    return call.reduction != "none" or (known and math.isclose(float(sample.loss), call.mean, rel_tol=SAME))  # type: ignore[arg-type]


@rule(LOSS_INPUT_MISMATCH)
def wrong_input(context: Context) -> Iterator[Finding]:
    """Probabilities or raw outputs where logarithms of probabilities are due, and probabilities where raw
    outputs are due. `nll_loss` without reduction may pick numbers (a focal loss does so), and is not judged.
    """
    for head in heads(context.history):
        kind, step = head[0][1].kind, head[0][0].step
        seen = [(call, call.rows.tolist()) for sample, call in head if _is_judged(sample, call)]  # type: ignore[union-attr]
        said = [_not_logarithms(call, rows) for call, rows in seen]
        if seen and persistent([bool(words) for words in said]):
            evidence = {
                kind: f"is given {next(filter(None, said))}",
                "largest input": max(r[4] for _, r in seen),
            }
            severity = Severity.WARNING if "probabilities" in said and kind == "nll_loss" else None
            remedy = TAKE_THE_LOGARITHM[kind]
            yield found(LOSS_INPUT_MISMATCH, "loss", step, evidence, severity=severity, remedy=remedy)
        elif kind == "kl_div":
            yield from _wrong_targets([call for _, call in head], step)
        elif kind in MARGINS and persistent([call.operation in PROBABILITIES for _, call in head]):
            severity = Severity.WARNING if context.trend.has_plateaued else Severity.INFO
            evidence = {kind: f"is given the output of a {head[0][1].operation.lower()}"}
            remedy = "remove the softmax or sigmoid at the end of the model"
            yield found(LOSS_INPUT_MISMATCH, "loss", step, evidence, severity=severity, remedy=remedy)


def _is_judged(sample: Sample, call: LossCall) -> bool:
    """Whether the input of this call has to be logarithms of probabilities, and was read."""
    is_log = call.kind == "kl_div" or (call.kind == "nll_loss" and is_whole(sample, call))
    return is_log and call.rows is not None and len(call.input_shape) > 1


def _not_logarithms(call: LossCall, rows: Sequence[float]) -> str:
    """What the input is, where it is no logarithm of a probability; else ""."""
    off, low, _, columns, high = rows
    sums_to_one = off < SUM_TO_ONE and columns > 1 and high <= 1
    if low >= 0 and (sums_to_one or call.operation in PROBABILITIES):
        return "probabilities"
    return "raw outputs" if high > POSITIVE else ""


def _wrong_targets(calls: Sequence[LossCall], step: int) -> Iterator[Finding]:
    """Targets of `kl_div` that are logarithms where `log_target` is not set, or the reverse."""
    fits = [(call.log_target, *call.fit.tolist()[:2]) for call in calls if call.fit is not None]
    if fits and persistent([(high > POSITIVE and low >= 0) if log else low < 0 for log, low, high in fits]):
        log = fits[0][0]
        evidence = {"log_target": str(log), "smallest target": fits[0][1], "largest": fits[0][2]}
        remedy = f"`kl_div(..., log_target={not log})`"
        yield found(LOSS_INPUT_MISMATCH, "targets", step, evidence, remedy=remedy)


@rule(SOFTMAX_OVER_ONE)
def softmax_over_one(context: Context) -> Iterator[Finding]:
    """A softmax over one element. The first step of a decoder attends to one key, and the later ones to more:
    that is not reported.
    """
    samples = [s for s in context.history if s.losses]
    seen = [s for s in context.history if s.softmax_over_one or s.softmaxes]  # the model is read in turns
    if len(samples) >= 2 and all(_is_of_one_class(call) for s in samples for call in s.losses):
        evidence = {"classes of the cross-entropy": 1, "outputs": str(samples[0].losses[0].input_shape)}
        yield found(SOFTMAX_OVER_ONE, "loss", samples[0].step, evidence)
    elif len(seen) >= 2 and all(_is_output_of_one(s) for s in seen):
        evidence = {"elements of the softmax": 1, "outputs": str(seen[0].softmax_over_one[-1])}
        yield found(SOFTMAX_OVER_ONE, "loss", seen[0].step, evidence)
    elif len(seen) >= 2 and not any(s.softmaxes for s in seen):
        severity = Severity.WARNING if context.trend.is_degraded else Severity.INFO
        evidence = {"keys of each attention": 1, "queries": str(seen[0].softmax_over_one[0])}
        yield found(SOFTMAX_OVER_ONE, "attention", seen[0].step, evidence, severity=severity)


def _is_of_one_class(call: LossCall) -> bool:
    """Whether a cross-entropy has one class: it is always 0."""
    return (
        call.kind in ("cross_entropy", "nll_loss") and len(call.input_shape) > 1 and call.input_shape[1] == 1
    )


def _is_output_of_one(sample: Sample) -> bool:
    """Whether every loss takes the output of a softmax over one element."""
    sizes = {math.prod(shape) for shape in sample.softmax_over_one}
    made = [(call.operation, math.prod(call.input_shape)) for call in sample.losses]
    if not made and sample.difference is not None:
        made = [(sample.difference_operation, sample.batch_size)]
    return bool(made) and all(o in ("Softmax", "LogSoftmax") and size in sizes for o, size in made)


@rule(LOSS_MAXIMISED)
def maximised_loss(context: Context) -> Iterator[Finding]:
    """Backward is called on minus a loss that cannot be negative, and this loss grows far above chance level.
    An adversary maximises one too, of targets that are all the same, or near chance level.
    """
    history, trend = context.history, context.trend
    pairs = [_value(sample) for sample in history if sample.loss is not None]
    known = [(loss, value) for loss, value in pairs if value > 0 and math.isfinite(loss + value)]
    if len(known) < 2 or len(known) < PERSISTENT * len(pairs) or _has_rival_targets(history):
        return
    ratios = np.array([loss / value for loss, value in known])
    factors = np.log2(-ratios / -ratios[0]) if (ratios < 0).all() else np.array([0.5])
    if np.abs(factors - factors.round()).max() > SAME:  # else a loss scaler changes it by powers of two
        return
    first, last = known[0][1], float(np.median([value for _, value in known[-max(len(known) // 5, 1) :]]))
    level = first if math.isnan(trend.chance) else max(first, trend.chance)
    is_before = len(history) < FEWEST  # before training nothing has grown yet
    if is_before or (last > GROWN * level and not first < NEAR_CHANCE * trend.chance):
        evidence = {"backward / loss function": float(ratios[0]), "loss at the start": first}
        evidence |= {} if is_before else {"at the end": last}
        yield found(LOSS_MAXIMISED, "loss", history.samples[0].step, evidence)


def _value(sample: Sample) -> tuple[float, float]:
    """The value that backward was called on, and that of the loss function or of the mean square by hand; nan
    where no loss of the step has to be positive.
    """
    loss, calls = float(sample.loss), sample.losses  # type: ignore[arg-type]
    if calls:
        is_known = calls[0].kind in NOT_NEGATIVE and len({call.kind for call in calls}) == 1
        is_whole_loss = calls[0].reduction != "none" or math.isclose(-loss, calls[0].mean, rel_tol=SAME)
        value = calls[0].value if is_known and is_whole_loss else None
        return loss, math.nan if value is None else float(value)
    if sample.difference is None:
        return loss, math.nan
    squares, distances = sample.difference.tolist()[2:4]
    return loss, distances if math.isclose(-loss, distances, rel_tol=SAME) else squares


def _has_rival_targets(history: History) -> bool:
    """Whether all targets of a step are the same: labels of an adversary, real or fake."""
    seen = [call for sample in history for call in sample.losses[:1]]
    alike = [float(call.target[1]) == 0 for call in seen if call.target is not None]
    alike += [int((call.counts > 0).sum()) < 2 for call in seen if call.counts is not None]
    return bool(alike) and sum(alike) > len(alike) / 2
