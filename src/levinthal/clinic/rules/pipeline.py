"""Faults between parameters, gradients and optimiser: read exactly, from the first sampled steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import abbreviated, found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.sample import Sample
from levinthal.clinic.rules.context import Context, typical
from levinthal.vocabulary import Finding, Severity

PERSISTENT = 0.8
"""Share of the samples in which a fault of the loss function has to show."""
STALE = 0.5
"""Share of the samples in which gradients of earlier steps have to be present."""
FEWEST_WITHOUT = 2
"""Samples from which on a missing gradient counts."""
FEWEST_ZERO = 3
"""Samples from which on a gradient of exactly zero counts."""
UNDERFLOW = 1e-12
"""Gradients below it may be zero by rounding."""
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
    evidence="a parameter that requires a gradient is in no parameter group",
    source=EXACT,
    explains=("GRAPH_BROKEN", "MISSING_ZERO_GRAD", *symptoms.OF_ALL_DYNAMICS),
)

FROZEN_PARAMS = FindingKind(
    code="FROZEN_PARAMS",
    means="these parameters do not require a gradient, or have learning rate 0, and were not declared frozen",
    remedy="`parameter.requires_grad_(True)`, or declare it: `watch(..., frozen=(name,))`",
    severity=Severity.WARNING,
    area=Area.OPTIMISER,
    order=30,
    evidence="`requires_grad` is off, or the learning rate is zero at every sample",
    source=EXACT,
    explains=symptoms.NO_LEARNING,
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
        "its units at first"
    ),
    thresholds={"samples": FEWEST_WITHOUT, "zero_samples": FEWEST_ZERO, "dead": NEARLY_ALL},
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
    if lost:
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
    if cut:
        severity = Severity.CRITICAL if len(cut) > len(asking) / 2 else Severity.WARNING
        evidence = {
            "parameters without gradient": len(cut),
            "of": len(asking),
            "samples": len(context.history),
        }
        yield found(
            GRAPH_BROKEN, abbreviated(cut), context.history.samples[0].step, evidence, severity=severity
        )


@rule(GRAPH_BROKEN)
def zero_gradient(context: Context) -> Iterator[Finding]:
    """Matrices whose gradient is exactly 0 at every sample, although other matrices have one and no layer is
    dead or saturated: an operation on the way has derivative zero (rounding, a comparison).
    """
    gradients = context.history.tensors("gradient")
    if len(gradients) < FEWEST_ZERO or _has_dead_or_saturated(context.history.samples[:3]):
        return
    never, usual = (gradients == 0).all(0), typical(gradients, 0)
    live = usual[usual > 0]
    cut = [n for n, zero in zip(context.setup.names, never, strict=True) if zero]
    cut = [name for name in cut if not context.setup.is_declared_frozen(name)]
    if cut and len(live) and live.min() > UNDERFLOW:
        evidence = {"matrices whose gradient is exactly 0": len(cut), "samples": len(gradients)}
        yield found(GRAPH_BROKEN, abbreviated(cut), 0, evidence, severity=Severity.WARNING)


def _has_dead_or_saturated(samples: Sequence[Sample]) -> bool:
    """Whether a layer was completely dead or saturated."""
    reads = [read for sample in samples for read in sample.layers if read.saturated_inputs is not None]
    return any(max(read.saturated_share, read.dead_share) > NEARLY_ALL for read in reads)


@rule(FROZEN_PARAMS)
def frozen_params(context: Context) -> Iterator[Finding]:
    """Parameters that cannot change and were not declared frozen."""
    setup, rates = context.setup, [sample.rates for sample in context.history if sample.rates]
    stopped = [bool(rates) and not any(rate[i] for rate in rates) for i in range(len(setup.names))]
    still = [
        name
        for name, parameter, group, zero in zip(
            setup.names, setup.parameters, setup.groups(), stopped, strict=True
        )
        if not setup.is_declared_frozen(name) and (not parameter.requires_grad or (group and zero))
    ]
    if still:
        share = len(still) / len(context.setup.names)
        severity = Severity.WARNING if share == 1 or context.trend.has_plateaued else Severity.INFO
        yield found(FROZEN_PARAMS, abbreviated(still), 0, {"share of parameters": share}, severity=severity)


@rule(MISSING_ZERO_GRAD)
def missing_zero_grad(context: Context) -> Iterator[Finding]:
    """Gradients that were present before the first backward pass of the step."""
    sound = [s for s in context.history if s.loss is not None and math.isfinite(float(s.loss))]
    known = [(s.step, float(s.stale)) for s in sound if s.stale is not None]
    flags = [left > 0 for _, left in known]
    # a network that this fault has made dead gets no gradient any more, so the first third is also judged
    if known and any(persistent(part, share=STALE) for part in (flags, flags[: len(flags) // 3])):
        evidence = {"norm of the gradient left over": known[-1][1], "samples": len(known)}
        yield found(MISSING_ZERO_GRAD, "optimiser", known[0][0], evidence)
