"""What takes from the updates and from the weights: rounding, clipping, weight decay."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.context import Chart, typical
from levinthal.clinic.rules.loss_trend import FEWEST
from levinthal.vocabulary import Finding, Severity

LOST = 0.5
"""Share of the weights that a step leaves as they were."""
FAR = 100.0
"""Times a fresh weight's size, above which rounding takes steps of float32 too."""
KEEP_APART = (
    "keep the weights as the optimiser left them, and round (or put back) a copy for the forward pass"
)
CLIPPED = 1e3
"""Gradient before over after clipping, above which clipping is info."""
CLIPPED_WITH_HARM = 10.0
"""The same in training that has plateaued, where it is a warning."""
MOST = 0.5
"""Share of a gradient's numbers that are of its largest size, as clamping makes them."""
HALF_LEFT = 0.5
"""Weights at the end over those at the start, in training that has plateaued."""
A_THIRD = 1 / 3
"""The same otherwise."""
A_PRICE = 0.1
"""Penalty in the loss over the loss at the start, above which it counts."""
A_LITTLE = 1e-2
"""Share of the weights that an update outside `optimizer.step()` has to take."""
BY_HAND = "weights after another hand / before it"

EXCESS_WEIGHT_DECAY = FindingKind(
    code="EXCESS_WEIGHT_DECAY",
    means="weight decay takes more from the weights than the gradient gives",
    remedy="lower `weight_decay`",
    severity=Severity.WARNING,
    area=Area.STEP,
    order=250,
    evidence=(
        "weights fall to {stuck:.0%} while the loss stays at chance level (info: to {otherwise:.0%}),"
        " with weight decay, an explicit penalty in the loss, or an update outside `optimizer.step()`"
        " that shrinks them"
    ),
    thresholds={"stuck": HALF_LEFT, "otherwise": A_THIRD},
    source="Krogh & Hertz (NIPS 1991), for the measure",
    explains=("LR_TOO_HIGH", *symptoms.OF_THE_GRADIENT, "UNDERFIT"),
)

UPDATE_LOST_TO_ROUNDING = FindingKind(
    code="UPDATE_LOST_TO_ROUNDING",
    means="the steps are smaller than the weights can tell apart: they change nothing",
    remedy="keep the weights in float32 and compute in half precision (autocast)",
    severity=Severity.WARNING,
    area=Area.STEP,
    order=290,
    evidence=(
        "{lost:.0%} of the weights with a gradient are to the bit as before the step, of "
        "half precision or {far} times a fresh weight's size; or are back there before the "
        "next one"
    ),
    thresholds={"lost": LOST, "far": FAR},
    source="Micikevicius et al., Mixed precision training (ICLR 2018), section 3.1",
    explains=("LR_TOO_LOW", "UNDERFIT"),
)

OVER_CLIPPING = FindingKind(
    code="OVER_CLIPPING",
    means="clipping shrinks the gradient a thousandfold or more at every step",
    remedy="raise the clipping norm to that of a typical gradient",
    severity=Severity.WARNING,
    area=Area.STEP,
    order=360,
    evidence=(
        "with a plateaued loss, gradients {plateaued} times as large before clipping, or "
        "{bounded:.0%} of their numbers of the largest size; {always} times for info"
    ),
    thresholds={"plateaued": CLIPPED_WITH_HARM, "bounded": MOST, "always": CLIPPED},
    source="Pascanu et al. (ICML 2013)",
    explains=("LR_TOO_LOW", "UNDERFIT"),
)


@rule(UPDATE_LOST_TO_ROUNDING)
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
        yield found(UPDATE_LOST_TO_ROUNDING, "optimiser", 0, evidence, severity=severity)


@rule(UPDATE_LOST_TO_ROUNDING)
def undone_updates(chart: Chart) -> Iterator[Finding]:
    """Steps that are made, and then undone before the next pass: weights rounded, or put back."""
    back = [float(sample.between[0]) for sample in chart.history if sample.between is not None]
    if len(back) >= 3 and float(np.median(back)) > LOST:
        severity = None if chart.went.is_stuck else Severity.INFO
        evidence = {"moved weights that are back where they were": float(np.median(back))}
        yield found(
            UPDATE_LOST_TO_ROUNDING, "between two steps", 0, evidence, severity=severity, remedy=KEEP_APART
        )


@rule(OVER_CLIPPING)
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
        yield found(OVER_CLIPPING, "optimiser", 0, evidence, severity=None if stuck else Severity.INFO)
    elif stuck and bounded > MOST:
        yield found(OVER_CLIPPING, "gradients", 0, {"numbers of a gradient of the largest size": bounded})


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


@rule(EXCESS_WEIGHT_DECAY)
def weight_decay(chart: Chart) -> Iterator[Finding]:
    """Weights that are emptied, by whose hand it is known."""
    stuck = chart.went.is_stuck or chart.went.is_at_chance
    weights = _total(chart.history.tensors("weight")) if len(chart.history) else np.zeros(0)
    hands, known = _who_shrinks(chart), len(weights) >= FEWEST
    shrunk = known and weights[0] > 0 and weights[-1] < (HALF_LEFT if stuck else A_THIRD) * weights[0]
    if hands and known and weights[0] > 0 and (shrunk or BY_HAND in hands) and not chart.went.has_learnt:
        evidence = {"weights at the end / at the start": float(weights[-1] / weights[0]), **hands}
        severity = None if stuck and shrunk else Severity.INFO
        yield found(EXCESS_WEIGHT_DECAY, "optimiser", 0, evidence, severity=severity)


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
