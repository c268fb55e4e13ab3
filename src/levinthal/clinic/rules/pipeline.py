"""Faults between parameters, gradients and optimiser: read exactly, from the first sampled steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import abbreviated, found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.sample import Sample
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.rules.branches import spared
from levinthal.clinic.rules.context import Context, typical
from levinthal.clinic.rules.frozen import was_changed
from levinthal.vocabulary import Finding, Severity

PERSISTENT = 0.8
"""Share of the samples in which a fault of the loss function has to show."""
STALE = 0.5
"""Share of the samples in which gradients of earlier steps have to be present."""
FEWEST_WITHOUT = 2
"""Samples from which on a missing gradient counts."""
FEWEST_ZERO = 3
"""Samples from which on a gradient of exactly zero counts."""
UNDERFLOW, SPARE = 1e-12, 0.1
"""Gradients below it may be zero by rounding; share of the parameters that a training may leave unused."""
ALL_ZERO = (
    "look at the end of the loss: a factor or mask of 0, a clamp, a rounding, a comparison; or gradients too "
    "small for float16"
)
NEARLY_ALL = 0.95
"""Share of a layer's units that are dead or saturated, above which they explain a gradient of zero."""

OPTIMIZER_DETACHED = FindingKind(
    code="OPTIMIZER_DETACHED",
    means="the optimiser does not hold these parameters",
    remedy=(
        "make the optimiser after the model is final: `optimizer = torch.optim.Adam(model.parameters())`"
    ),
    severity=Severity.CRITICAL,
    area=Area.OPTIMISER,
    order=20,
    evidence=(
        "a parameter that requires a gradient is in no parameter group, does not change, and has no copy of "
        "full precision in one"
    ),
    source=EXACT,
    explains=("GRAPH_BROKEN", "MISSING_ZERO_GRAD", *symptoms.OF_ALL_DYNAMICS),
)

MISSING_ZERO_GRAD = FindingKind(
    code="MISSING_ZERO_GRAD",
    means="gradients of earlier steps are still present when backward adds to them",
    remedy="call `optimizer.zero_grad()` once for every `optimizer.step()`",
    severity=Severity.CRITICAL,
    area=Area.OPTIMISER,
    order=40,
    evidence="gradients are present when backward begins, and it adds to them, in {share:.0%} of the samples",
    thresholds={"share": STALE},
    source=EXACT,
    explains=("NON_FINITE_LOSS", *symptoms.OF_ALL_DYNAMICS),
)

GRADIENT_CLEARED = FindingKind(
    code="GRADIENT_CLEARED",
    means="gradients are cleared before a step has used them",
    remedy="call `optimizer.zero_grad()` before `loss.backward()`, or after `optimizer.step()`",
    severity=Severity.CRITICAL,
    area=Area.OPTIMISER,
    order=45,
    evidence=(
        "matrices with a gradient after backward, none (or one of zero) at the step, and no change, at every "
        "sample, {samples} or more of them (no step changes a weight); or, a warning: in {share:.0%} of "
        "the samples, of several batches to a step, all gradients of one are gone when the next begins"
    ),
    thresholds={"samples": FEWEST_WITHOUT, "share": PERSISTENT},
    source=EXACT,
    explains=("GRAPH_BROKEN", *symptoms.OF_ALL_DYNAMICS),
    only_by_hand="the call is in the user's own loop",
)

GRAPH_BROKEN = FindingKind(
    code="GRAPH_BROKEN",
    means="no gradient reaches these parameters: the graph is cut, or they are not used",
    remedy="remove `.detach()`, `.item()`, `.data` or `torch.no_grad()` between them and the loss",
    severity=Severity.CRITICAL,
    area=Area.OPTIMISER,
    order=60,
    evidence=(
        "no gradient at any sample, {samples} or more of them; or one of exactly zero at every "
        "sample, {zero_samples} or more, with no layer dead or saturated in more than {dead:.0%} of "
        "its units at first; not of parameters that change, nor in branches that take turns, as experts do; "
        "info of branches and layers that are never called, and of "
        "{spare:.0%} of the parameters at most, where training is not degraded"
    ),
    thresholds={
        "samples": FEWEST_WITHOUT,
        "zero_samples": FEWEST_ZERO,
        "dead": NEARLY_ALL,
        "spare": SPARE,
    },
    source=EXACT,
    explains=("VANISHING_GRADIENT", *symptoms.NO_LEARNING),
    only_by_hand="the cut is in the user's own forward pass",
)


