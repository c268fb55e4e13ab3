"""Updates lost to rounding or clipping, and weights that decay."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.context import Context, typical
from levinthal.clinic.rules.loss_function import SCALED
from levinthal.clinic.rules.loss_terms import other_terms
from levinthal.clinic.rules.loss_trend import FEWEST
from levinthal.vocabulary import Finding, Severity

LOST = 0.5
"""Share of the weights that a step leaves unchanged."""
FAR = 100.0
"""Times the size of a fresh weight, above which rounding removes steps in float32 too."""
USE_A_COPY = "keep the weights as the optimiser left them, and round (or restore) a copy for the forward pass"
CLIPPED = 1e3
"""Gradient before over after clipping, above which clipping is info."""
CLIPPED_PLATEAUED = 10.0
"""The same in training that has plateaued, where it is a warning."""
MOST = 0.5
"""Share of a gradient's numbers that have its largest absolute value, as after clamping."""
HALF_LEFT = 0.5
"""Norm of the weights at the end over that at the start, in training that has plateaued."""
THIRD_LEFT = 1 / 3
"""The same otherwise."""
GAINS_LEFT = 0.1
"""Size of a norm's gains at the end over that at the start; gains of a tenth still pass a signal on."""
PENALTY = 0.1
"""Explicit penalty over the loss at the start, above which it counts."""
SHRUNK_OUTSIDE = 1e-2
"""Share of the norm that an update outside `optimizer.step()` has to remove."""
OUTSIDE_STEP = "weights after / before an update outside optimizer.step()"

EXCESS_WEIGHT_DECAY = FindingKind(
    code="EXCESS_WEIGHT_DECAY",
    means="weight decay shrinks the weights faster than the gradient grows them",
    remedy="lower `weight_decay`",
    severity=Severity.WARNING,
    area=Area.STEP,
    order=250,
    evidence=(
        "weights fall to {plateaued:.0%} while the loss stays at chance level (info: to {otherwise:.0%}),"
        " with weight decay, an explicit penalty in the loss, or an update outside `optimizer.step()`"
        " that shrinks them; or gains of norms fall to {gains:.0%} of their size under weight decay"
    ),
    thresholds={"plateaued": HALF_LEFT, "otherwise": THIRD_LEFT, "gains": GAINS_LEFT},
    source="Krogh & Hertz (NIPS 1991), for the measure",
    explains=("LR_TOO_HIGH", "LR_TOO_LOW", *symptoms.OF_THE_GRADIENT, "UNDERFIT"),
)

UPDATE_LOST_TO_ROUNDING = FindingKind(
    code="UPDATE_LOST_TO_ROUNDING",
    means="the steps are smaller than the rounding of the weights: they change nothing",
    remedy="keep the weights in float32 and compute in half precision (autocast)",
    severity=Severity.WARNING,
    area=Area.STEP,
    order=290,
    evidence=(
        "{lost:.0%} of the weights with a gradient are unchanged by a step, in half precision or at "
        "{far} times the size of a fresh weight; or have their old value again before the next step"
    ),
    thresholds={"lost": LOST, "far": FAR},
    source="Micikevicius et al., Mixed precision training (ICLR 2018), section 3.1",
    explains=("LR_TOO_LOW", "UNDERFIT"),
)

UNSCALE = "the scaled gradient is clipped: call `scaler.unscale_(optimizer)` before `clip_grad_norm_`"
OVER_CLIPPING = FindingKind(
    code="OVER_CLIPPING",
    means="clipping shrinks the gradient to a small part at every step",
    remedy="raise the clipping norm to that of a typical gradient",
    severity=Severity.WARNING,
    area=Area.STEP,
    order=360,
    evidence=(
        "training plateaued, gradients {plateaued} times as large before clipping, or "
        "{bounded:.0%} of their numbers at the largest absolute value; {always} times for info"
    ),
    thresholds={"plateaued": CLIPPED_PLATEAUED, "bounded": MOST, "always": CLIPPED},
    source="Pascanu et al. (ICML 2013)",
    explains=("LR_TOO_LOW", "UNDERFIT"),
)


@rule(UPDATE_LOST_TO_ROUNDING)
def lost_updates(context: Context) -> Iterator[Finding]:
    """Steps that rounding removes: in half precision, or for weights far larger than fresh ones. For ordinary
    weights in float32 only a learning rate that is too low makes steps so small.
    """
    same, gradients = context.history.tensors("unchanged"), context.history.tensors("gradient")
    if len(same) < 3:
        return
    rates = np.array([s.rates for s in context.history if s.rates])
    half = np.array([p.dtype in (torch.float16, torch.bfloat16) for p in context.setup.parameters])
    fresh = np.array([math.sqrt(max(len(p) if p.dim() else 1, 1) / 3) for p in context.setup.parameters])
    far = typical(context.history.tensors("weight"), 0) > FAR * fresh
    usual = typical(same, 0)
    moving = (half | far) & (typical(gradients, 0) > 0) & (rates.max(0) > 0) & np.isfinite(usual)
    if not moving.any():
        return
    sizes = np.array([p.numel() for p in context.setup.parameters])[moving]
    share = float(np.average(usual[moving], weights=sizes))
    if share > LOST:
        severity = None if context.trend.has_plateaued else Severity.INFO
        evidence = {"share of weights unchanged by a step": share}
        yield found(UPDATE_LOST_TO_ROUNDING, "optimiser", 0, evidence, severity=severity)


