"""What is broken between data, model, loss and optimiser: exact, and right from the first sampled steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import nn

from levinthal.clinic.findings.finding import found, shown
from levinthal.clinic.recording.history import History, Sample
from levinthal.clinic.rules.context import Chart, typical
from levinthal.vocabulary import Finding, Severity

SUM_TO_ONE = 1e-3
UNDERFLOW, NEARLY_ALL = 1e-12, 0.95
FEW_VALUES = 4
STRAIGHT = 1e-10
"""What rounding makes of an affine map, as a share of the variance."""
MADE_OF_SUMS = ("Linear", "Conv1d", "Conv2d", "Conv3d")
ALIKE = 0.2
"""Of a matrix's norm, by which rounding may have driven its rows apart; Adam makes whole steps of that."""
REGRESSION = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")


def _persistent(flags: Sequence[bool], least: int = 2, share: float = 0.8) -> bool:
    return sum(flags) >= max(least, share * len(flags))


def optimizer_detached(chart: Chart) -> Iterator[Finding]:
    """Parameters with a gradient that no optimiser holds."""
    groups, trainable = chart.patient.groups(), [p.requires_grad for p in chart.patient.parameters]
    lost = [
        name
        for name, group, asks in zip(chart.patient.names, groups, trainable, strict=True)
        if group is None and asks and not chart.patient.is_meant_to_stay(name)
    ]
    if lost:
        severity = Severity.CRITICAL if len(lost) == sum(trainable) else Severity.WARNING
        evidence = {"parameters without optimiser": len(lost), "of": sum(trainable)}
        yield found("OPTIMIZER_DETACHED", shown(lost), 0, evidence, severity=severity)


def graph_broken(chart: Chart) -> Iterator[Finding]:
    """Parameters that ask for a gradient, and never got one."""
    if len(chart.history) < 2:
        return
    never = set.intersection(*(set(sample.without_gradient) for sample in chart.history))
    asking = {
        n for n, p in zip(chart.patient.names, chart.patient.parameters, strict=True) if p.requires_grad
    }
    cut = [
        name
        for name in chart.patient.names
        if name in never & asking and not chart.patient.is_meant_to_stay(name)
    ]
    if cut:
        severity = Severity.CRITICAL if len(cut) > len(asking) / 2 else Severity.WARNING
        evidence = {"parameters without gradient": len(cut), "of": len(asking), "samples": len(chart.history)}
        yield found("GRAPH_BROKEN", shown(cut), chart.history.samples[0].step, evidence, severity=severity)


def no_slope(chart: Chart) -> Iterator[Finding]:
    """Matrices whose gradient is there and exactly 0 at every sample, though those around them have one, and
    no layer is dead or flat: something passes numbers on and no slope (rounding, a comparison).
    """
    gradients = chart.history.tensors("gradient")
    if len(gradients) < 3 or _has_dead_ends(chart.history.samples[:3]):
        return
    never, usual = (gradients == 0).all(0), typical(gradients, 0)
    live = usual[usual > 0]
    cut = [n for n, zero in zip(chart.patient.names, never, strict=True) if zero]
    cut = [name for name in cut if not chart.patient.is_meant_to_stay(name)]
    if cut and len(live) and live.min() > UNDERFLOW:
        evidence = {"matrices whose gradient is exactly 0": len(cut), "samples": len(gradients)}
        yield found("GRAPH_BROKEN", shown(cut), 0, evidence, severity=Severity.WARNING)


def _has_dead_ends(samples: Sequence[Sample]) -> bool:
    """Whether a layer was all dead, or all flat."""
    reads = [read for sample in samples for read in sample.layers if read.on_flat is not None]
    return any(max(read.flat, read.dead) > NEARLY_ALL for read in reads)


def frozen_params(chart: Chart) -> Iterator[Finding]:
    """Parameters that cannot move and were not said to be frozen."""
    patient, rates = chart.patient, [sample.rates for sample in chart.history if sample.rates]
    stopped = [bool(rates) and not any(rate[i] for rate in rates) for i in range(len(patient.names))]
    still = [
        name
        for name, parameter, group, zero in zip(
            patient.names, patient.parameters, patient.groups(), stopped, strict=True
        )
        if not patient.is_meant_to_stay(name) and (not parameter.requires_grad or (group and zero))
    ]
    if still:
        share = len(still) / len(chart.patient.names)
        severity = Severity.WARNING if share == 1 or chart.went.is_stuck else Severity.INFO
        yield found("FROZEN_PARAMS", shown(still), 0, {"share of parameters": share}, severity=severity)