def persistent(flags: Sequence[bool], least: int = 2, share: float = PERSISTENT) -> bool:
    """Whether enough of the samples show it."""
    return sum(flags) >= max(least, share * len(flags))


@rule(OPTIMIZER_DETACHED)
def optimizer_detached(context: Context) -> Iterator[Finding]:
    """Parameters that require a gradient and that no optimiser holds."""
    groups, trainable = context.setup.groups(), [p.requires_grad for p in context.setup.parameters]
    lost = [
        name
        for name, group, asks in zip(context.setup.names, groups, trainable, strict=True)
        if group is None and asks and not context.setup.is_declared_frozen(name)
    ]
    if lost and not _are_trained_elsewhere(lost, context):
        severity = Severity.CRITICAL if len(lost) == sum(trainable) else Severity.WARNING
        evidence = {"parameters without optimiser": len(lost), "of": sum(trainable)}
        yield found(OPTIMIZER_DETACHED, abbreviated(lost), 0, evidence, severity=severity)


@rule(GRAPH_BROKEN)
def graph_broken(context: Context) -> Iterator[Finding]:
    """Parameters that require a gradient and never got one."""
    if len(context.history) < FEWEST_WITHOUT:
        return
    never = set.intersection(*(set(sample.without_gradient) for sample in context.history))
    asking = {
        n for n, p in zip(context.setup.names, context.setup.parameters, strict=True) if p.requires_grad
    }
    cut = [
        name
        for name in context.setup.names
        if name in never & asking and not context.setup.is_declared_frozen(name)
    ]
    taking_turns, idle = spared(cut, context)
    cut = [name for name in cut if name not in taking_turns and not was_changed(name, context)]
    if cut and not _move(cut, context.history, context.setup) and not _cleared(context):
        severity = Severity.CRITICAL if len(cut) > len(asking) / 2 else Severity.WARNING
        if set(cut) <= set(idle):
            severity = Severity.INFO  # experts that are never chosen, say
        is_spare = len(cut) <= SPARE * len(asking) or not _were_called(cut, context)
        if severity is Severity.WARNING and is_spare and not context.trend.is_degraded:
            severity = Severity.INFO  # parts that this training does not use, a pooling layer say
        evidence = {
            "parameters without gradient": len(cut),
            "of": len(asking),
            "samples": len(context.history),
        }
        yield found(
            GRAPH_BROKEN, abbreviated(cut), context.history.samples[0].step, evidence, severity=severity
        )


def _move(names: Sequence[str], history: History, setup: TrainingSetup) -> bool:
    """Whether one of these matrices changes its norm from sample to sample: then something trains it."""
    places = [i for i, name in enumerate(setup.names) if name in names]
    weights = history.tensors("weight")
    if len(weights) < FEWEST_WITHOUT or not places:
        return False
    return bool(np.any(np.ptp(weights[:, places], 0) > 0))


def _are_trained_elsewhere(lost: Sequence[str], context: Context) -> bool:
    """Whether parameters without optimiser are trained all the same: an optimiser holds copies of them, in
    float32 say, or another one that is not watched trains them, or they follow a moving average.
    """
    if _move(lost, context.history, context.setup) or any(was_changed(name, context) for name in lost):
        return True
    held = [p for o in context.setup.optimizers for group in o.param_groups for p in group["params"]]
    own = {id(p) for p in context.setup.parameters}
    copies = sorted(tuple(p.shape) for p in held if id(p) not in own and p.dtype == torch.float32)
    named = zip(context.setup.names, context.setup.parameters, strict=True)
    half = [p for name, p in named if name in lost and p.dtype in (torch.float16, torch.bfloat16)]
    return bool(half) and copies == sorted(tuple(p.shape) for p in half)


