"""Step size relative to the weights: too large, too small, or reduced to nothing by a schedule."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import AUTOTRAINER, EXACT
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.activations import is_saturated_at_first
from levinthal.clinic.rules.context import Context, typical
from levinthal.clinic.rules.first_not_finite import origin
from levinthal.clinic.rules.loss_trend import FEWEST, LEARNT, MIN_STEPS, NEAR_CHANCE, LossTrend
from levinthal.vocabulary import Finding, Severity

LARGE_STEP = 0.1
"""Norm of a step over norm of the weights above which the learning rate is high."""
HUGE_STEP = 0.5
"""The same, above which it is too high."""
SHORT_DISTANCE = 0.05
"""Norm of all steps together over norm of the weights, below which the learning rate is too low."""
JUMP = 10.0
"""Times the first loss above which the loss has jumped."""
RISEN = 1.1
"""Times the first loss above which the loss has risen."""
HELD_BACK, RISING = 0.1, 3.0
"""Largest learning rate over that of the optimiser, below which a schedule keeps it low; times its first
value above which it still rises."""
BASE_OF_FACTORS = 1.0
"""Learning rate of an optimiser from which on a schedule's factors are the rates themselves."""
DECAYED = 1e-3
"""Median over largest learning rate, below which the schedule has ended the training."""

LR_TOO_HIGH = FindingKind(
    code="LR_TOO_HIGH",
    means="a step changes the weights by a large part of their norm, and the loss does not fall",
    remedy="divide the learning rate by 10",
    severity=Severity.CRITICAL,
    area=Area.STEP,
    order=270,
    evidence=(
        "with degraded training, a step changes a matrix by {huge:.0%} of its norm; or by {large:.0%} "
        "throughout, or with a loss above its start; otherwise {large:.0%} throughout is info"
    ),
    thresholds={"huge": HUGE_STEP, "large": LARGE_STEP},
    source=f"step over weights, about .001 by rule of thumb; {AUTOTRAINER}",
    explains=(*symptoms.OF_THE_GRADIENT, "NON_FINITE_LOSS", "UNDERFIT", "OVER_CLIPPING"),
)

LR_DECAYED = FindingKind(
    code="LR_DECAYED",
    means="the schedule has reduced the learning rate to almost nothing before the loss came down",
    remedy="let the schedule last as long as the training",
    severity=Severity.WARNING,
    area=Area.STEP,
    order=280,
    evidence=(
        "the median learning rate below {share} of its largest, and the loss not below {learnt:.0%} "
        "of the chance level"
    ),
    thresholds={"share": DECAYED, "learnt": LEARNT},
    source=EXACT,
    explains=("LR_TOO_LOW", "UPDATE_LOST_TO_ROUNDING", "UNDERFIT"),
)

SCHEDULE = (
    "the schedule keeps the learning rate low: a shorter warm-up (in steps, not epochs), or a function for "
    "`LambdaLR` that returns a factor and not a rate"
)
LR_TOO_LOW = FindingKind(
    code="LR_TOO_LOW",
    means="a step changes the weights by almost nothing, although there is a gradient",
    remedy="multiply the learning rate by 10 to 100",
    severity=Severity.WARNING,
    area=Area.STEP,
    order=370,
    evidence=(
        "all steps together change a matrix by less than {way:.0%} of its norm, training plateaued, "
        "after {steps} steps; info with the loss above {end} of the chance level; or a schedule keeps the "
        "learning rate below {held:.0%} of the optimiser's to the end, and little is learnt"
    ),
    thresholds={"way": SHORT_DISTANCE, "steps": MIN_STEPS, "end": NEAR_CHANCE, "held": HELD_BACK},
    source=AUTOTRAINER,
    explains=("UNDERFIT",),
)