def missing_zero_grad(chart: Chart) -> Iterator[Finding]:
    """Gradients that were there before any backward pass of the step."""
    sound = [s for s in chart.history if s.loss is not None and math.isfinite(float(s.loss))]
    known = [(s.step, float(s.stale)) for s in sound if s.stale is not None]
    flags = [left > 0 for _, left in known]
    # a network that this has killed gets no gradient any more, and none is added to
    if known and any(_persistent(part, share=0.5) for part in (flags, flags[: len(flags) // 3])):
        evidence = {"norm of what was left": known[-1][1], "samples": len(known)}
        yield found("MISSING_ZERO_GRAD", "optimiser", known[0][0], evidence)


def symmetric_init(chart: Chart) -> Iterator[Finding]:
    """Weight matrices whose rows are all equal, and still were when steps had been taken."""
    history = chart.history
    if len(history) < 2:
        return
    now = history.apart or chart.patient.rows_apart(history.alike)
    alike = [name for name, apart in now.items() if name in history.alike and float(apart) <= ALIKE]
    if alike:
        evidence = {"layers of equal rows": len(alike), "still at step": history.samples[1].step}
        yield found("SYMMETRIC_INIT", shown(alike), 0, evidence)


def loss_inputs(chart: Chart) -> Iterator[Finding]:
    """Softmax or ReLU before the cross-entropy, unlike shapes, sums instead of means."""
    first = chart.history.samples[0].step if len(chart.history) else 0
    seen = [(call, call.rows) for call in chart.history.calls() if len(call.input_shape) >= 2]
    calls, rows = (
        [c for c, row in seen if row is not None],
        [row.tolist() for _, row in seen if row is not None],
    )
    normed = [row.tolist() for sample in chart.history for row in sample.normed]
    if normed and not calls:
        yield from _by_hand(normed, first)
    if calls and _persistent([_is_probability(c.kind, *row) for c, row in zip(calls, rows, strict=True)]):
        yield found("DOUBLE_SOFTMAX", "loss", first, {"largest |row sum - 1|": max(r[0] for r in rows)})
    elif calls and _persistent([_is_rectified(c.kind, *r[1:4]) for c, r in zip(calls, rows, strict=True)]):
        evidence = {"least logit": min(r[1] for r in rows), "share of zeros": rows[-1][2]}
        yield found("RELU_ON_LOGITS", "loss", first, evidence)
    for call in chart.history.calls():
        if call.kind in REGRESSION and call.input_shape != call.target_shape:
            evidence = {"output": str(call.input_shape), "target": str(call.target_shape)}
            yield found("LOSS_BROADCAST", "loss", first, evidence)
            break
    else:
        yield from _differences(chart)
    sums = [
        c for c in chart.history.calls() if c.reduction == "sum" and c.input_shape and c.input_shape[0] > 1
    ]
    by_hand = [sample.summed for sample in chart.history]
    if sums:
        yield found("LOSS_REDUCTION_SUM", "loss", first, {"batch": sums[0].input_shape[0]})
    elif chart.went.is_harmed and len(by_hand) >= 2 and min(by_hand) > 1:
        yield found("LOSS_REDUCTION_SUM", "loss", first, {"batch": by_hand[0]})


def _by_hand(rows: Sequence[Sequence[float]], step: int) -> Iterator[Finding]:
    """Of a cross-entropy written out: what its log-softmax is given."""
    if _persistent([_is_probability("cross_entropy", *row) for row in rows]):
        yield found("DOUBLE_SOFTMAX", "loss", step, {"largest |row sum - 1|": max(row[0] for row in rows)})
    elif _persistent([_is_rectified("cross_entropy", *row[1:4]) for row in rows]):
        evidence = {"least logit": min(row[1] for row in rows), "share of zeros": rows[-1][2]}
        yield found("RELU_ON_LOGITS", "loss", step, evidence)


def _differences(chart: Chart) -> Iterator[Finding]:
    """Differences, or products, by hand of (n, 1) and (n,), in every sample."""
    pairs = [sample.broadcast for sample in chart.history]
    if len(pairs) >= 2 and all(pairs) and pairs[0] is not None:
        evidence = {"one side": str(pairs[0][0]), "the other": str(pairs[0][1])}
        yield found("LOSS_BROADCAST", "loss", chart.history.samples[0].step, evidence)


def _is_probability(kind: str, off: float, low: float, zeros: float, columns: float, high: float) -> bool:
    """Whether what should be a logit is a probability, or what should be its log is that of one of those."""
    if kind == "cross_entropy":
        return off < SUM_TO_ONE and low >= 0 and columns > 1
    if kind == "nll_loss":
        return high <= 0 and high - low <= 1 and columns > 2
    return kind == "binary_cross_entropy_with_logits" and low >= 0 and high <= 1 and zeros < 1


def _is_rectified(kind: str, low: float, zeros: float, columns: float) -> bool:
    """Whether logits are never negative, and often exactly zero; of several classes none is ever negative
    otherwise, of a yes or no all may come to be positive.
    """
    known = kind in ("cross_entropy", "binary_cross_entropy_with_logits") and low >= 0
    return known and (zeros > 0.05 or (kind == "cross_entropy" and columns > 2))


def normalisation(chart: Chart) -> Iterator[Finding]:
    """Batch norm in the wrong mode, or over too few values; evaluation in training mode."""
    if not len(chart.history):
        return
    first, count = chart.history.samples[0].step, len(chart.history)
    stopped = {n for s in chart.history for n in s.norms_in_eval if not chart.patient.is_meant_to_stay(n)}
    parts = (chart.history.samples[:2], chart.history.samples[count // 2 :])
    lasting = [n for n in sorted(stopped) if any(_mostly_in_eval(n, part) for part in parts)]
    if lasting:
        yield found("BN_EVAL_IN_TRAIN", shown(lasting), first, {"batch norms": len(lasting)})
    tiny = {n: v for s in chart.history for n, v in s.norm_sizes.items() if v <= FEW_VALUES}
    if tiny:
        yield found("BN_TINY_BATCH", shown(list(tiny)), first, {"values a mean": min(tiny.values())})
    if chart.history.evaluated_in_train and any(_differs(m) for m in chart.patient.model.modules()):
        evidence = {"forward passes without gradients in training mode": chart.history.evaluated_in_train}
        yield found("TRAIN_MODE_IN_EVAL", "model", first, evidence)


def _mostly_in_eval(name: str, samples: Sequence[Sample]) -> bool:
    return sum(name in sample.norms_in_eval for sample in samples) > len(samples) / 2


def _differs(module: nn.Module) -> bool:
    """Whether a module does something else in training mode."""
    dropping = isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0
    return dropping or isinstance(module, nn.modules.batchnorm._BatchNorm)


def missing_nonlinearity(chart: Chart) -> Iterator[Finding]:
    """Weighted layers in a row, or with nothing between them that bends; where all layers are such a row a
    warning, else a remark.
    """
    pairs = [set(sample.straight) for sample in chart.history if sample.names]
    lasting = (set.intersection(*pairs) if pairs else set()) | _never_bent(chart.history)
    if lasting:
        layers = [n for n, kind in chart.history.layer_names.items() if kind in MADE_OF_SUMS]
        severity = Severity.WARNING if lasting >= set(pairwise(layers)) else Severity.INFO
        where = shown([f"{a} to {b}" for a, b in sorted(lasting)])
        yield found("MISSING_NONLINEARITY", where, 0, {"pairs": len(lasting)}, severity=severity)


def _never_bent(history: History) -> set[tuple[str, str]]:
    """Pairs of weighted layers between which nothing but stretching was seen, at every closer look."""
    seen = [sample.bent for sample in history if sample.bent]
    names = set.intersection(*(set(bent) for bent in seen)) if len(seen) >= 2 else set()
    return {pair for pair in names if all(float(bent[pair]) < STRAIGHT for bent in seen)}


RULES = (
    optimizer_detached,
    graph_broken,
    no_slope,
    frozen_params,
    missing_zero_grad,
    symmetric_init,
    loss_inputs,
    normalisation,
    missing_nonlinearity,
)