def _were_called(cut: Sequence[str], context: Context) -> bool:
    """Whether a layer of these parameters was called in a pass with gradients."""
    return any(name.rpartition(".")[0] in context.history.layer_names for name in cut)


def _cleared(context: Context) -> list[str]:
    """Matrices that have a gradient after every backward pass, none at the step, and that nothing changes."""
    history, names = context.history, context.setup.names
    columns = [history.tensors(column) for column in ("before_clipping", "gradient", "update")]
    if len(columns[0]) < FEWEST_WITHOUT:
        return []
    before, at_step, update = (np.nan_to_num(column) for column in columns)
    gone = (before > 0).all(0) & (at_step == 0).all(0) & (update == 0).all(0)
    cleared = [name for name, is_gone in zip(names, gone, strict=True) if is_gone]
    return (
        [] if _move(cleared, history, context.setup) else cleared
    )  # copies in another precision are trained


@rule(GRADIENT_CLEARED)
def gradient_cleared(context: Context) -> Iterator[Finding]:
    """Gradients that backward has made and that are gone when the optimiser steps."""
    cleared = _cleared(context)
    if cleared:
        evidence = {"matrices whose gradient is cleared": len(cleared), "samples": len(context.history)}
        yield found(GRADIENT_CLEARED, abbreviated(cleared), 0, evidence)


@rule(GRAPH_BROKEN)
def zero_gradient(context: Context) -> Iterator[Finding]:
    """Matrices whose gradient is exactly 0 at every sample, although no layer is dead or saturated: an
    operation on the way has derivative zero (rounding, a comparison). Where all are 0, it is at its end.
    """
    gradients = context.history.tensors("gradient")
    if len(gradients) < FEWEST_ZERO or _has_dead_or_saturated(context.history.samples[:3]):
        return
    never, usual = (gradients == 0).all(0), typical(gradients, 0)
    live = usual[usual > 0]
    cut = [n for n, zero in zip(context.setup.names, never, strict=True) if zero]
    cut = [name for name in cut if not context.setup.is_declared_frozen(name)]
    if not cut or _cleared(context) or (len(live) and live.min() <= UNDERFLOW):
        return
    if len(live) or len(cut) == int((~np.isnan(usual)).sum()):
        evidence = {"matrices whose gradient is exactly 0": len(cut), "samples": len(gradients)}
        severity, remedy = (Severity.WARNING, "") if len(live) else (Severity.CRITICAL, ALL_ZERO)
        yield found(GRAPH_BROKEN, abbreviated(cut), 0, evidence, severity=severity, remedy=remedy)


def _has_dead_or_saturated(samples: Sequence[Sample]) -> bool:
    """Whether a layer was completely dead or saturated."""
    reads = [read for sample in samples for read in sample.layers if read.live_inputs is not None]
    return any(max(read.saturated_share, read.dead_share) > NEARLY_ALL for read in reads)


@rule(MISSING_ZERO_GRAD)
def missing_zero_grad(context: Context) -> Iterator[Finding]:
    """Gradients that were present before the first backward pass of the step."""
    sound = [s for s in context.history if s.loss is not None and math.isfinite(float(s.loss))]
    known = [(s.step, float(s.stale)) for s in sound if s.stale is not None]
    flags = [left > 0 for _, left in known]
    # a network that this fault has made dead gets no gradient any more, so the first third is also judged
    if known and any(persistent(part, share=STALE) for part in (flags, flags[: len(flags) // 3])):
        last = [left for _, left in known if left > 0][-1]  # 0 since the network is dead, say
        evidence = {"norm of the gradient left over": last, "samples": len(known)}
        yield found(MISSING_ZERO_GRAD, "optimiser", known[0][0], evidence)