@rule(LR_TOO_HIGH, LR_DECAYED, LR_TOO_LOW)
def step_size(context: Context) -> Iterator[Finding]:
    """Steps too large or too small for the weights, or a learning rate decayed to almost nothing."""
    trend, matrices = context.trend, context.setup.matrices()
    if len(context.history) < 3 or not matrices:
        return
    weights = context.history.tensors("weight")[:, matrices]
    updates = context.history.tensors("update")[:, matrices]
    with np.errstate(all="ignore"):  # a run that has blown up
        ratio = typical(updates / np.where(weights > 0, weights, np.nan), 1)
    size, early = float(typical(ratio)), float(np.nanmax([0.0, *ratio[:3]]))
    first, last = int(context.history.steps[0]), int(context.history.steps[-1])
    jumped = early > HUGE_STEP and not trend.has_learnt and trend.peak > JUMP * trend.start
    usual, at_first, longest = _relative_to_fresh_weights(context, matrices)
    long = max(usual, at_first) > HUGE_STEP or (trend.is_worse and longest > HUGE_STEP)
    mild = usual > LARGE_STEP or (_is_unsteady(trend) and at_first > LARGE_STEP)
    # a layer that was saturated before any step was not saturated by the learning rate
    mild = mild and not trend.has_learnt and not is_saturated_at_first(context)
    if (jumped or (trend.is_degraded and (long or mild))) and not _broke_by_itself(context, jumped or long):
        evidence = {"step / weights": max(size, early), "loss from": trend.start, "to": trend.end}
        severity = None if jumped or long or trend.broken else Severity.WARNING
        yield found(LR_TOO_HIGH, "optimiser", first, evidence, severity=severity)
    elif usual > LARGE_STEP:
        evidence = {"step / weights": usual, "loss from": trend.start, "to": trend.end}
        yield found(LR_TOO_HIGH, "optimiser", first, evidence, severity=Severity.INFO)
    elif not trend.has_learnt and last >= MIN_STEPS and (held := _held_back(context)) is not None:
        evidence = {"learning rate over the optimiser's, at most": held, "steps": last}
        yield found(LR_TOO_LOW, "optimiser", first, evidence, remedy=SCHEDULE)
    elif not trend.has_learnt and _has_decayed(context.history):
        rates = [max(s.rates) for s in context.history if s.rates]
        yield found(LR_DECAYED, "optimiser", last, {"learning rate": rates[-1], "largest": max(rates)})
    elif last >= MIN_STEPS and _moves_too_little(context, size * last):
        evidence = {"step / weights": size, "all steps / weights, at most": size * last}
        severity = None if trend.has_plateaued else Severity.INFO
        yield found(LR_TOO_LOW, "optimiser", first, evidence, severity=severity)


def _broke_by_itself(context: Context, is_huge: bool) -> bool:
    """Whether a loss is not finite although it had not risen before: by an operation that is named, or after
    steps that were not huge.
    """
    if not context.trend.broken:
        return False
    began = origin(context)
    return began.is_calm and (bool(began.remedy) or not is_huge)


def _relative_to_fresh_weights(context: Context, matrices: list[int]) -> tuple[float, float, float]:
    """Relative to the weights: the median step, the largest of the first three, and the largest that three
    steps in a row reach. Weights count as at least half as large as fresh ones, of variance 1 / (3 n): a step
    is not too large because a weight is almost zero.
    """
    parameters = [context.setup.parameters[i] for i in matrices]
    fresh = np.array([0.5 * math.sqrt(len(p) / 3) for p in parameters])
    weights = np.fmax(context.history.tensors("weight")[:, matrices], fresh)
    with np.errstate(all="ignore"):
        ratio = typical(context.history.tensors("update")[:, matrices] / weights, 1)
    threes = [float(np.min(ratio[i : i + 3])) for i in range(max(len(ratio) - 2, 0))]
    return float(typical(ratio)), float(np.nanmax([0.0, *ratio[:3]])), float(np.nanmax([0.0, *threes]))


def _is_unsteady(trend: LossTrend) -> bool:
    """Whether the loss rose above its start by more than its noise, as it does when steps are too large."""
    return trend.is_worse or trend.peak > RISEN * trend.start + 2 * trend.noise


def _moves_too_little(context: Context, distance: float) -> bool:
    """Whether all steps together are small beside the weights, with a gradient and little learnt."""
    trend, moves = context.trend, bool(np.any(context.history.tensors("gradient") > 0))
    little = trend.has_plateaued or (trend.known and trend.end > NEAR_CHANCE * trend.chance)
    return little and distance < SHORT_DISTANCE and moves


def _held_back(context: Context) -> float | None:
    """The largest learning rate of the run over the one that the optimiser was made with, where a schedule
    keeps it low: it still rises at the end, or it never rises. None where it does not.
    """
    groups = [group for optimizer in context.setup.optimizers for group in optimizer.param_groups]
    base = max((float(group.get("initial_lr", 0.0)) for group in groups), default=0.0)
    rates = [max(s.rates) for s in context.history if s.rates]
    if not 0 < base < BASE_OF_FACTORS or len(rates) < FEWEST or max(rates) >= HELD_BACK * base:
        return None
    rises = all(a <= b for a, b in pairwise(rates)) and rates[-1] > RISING * rates[0]
    return max(rates) / base if rises or all(a >= b for a, b in pairwise(rates)) else None


def _has_decayed(history: History) -> bool:
    """Whether the learning rate was almost nothing in half of the samples."""
    rates = [max(s.rates) for s in history if s.rates]
    return len(rates) >= FEWEST and float(np.median(rates)) < DECAYED * max(rates)
