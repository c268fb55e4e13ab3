"""Training as a whole: a loss that is not finite, dropout that leaves almost nothing, no learning at all."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from torch import nn

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import abbreviated, found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.rules.adversaries import is_game
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.first_not_finite import origin
from levinthal.clinic.rules.loss_trend import FEWEST, MIN_STEPS, NEAR_CHANCE, SURE
from levinthal.vocabulary import Finding, Severity

HIGH_DROPOUT = 0.8
"""Dropout probability from which on almost everything is removed."""
CERTAIN_FALL = 2.0
"""Times its noise, by which a loss without a known chance level has to fall."""
HIDING_NOISE = 0.2
"""Noise over the first loss, above which a fall may be hidden."""

EXCESS_DROPOUT = FindingKind(
    code="EXCESS_DROPOUT",
    means="dropout removes almost everything",
    remedy="`nn.Dropout(p)` with p at most .5",
    severity=Severity.WARNING,
    area=Area.MODEL,
    order=230,
    evidence="p of {p} or more, inside recurrences and attention too; a warning if training has plateaued",
    thresholds={"p": HIGH_DROPOUT},
    source="Srivastava et al., Dropout (JMLR 2014)",
    explains=("LR_TOO_HIGH", "DEAD_RELU", "RANK_COLLAPSE", *symptoms.NO_LEARNING),
)

NON_FINITE_LOSS = FindingKind(
    code="NON_FINITE_LOSS",
    means="the loss is nan or infinite",
    remedy="lower the learning rate; look for log(0) or a division by zero in the loss",
    severity=Severity.CRITICAL,
    area=Area.LOSS,
    order=300,
    evidence="the loss is nan or infinite at a sample",
    source=EXACT,
    explains=("DEAD_RELU", "SATURATED_ACTIVATION", "VANISHING_GRADIENT", "UNDERFIT"),
)

UNDERFIT = FindingKind(
    code="UNDERFIT",
    means="the loss is no lower than at the start, and no other cause was found",
    remedy="try to fit a single batch; if that works, train longer or enlarge the model",
    severity=Severity.WARNING,
    area=Area.LOSS,
    order=390,
    evidence=(
        "the loss no lower than at the start, or than the chance level, and no longer falling, "
        "after {steps} steps; info above {end} of the chance level, or below it where nothing tells how low "
        "the loss can be; not of networks that train against each other"
    ),
    thresholds={"steps": MIN_STEPS, "end": NEAR_CHANCE},
    source="Humbatova et al., Taxonomy of real faults in deep learning systems (ICSE 2020)",
)


@rule(NON_FINITE_LOSS)
def non_finite_loss(context: Context) -> Iterator[Finding]:
    """A loss that is not finite, and where it began."""
    losses = [(s.step, float(s.loss)) for s in context.history if s.loss is not None]
    broken = [step for step, loss in losses if not math.isfinite(loss)]
    if broken:
        began = origin(context)
        evidence = {"samples": len(broken), "of": len(losses), **began.evidence}
        yield found(NON_FINITE_LOSS, began.where, broken[0], evidence, remedy=began.remedy)


@rule(EXCESS_DROPOUT)
def dropout(context: Context) -> Iterator[Finding]:
    """Dropout that removes almost everything."""
    plateaued = context.trend.has_plateaued or context.trend.is_at_chance
    taken = [sample.dropout_rates for sample in context.history]
    shares = (taken[-1] if taken else {}) | _inner_dropout(context.setup)
    high = {name: p for name, p in shares.items() if p >= HIGH_DROPOUT}
    if high:
        severity = None if plateaued else Severity.INFO
        yield found(EXCESS_DROPOUT, abbreviated(list(high)), 0, {"p": max(high.values())}, severity=severity)


def _inner_dropout(setup: TrainingSetup) -> dict[str, float]:
    """Dropout inside stacked recurrences and inside attention."""
    modules = dict(setup.model.named_modules())
    stacked = {n: m.dropout for n, m in modules.items() if isinstance(m, nn.RNNBase) and m.num_layers > 1}
    return stacked | {n: m.dropout for n, m in modules.items() if isinstance(m, nn.MultiheadAttention)}


@rule(UNDERFIT)
def underfit(context: Context) -> Iterator[Finding]:
    """The loss is no lower than at the start."""
    trend = context.trend
    if is_game(context.history, context.setup):
        return  # neither loss has to fall
    if trend.has_plateaued and trend.samples >= 2 * FEWEST and context.history.steps[-1] >= MIN_STEPS:
        # the losses of adversaries hold each other in place; where the chance level is unknown, a certain
        # fall, or one that noise would hide, is no failure
        adversaries = len(context.setup.optimizers) > 1 or any(len(s.losses) > 1 for s in context.history)
        hidden = 2 * trend.noise > HIDING_NOISE * abs(trend.start)
        hidden |= _is_of_both_signs(context)
        # a network under CTC gives blanks alone for a long time before it learns
        hidden |= any(call.kind == "ctc_loss" for call in context.history.calls())
        # a loss of an unknown kind that rises may be that of a critic, whose targets grow
        hidden |= trend.is_worse and not trend.broken and not context.history.calls()
        falls = math.isnan(trend.chance) and (trend.start - trend.end > CERTAIN_FALL * trend.noise or hidden)
        yield _not_learnt(context, Severity.INFO if adversaries or falls else None)
    elif trend.samples >= 2 * FEWEST and trend.end > NEAR_CHANCE * trend.chance and trend.falling < SURE:
        yield _not_learnt(context, Severity.INFO)


def _not_learnt(context: Context, severity: Severity | None) -> Finding:
    """UNDERFIT with the loss at both ends."""
    trend, last = context.trend, int(context.history.steps[-1])
    evidence = {"loss at the start": trend.start, "at the end": trend.end, "steps": last}
    return found(UNDERFIT, "loss", last, evidence, severity=severity)


def _is_of_both_signs(context: Context) -> bool:
    """Whether the loss takes both signs, as for a policy or an adversary, and so has no lower bound."""
    losses = context.history.task_losses
    return bool(np.nanmin(losses) < 0 < np.nanmax(losses))
