"""How long the steps are beside the weights: too long, too short, or ended by a schedule."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import AUTOTRAINER, EXACT
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.context import Chart, typical
from levinthal.clinic.rules.loss_trend import A_FAIR_CHANCE, A_GUESS, FEWEST, LEARNT, Progress
from levinthal.clinic.rules.signals import is_flat_at_first
from levinthal.vocabulary import Finding, Severity

LARGE_STEP = 0.1
"""Step over weight above which the learning rate is high."""
HUGE_STEP = 0.5
"""Step over weight above which it is too high."""
SMALL_WAY = 0.05
"""All steps together over the weight, below which the learning rate is too low."""
LEAP = 10.0
"""Times its start from which on the loss has leapt."""
UNSTEADY = 1.1
"""Times its start above which the loss has risen."""
DECAYED = 1e-3
"""Median learning rate over the largest, below which the schedule has ended it."""

LR_TOO_HIGH = FindingKind(
    code="LR_TOO_HIGH",
    means="a step changes the weights by a large part of themselves, and the loss does not fall",
    remedy="divide the learning rate by 10",
    severity=Severity.CRITICAL,
    area=Area.STEP,
    order=270,
    evidence=(
        "with degraded training, a step changes a matrix by {huge:.0%} of itself; or by {large:.0%}, "
        "all along or with the loss above its start; without, {large:.0%} all along is info"
    ),
    thresholds={"huge": HUGE_STEP, "large": LARGE_STEP},
    source=f"step over weight, about .001 by rule of thumb; {AUTOTRAINER}",
    explains=(*symptoms.OF_THE_GRADIENT, "NON_FINITE_LOSS", "UNDERFIT", "OVER_CLIPPING"),
)

LR_DECAYED = FindingKind(
    code="LR_DECAYED",
    means="the schedule has brought the rate to nothing before the loss had come down",
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

LR_TOO_LOW = FindingKind(
    code="LR_TOO_LOW",
    means="a step changes the weights by next to nothing, though there is a gradient",
    remedy="multiply the learning rate by 10 to 100",
    severity=Severity.WARNING,
    area=Area.STEP,
    order=370,
    evidence=(
        "all steps together change a matrix by less than {way:.0%} of itself, training plateaued, "
        "after {steps} steps; info with the loss above {end} of the chance level"
    ),
    thresholds={"way": SMALL_WAY, "steps": A_FAIR_CHANCE, "end": A_GUESS},
    source=AUTOTRAINER,
    explains=("UNDERFIT",),
)


@rule(LR_TOO_HIGH, LR_DECAYED, LR_TOO_LOW)
def step_size(chart: Chart) -> Iterator[Finding]:
    """Steps too large or too small for the weights, or a rate decayed to nothing."""
    went, matrices = chart.went, chart.patient.matrices()
    if len(chart.history) < 3 or not matrices:
        return
    weights = chart.history.tensors("weight")[:, matrices]
    updates = chart.history.tensors("update")[:, matrices]
    with np.errstate(all="ignore"):  # a run that has blown up
        ratio = typical(updates / np.where(weights > 0, weights, np.nan), 1)
    size, early = float(typical(ratio)), float(np.nanmax([0.0, *ratio[:3]]))
    first, last = int(chart.history.steps[0]), int(chart.history.steps[-1])
    leapt = early > HUGE_STEP and not went.has_learnt and went.peak > LEAP * went.start
    usual, at_first, longest = _against_ordinary(chart, matrices)
    long = max(usual, at_first) > HUGE_STEP or (went.is_worse and longest > HUGE_STEP)
    mild = usual > LARGE_STEP or (_is_unsteady(went) and at_first > LARGE_STEP)
    # saturated before any step: no rate has done that
    mild = mild and not went.has_learnt and not is_flat_at_first(chart)
    if leapt or (went.is_harmed and (long or mild)):
        evidence = {"step / weight": max(size, early), "loss from": went.start, "to": went.end}
        severity = None if leapt or long or went.broken else Severity.WARNING
        yield found(LR_TOO_HIGH, "optimiser", first, evidence, severity=severity)
    elif usual > LARGE_STEP:
        evidence = {"step / weight": usual, "loss from": went.start, "to": went.end}
        yield found(LR_TOO_HIGH, "optimiser", first, evidence, severity=Severity.INFO)
    elif not went.has_learnt and _has_decayed(chart.history):
        rates = [max(s.rates) for s in chart.history if s.rates]
        yield found(LR_DECAYED, "optimiser", last, {"rate": rates[-1], "was": max(rates)})
    elif last >= A_FAIR_CHANCE and _is_slow(chart, size * last):
        evidence = {"step / weight": size, "the whole way / weight, at most": size * last}
        severity = None if went.is_stuck else Severity.INFO
        yield found(LR_TOO_LOW, "optimiser", first, evidence, severity=severity)


def _against_ordinary(chart: Chart, matrices: list[int]) -> tuple[float, float, float]:
    """The typical step, the longest of the first three, and the longest that three in a row come to, beside
    weights that are at least half as large as fresh ones, of variance 1 / (3 n), would be: a step is not too
    long because a weight is next to nothing.
    """
    parameters = [chart.patient.parameters[i] for i in matrices]
    fresh = np.array([0.5 * math.sqrt(len(p) / 3) for p in parameters])
    weights = np.fmax(chart.history.tensors("weight")[:, matrices], fresh)
    with np.errstate(all="ignore"):
        ratio = typical(chart.history.tensors("update")[:, matrices] / weights, 1)
    threes = [float(np.min(ratio[i : i + 3])) for i in range(max(len(ratio) - 2, 0))]
    return float(typical(ratio)), float(np.nanmax([0.0, *ratio[:3]])), float(np.nanmax([0.0, *threes]))


def _is_unsteady(went: Progress) -> bool:
    """Whether the loss rose above its start by more than its noise, as steps that are too long make it do."""
    return went.is_worse or went.peak > UNSTEADY * went.start + 2 * went.noise


def _is_slow(chart: Chart, way: float) -> bool:
    """On a way that is short beside the weights, with a gradient and little learnt."""
    went, moves = chart.went, bool(np.any(chart.history.tensors("gradient") > 0))
    little = went.is_stuck or (went.known and went.end > A_GUESS * went.chance)
    return little and way < SMALL_WAY and moves


def _has_decayed(history: History) -> bool:
    """Whether the rate was next to nothing for half of what was seen."""
    rates = [max(s.rates) for s in history if s.rates]
    return len(rates) >= FEWEST and float(np.median(rates)) < DECAYED * max(rates)
