"""How training goes as a whole: a loss that is no number, dropout that leaves nothing, no learning at all."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from torch import nn

from levinthal.clinic.findings.finding import found, shown
from levinthal.clinic.recording.training_setup import Patient
from levinthal.clinic.rules.context import Chart
from levinthal.clinic.rules.loss_trend import A_FAIR_CHANCE, A_GUESS, FEWEST, SURE
from levinthal.vocabulary import Finding, Severity

HIGH_DROPOUT = 0.8
SURELY, A_FIFTH = 2.0, 0.2


def non_finite_loss(chart: Chart) -> Iterator[Finding]:
    """A loss, or a gradient, that is no number any more."""
    losses = [(s.step, float(s.loss)) for s in chart.history if s.loss is not None]
    broken = [step for step, loss in losses if not math.isfinite(loss)]
    if broken:
        yield found("NON_FINITE_LOSS", "loss", broken[0], {"samples": len(broken), "of": len(losses)})


def dropout(chart: Chart) -> Iterator[Finding]:
    """Dropout that drops nearly all."""
    stuck = chart.went.is_stuck or chart.went.is_at_chance
    taken = [sample.drops for sample in chart.history]
    shares = (taken[-1] if taken else {}) | _inner_dropout(chart.patient)
    drops = [(n, p) for n, p in shares.items() if p >= HIGH_DROPOUT]
    if drops:
        evidence = {"p": max(p for _, p in drops)}
        severity = None if stuck else Severity.INFO
        yield found("EXCESS_DROPOUT", shown([n for n, _ in drops]), 0, evidence, severity=severity)


def _inner_dropout(patient: Patient) -> dict[str, float]:
    """What recurrent layers drop from one to the next, and attention of its weights, in training."""
    modules = dict(patient.model.named_modules())
    stacked = {n: m.dropout for n, m in modules.items() if isinstance(m, nn.RNNBase) and m.num_layers > 1}
    return stacked | {n: m.dropout for n, m in modules.items() if isinstance(m, nn.MultiheadAttention)}


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
    return found("UNDERFIT", "loss", last, evidence, severity=severity)


def _is_of_both_signs(chart: Chart) -> bool:
    """Whether the loss has no floor to come down to, as those of policies and rivals have none."""
    losses = chart.history.task_losses
    return bool(np.nanmin(losses) < 0 < np.nanmax(losses))


RULES = (
    non_finite_loss,
    dropout,
    underfit,
)
