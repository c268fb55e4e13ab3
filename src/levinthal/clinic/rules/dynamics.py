"""How training goes as a whole: a loss that is no number, dropout that leaves nothing, no learning at all."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from torch import nn

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found, shown
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.training_setup import Patient
from levinthal.clinic.rules.context import Chart
from levinthal.clinic.rules.loss_trend import A_FAIR_CHANCE, A_GUESS, FEWEST, SURE
from levinthal.vocabulary import Finding, Severity

HIGH_DROPOUT = 0.8
"""Dropout from which on it removes nearly everything."""
SURELY = 2.0
"""Times its noise, by which a loss without a known chance level has to fall."""
A_FIFTH = 0.2
"""Noise over the first loss, above which a fall may be hidden."""

EXCESS_DROPOUT = FindingKind(
    code="EXCESS_DROPOUT",
    means="dropout removes nearly everything",
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
    remedy="lower the rate; look for log or division of zero in the loss",
    severity=Severity.CRITICAL,
    area=Area.LOSS,
    order=300,
    evidence="the loss is nan or infinite at a sample",
    source=EXACT,
    explains=("DEAD_RELU", "SATURATED_ACTIVATION", "VANISHING_GRADIENT", "UNDERFIT"),
)

UNDERFIT = FindingKind(
    code="UNDERFIT",
    means="the loss stays where it began, and no cause above was found",
    remedy="try to fit a single batch; if that works, train longer or enlarge the model",
    severity=Severity.WARNING,
    area=Area.LOSS,
    order=390,
    evidence=(
        "the loss no lower than at the start, or than the chance level, and not on its way down, "
        "after {steps} steps; info above {end} of the chance level"
    ),
    thresholds={"steps": A_FAIR_CHANCE, "end": A_GUESS},
    source="Humbatova et al., Taxonomy of real faults in deep learning systems (ICSE 2020)",
)


@rule(NON_FINITE_LOSS)
def non_finite_loss(chart: Chart) -> Iterator[Finding]:
    """A loss, or a gradient, that is no number any more."""
    losses = [(s.step, float(s.loss)) for s in chart.history if s.loss is not None]
    broken = [step for step, loss in losses if not math.isfinite(loss)]
    if broken:
        yield found(NON_FINITE_LOSS, "loss", broken[0], {"samples": len(broken), "of": len(losses)})


@rule(EXCESS_DROPOUT)
def dropout(chart: Chart) -> Iterator[Finding]:
    """Dropout that drops nearly all."""
    stuck = chart.went.is_stuck or chart.went.is_at_chance
    taken = [sample.drops for sample in chart.history]
    shares = (taken[-1] if taken else {}) | _inner_dropout(chart.patient)
    drops = [(n, p) for n, p in shares.items() if p >= HIGH_DROPOUT]
    if drops:
        evidence = {"p": max(p for _, p in drops)}
        severity = None if stuck else Severity.INFO
        yield found(EXCESS_DROPOUT, shown([n for n, _ in drops]), 0, evidence, severity=severity)


def _inner_dropout(patient: Patient) -> dict[str, float]:
    """What recurrent layers drop from one to the next, and attention of its weights, in training."""
    modules = dict(patient.model.named_modules())
    stacked = {n: m.dropout for n, m in modules.items() if isinstance(m, nn.RNNBase) and m.num_layers > 1}
    return stacked | {n: m.dropout for n, m in modules.items() if isinstance(m, nn.MultiheadAttention)}


@rule(UNDERFIT)
def underfit(chart: Chart) -> Iterator[Finding]:
    """The loss stays where it began."""
    went = chart.went
    if went.is_stuck and went.samples >= 2 * FEWEST and chart.history.steps[-1] >= A_FAIR_CHANCE:
        # rivals hold each other's loss where it is; without a guess to go by, a fall that is surely one, or
        # that noise would hide, is no failure
        rivals = len(chart.patient.optimizers) > 1 or any(len(s.losses) > 1 for s in chart.history)
        hidden = 2 * went.noise > A_FIFTH * abs(went.start)
        hidden |= _is_of_both_signs(chart)
        falls = math.isnan(went.chance) and (went.start - went.end > SURELY * went.noise or hidden)
        yield _not_learnt(chart, Severity.INFO if rivals or falls else None)
    elif went.samples >= 2 * FEWEST and went.end > A_GUESS * went.chance and went.falling < SURE:
        yield _not_learnt(chart, Severity.INFO)


def _not_learnt(chart: Chart, severity: Severity | None) -> Finding:
    went, last = chart.went, int(chart.history.steps[-1])
    evidence = {"loss at the start": went.start, "at the end": went.end, "steps": last}
    return found(UNDERFIT, "loss", last, evidence, severity=severity)


def _is_of_both_signs(chart: Chart) -> bool:
    """Whether the loss has no floor to come down to, as those of policies and rivals have none."""
    losses = chart.history.task_losses
    return bool(np.nanmin(losses) < 0 < np.nanmax(losses))