@rule(UPDATE_LOST_TO_ROUNDING)
def undone_updates(context: Context) -> Iterator[Finding]:
    """Steps that are made and then undone before the next pass: weights rounded or restored."""
    back = [
        float(sample.external_update[0]) for sample in context.history if sample.external_update is not None
    ]
    if len(back) >= 3 and float(np.median(back)) > LOST:
        severity = None if context.trend.has_plateaued else Severity.INFO
        evidence = {"share of changed weights with their old value again": float(np.median(back))}
        yield found(
            UPDATE_LOST_TO_ROUNDING, "between two steps", 0, evidence, severity=severity, remedy=USE_A_COPY
        )


@rule(OVER_CLIPPING)
def over_clipping(context: Context) -> Iterator[Finding]:
    """Gradients far smaller at the step than after backward, but not by a power of 2 as from a loss scaler;
    or gradients most of whose numbers have the largest absolute value, as after clamping.
    """
    before, after = (_total(context.history.tensors(column)) for column in ("before_clipping", "gradient"))
    if len(after) < 3 or not np.all((after > 0) & np.isfinite(after) & np.isfinite(before)):
        return
    plateaued, ratio, bounded = (
        context.trend.has_plateaued,
        float(np.median(before / after)),
        _bounded(context.history),
    )
    if ratio > (CLIPPED_PLATEAUED if plateaued else CLIPPED) and not _is_a_power_of_two(ratio):
        evidence, scale = {"gradient before / after": ratio}, _loss_scale(context.history)
        severity, remedy = None if plateaued else Severity.INFO, ""
        if scale > SCALED:
            evidence, remedy = evidence | {"loss scale": scale}, UNSCALE
        yield found(OVER_CLIPPING, "optimiser", 0, evidence, severity=severity, remedy=remedy)
    elif plateaued and bounded > MOST:
        yield found(
            OVER_CLIPPING,
            "gradients",
            0,
            {"share of gradient numbers at the largest absolute value": bounded},
        )


def _loss_scale(history: History) -> float:
    """The median of the value that backward is called on, over that of the loss function; 1 where unknown."""
    pairs = [(s.loss, s.losses[0].value) for s in history if s.loss is not None and s.losses]
    known = [(float(loss), float(value)) for loss, value in pairs if value is not None and float(value)]
    return float(np.median([abs(loss / value) for loss, value in known])) if known else 1.0


def _is_a_power_of_two(ratio: float) -> bool:
    """Whether a ratio is a power of two, as those of a loss scaler are."""
    return abs(math.log2(ratio) - round(math.log2(ratio))) <= 1e-4


def _bounded(history: History) -> float:
    """The median share of a gradient's numbers that are as large as its largest; 0 where it is unknown, or
    where the gradients' largest numbers differ and so share no bound.
    """
    seen = [sample.bounded.cpu().double().numpy() for sample in history if sample.bounded is not None]
    usual = [float(typical(share)) for top, share in seen if _is_shared(top[share > MOST])]
    return float(np.median(usual)) if len(usual) >= 3 and len(usual) > len(seen) / 2 else 0.0


def _is_shared(bounds: np.ndarray) -> bool:
    """Whether several gradients have the same largest number."""
    return len(bounds) > 1 and bool(bounds.max() <= bounds.min() * (1 + 1e-3))


def _total(norms: np.ndarray) -> np.ndarray:
    """(samples,) norm over all parameters."""
    return np.asarray(np.sqrt(np.nansum(norms**2, 1)))


@rule(EXCESS_WEIGHT_DECAY)
def weight_decay(context: Context) -> Iterator[Finding]:
    """Weights that shrink towards zero, where the cause is known."""
    plateaued = context.trend.has_plateaued or context.trend.is_at_chance
    weights = _total(context.history.tensors("weight")) if len(context.history) else np.zeros(0)
    causes, known = _shrinking_causes(context), len(weights) >= FEWEST
    shrunk = known and weights[0] > 0 and weights[-1] < (HALF_LEFT if plateaued else THIRD_LEFT) * weights[0]
    if context.trend.has_learnt or not (causes and known and weights[0] > 0):
        return
    if context.history.not_finite and not weights[-1]:
        return  # no weight has a norm
    if shrunk or OUTSIDE_STEP in causes:
        evidence = {"weights at the end / at the start": float(weights[-1] / weights[0]), **causes}
        severity = None if plateaued and shrunk else Severity.INFO
        yield found(EXCESS_WEIGHT_DECAY, "optimiser", 0, evidence, severity=severity)


def _shrinking_causes(context: Context) -> dict[str, float]:
    """What shrinks the weights: weight decay, an explicit penalty in the loss, an update outside the step."""
    history, causes = context.history, {}
    groups = [group for group in context.setup.groups() if group]
    decays = [_number(v) for group in groups for name, v in group.items() if "decay" in name]
    if max(decays, default=0) > 0:
        causes["weight decay"] = max(decays)
    penalties = other_terms(history)
    known = len(penalties) > 0 and bool(np.isfinite(penalties).all())
    if known and float(penalties[0]) > PENALTY * context.trend.start:
        causes["penalty in the first loss"] = float(penalties[0])
    left = [float(s.external_update[1]) for s in history if s.external_update is not None]
    if left and float(np.median(left)) < 1 - SHRUNK_OUTSIDE:
        causes[OUTSIDE_STEP] = float(np.median(left))
    return causes


def _number(value: object) -> float:
    """A number in an optimiser's parameter group; 0 for anything else (`decoupled_weight_decay=True`)."""
    plain = value.item() if isinstance(value, torch.Tensor) and value.numel() == 1 else value
    return float(plain) if isinstance(plain, int | float) and not isinstance(plain, bool) else 0.0
