"""What the steps do to the weights: too long, too short, lost, clipped, or undone by a decay."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

from levinthal.clinic.findings.finding import found
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.context import Chart, typical
from levinthal.clinic.rules.loss_trend import A_FAIR_CHANCE, A_GUESS, FEWEST, Progress
from levinthal.clinic.rules.signals import is_flat_at_first
from levinthal.vocabulary import Finding, Severity

LARGE_STEP, SMALL_WAY = 0.1, 0.05
LEAP, HUGE_STEP, UNSTEADY = 10.0, 0.5, 1.1
DECAYED = 1e-3
LOST, FAR = 0.5, 100.0
KEEP_APART = (
    "keep the weights as the optimiser left them, and round (or put back) a copy for the forward pass"
)
CLIPPED, CLIPPED_WITH_HARM, MOST = 1e3, 10.0, 0.5
A_PRICE, A_LITTLE, A_THIRD = 0.1, 1e-2, 1 / 3
BY_HAND = "weights after another hand / before it"


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
        yield found("LR_TOO_HIGH", "optimiser", first, evidence, severity=severity)
    elif usual > LARGE_STEP:
        evidence = {"step / weight": usual, "loss from": went.start, "to": went.end}
        yield found("LR_TOO_HIGH", "optimiser", first, evidence, severity=Severity.INFO)
    elif not went.has_learnt and _has_decayed(chart.history):
        rates = [max(s.rates) for s in chart.history if s.rates]
        yield found("LR_DECAYED", "optimiser", last, {"rate": rates[-1], "was": max(rates)})
    elif last >= A_FAIR_CHANCE and _is_slow(chart, size * last):
        evidence = {"step / weight": size, "the whole way / weight, at most": size * last}
        severity = None if went.is_stuck else Severity.INFO
        yield found("LR_TOO_LOW", "optimiser", first, evidence, severity=severity)


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


def lost_updates(chart: Chart) -> Iterator[Finding]:
    """Steps that rounding takes away: of half precision, or of weights far larger than fresh ones. Of usual
    weights in float32 only a rate that is too low makes steps so small.
    """
    same, gradients = chart.history.tensors("unchanged"), chart.history.tensors("gradient")
    if len(same) < 3:
        return
    rates = np.array([s.rates for s in chart.history if s.rates])
    half = np.array([p.dtype in (torch.float16, torch.bfloat16) for p in chart.patient.parameters])
    fresh = np.array([math.sqrt(max(len(p) if p.dim() else 1, 1) / 3) for p in chart.patient.parameters])
    far = typical(chart.history.tensors("weight"), 0) > FAR * fresh
    usual = typical(same, 0)
    moving = (half | far) & (typical(gradients, 0) > 0) & (rates.max(0) > 0) & np.isfinite(usual)
    if not moving.any():
        return
    sizes = np.array([p.numel() for p in chart.patient.parameters])[moving]
    share = float(np.average(usual[moving], weights=sizes))
    if share > LOST:
        severity = None if chart.went.is_stuck else Severity.INFO
        evidence = {"weights with a gradient that a step leaves as they were": share}
        yield found("UPDATE_LOST_TO_ROUNDING", "optimiser", 0, evidence, severity=severity)


def undone_updates(chart: Chart) -> Iterator[Finding]:
    """Steps that are made, and then undone before the next pass: weights rounded, or put back."""
    back = [float(sample.between[0]) for sample in chart.history if sample.between is not None]
    if len(back) >= 3 and float(np.median(back)) > LOST:
        severity = None if chart.went.is_stuck else Severity.INFO
        evidence = {"moved weights that are back where they were": float(np.median(back))}
        yield found(
            "UPDATE_LOST_TO_ROUNDING", "between two steps", 0, evidence, severity=severity, remedy=KEEP_APART
        )


def over_clipping(chart: Chart) -> Iterator[Finding]:
    """Gradients far smaller at the step than backward left them, not by a power of 2 as a scaler does; or
    most of whose numbers are of one size, as clamping makes them.
    """
    before, after = (_total(chart.history.tensors(column)) for column in ("before_clipping", "gradient"))
    if len(after) < 3 or not np.all((after > 0) & np.isfinite(after) & np.isfinite(before)):
        return
    stuck, ratio, bounded = chart.went.is_stuck, float(np.median(before / after)), _bounded(chart.history)
    if ratio > (CLIPPED_WITH_HARM if stuck else CLIPPED) and not _is_a_power_of_two(ratio):
        evidence = {"gradient before / after": ratio}
        yield found("OVER_CLIPPING", "optimiser", 0, evidence, severity=None if stuck else Severity.INFO)
    elif stuck and bounded > MOST:
        yield found("OVER_CLIPPING", "gradients", 0, {"numbers of a gradient of the largest size": bounded})


def _is_a_power_of_two(ratio: float) -> bool:
    return abs(math.log2(ratio) - round(math.log2(ratio))) <= 1e-4


def _bounded(history: History) -> float:
    """The usual share of a gradient's numbers that are as large as its largest; 0 where it is not known, or
    gradients have largest numbers of their own and so no bound in common.
    """
    seen = [sample.bounded.cpu().double().numpy() for sample in history if sample.bounded is not None]
    usual = [float(typical(share)) for top, share in seen if _is_shared(top[share > MOST])]
    return float(np.median(usual)) if len(usual) >= 3 and len(usual) > len(seen) / 2 else 0.0


def _is_shared(bounds: np.ndarray) -> bool:
    return len(bounds) > 1 and bool(bounds.max() <= bounds.min() * (1 + 1e-3))


def _total(norms: np.ndarray) -> np.ndarray:
    """(samples,) norm over all parameters."""
    return np.asarray(np.sqrt(np.nansum(norms**2, 1)))


def weight_decay(chart: Chart) -> Iterator[Finding]:
    """Weights that are emptied, by whose hand it is known."""
    stuck = chart.went.is_stuck or chart.went.is_at_chance
    weights = _total(chart.history.tensors("weight")) if len(chart.history) else np.zeros(0)
    hands, known = _who_shrinks(chart), len(weights) >= FEWEST
    shrunk = known and weights[0] > 0 and weights[-1] < (0.5 if stuck else A_THIRD) * weights[0]
    if hands and known and weights[0] > 0 and (shrunk or BY_HAND in hands) and not chart.went.has_learnt:
        evidence = {"weights at the end / at the start": float(weights[-1] / weights[0]), **hands}
        severity = None if stuck and shrunk else Severity.INFO
        yield found("EXCESS_WEIGHT_DECAY", "optimiser", 0, evidence, severity=severity)


def _who_shrinks(chart: Chart) -> dict[str, float]:
    """What takes from the weights: the optimiser's decay, a price in the loss, another hand afterwards."""
    history, hands = chart.history, {}
    groups = [group for group in chart.patient.groups() if group]
    decays = [_number(v) for group in groups for name, v in group.items() if "decay" in name]
    if max(decays, default=0) > 0:
        hands["decay"] = max(decays)
    with np.errstate(invalid="ignore"):  # both may be infinite
        prices = history.losses - history.task_losses
    if len(prices) and np.isfinite(prices).all() and float(prices[0]) > A_PRICE * chart.went.start:
        hands["loss beside that of the task, at first"] = float(prices[0])
    kept = [float(sample.between[1]) for sample in history if sample.between is not None]
    if kept and float(np.median(kept)) < 1 - A_LITTLE:
        hands[BY_HAND] = float(np.median(kept))
    return hands


def _number(value: object) -> float:
    """A number that an optimiser's group holds; 0 of what is none (`decoupled_weight_decay=True`)."""
    plain = value.item() if isinstance(value, torch.Tensor) and value.numel() == 1 else value
    return float(plain) if isinstance(plain, int | float) and not isinstance(plain, bool) else 0.0


RULES = (
    step_size,
    lost_updates,
    undone_updates,
    over_clipping,
    weight_decay,
)
