"""Signal and gradient from layer to layer: they grow or vanish before the network can learn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import AUTOTRAINER, GLOROT
from levinthal.clinic.rules.collapse import falls_at_once
from levinthal.clinic.rules.context import Context, typical
from levinthal.vocabulary import Finding, Severity

GROWN = 1e3
"""Gradient per weight, first over last matrix, above which it explodes."""
GROWN_THROUGH_TIME = 1e3
"""A recurrence's gain to the power of its length, above which it explodes."""
FALLEN = 1e-3
"""Gradient per weight, first over last matrix, below which it vanishes."""
GROWTH = 30.0
"""Growth of the signal over the layers of the first pass."""
ON_THE_WAY = 3.0
"""Growth with and without the last layer: both have to exceed it."""
SHRUNK = 1e-3
"""Last over first layer's signal below which it vanishes."""
ROUNDING = 1e-4
"""Gradient of a bias over that of its weights, below which it is zero but for rounding."""
TOO_LARGE = 10.0
"""Times the chance level above which a first loss shows degraded training."""

EXPLODING_GRADIENT = FindingKind(
    code="EXPLODING_GRADIENT",
    means="signal or gradient grows from layer to layer before any step is taken",
    remedy="normalise the layers, or scale the initial weights down",
    severity=Severity.WARNING,
    area=Area.GRADIENT,
    order=240,
    evidence=(
        "the signal grows {signal} times over the layers at the first pass, or the gradient "
        "{gradient} times, or a recurrence's gain to the power of its length is above {recurrence}, "
        "and degraded training"
    ),
    thresholds={"signal": GROWTH, "gradient": GROWN, "recurrence": GROWN_THROUGH_TIME},
    source=f"Pascanu et al. (ICML 2013); {AUTOTRAINER}",
    explains=(
        *symptoms.COLLAPSE,
        "FIRST_LOSS_TOO_LARGE",
        "LR_TOO_HIGH",
        "NON_FINITE_LOSS",
        "DEAD_RELU",
        "OVER_CLIPPING",
        "UNDERFIT",
    ),
)

VANISHING_GRADIENT = FindingKind(
    code="VANISHING_GRADIENT",
    means="the gradient falls from layer to layer towards the input: early layers do not learn",
    remedy="ReLU or tanh with Kaiming or Xavier weights, residual connections, or normalisation",
    severity=Severity.WARNING,
    area=Area.GRADIENT,
    order=330,
    evidence=(
        "gradient per weight of the first matrix over that of the last below {fallen}; or the same ratio of "
        "the gradients of the biases (without those below {rounding} of the gradient of their weights); or "
        "of the signal (below {signal}); and training plateaued"
    ),
    thresholds={"fallen": FALLEN, "rounding": ROUNDING, "signal": SHRUNK},
    source=f"{GLOROT}; {AUTOTRAINER}",
    explains=(*symptoms.COLLAPSE, "LR_TOO_LOW", "UNDERFIT"),
)


@rule(EXPLODING_GRADIENT, VANISHING_GRADIENT)
def gradient_flow(context: Context) -> Iterator[Finding]:
    """The gradient grows or falls from the last layer to the first: that of the weights, per weight, or that
    of the biases. The bias gradient also falls where a weak signal hides this in the weights.
    """
    matrices, trend = context.setup.matrices(), context.trend
    if len(context.history) < 3:
        return
    sizes = np.sqrt([context.setup.parameters[i].numel() for i in matrices])
    usual = typical(context.history.tensors("gradient")[:, matrices] / sizes, 0)
    ratio = first_over_last(usual)
    at_once = falls_at_once(context.history, plateaued=trend.has_plateaued)
    biases = 1.0 if at_once else first_over_last(bias_gradients(context))
    evidence = {"gradient of first / last matrix": ratio, "layers": int(np.isfinite(usual).sum())}
    where = f"{context.setup.names[matrices[0]]} to {context.setup.names[matrices[-1]]}" if matrices else ""
    if ratio > GROWN:
        severity = None if trend.is_degraded else Severity.INFO
        yield found(EXPLODING_GRADIENT, where, 0, evidence, severity=severity)
    elif min(ratio, biases) < FALLEN:
        severity = None if trend.has_plateaued else Severity.INFO
        evidence |= {"bias gradient of first / last layer": biases} if biases < FALLEN else {}
        yield found(VANISHING_GRADIENT, where, 0, evidence, severity=severity)


def first_over_last(usual: np.ndarray) -> float:
    """The first known number over the last; 1 where fewer than three are known.

    >>> first_over_last(np.array([1.0, np.nan, 2.0, 4.0])), first_over_last(np.array([1.0, 4.0]))
    (0.25, 1.0)
    """
    known = usual[np.isfinite(usual)]
    return float(known[0] / known[-1]) if len(known) >= 3 and known[-1] > 0 else 1.0


def bias_gradients(context: Context) -> np.ndarray:
    """(weighted layers,) the median gradient of each weighted layer's bias, over the detailed samples."""
    seen = [s.bias_gradients for s in context.history if s.bias_gradients is not None]
    kinds = context.history.layer_names
    biases = {f"{name}.bias" for name, kind in kinds.items() if is_weighted(kind)}
    places = [i for i, name in enumerate(context.setup.names) if name in biases]
    if len(seen) < 3 or not places:
        return np.zeros(0)
    usual = typical(np.array([row.cpu().double().numpy() for row in seen])[:, places], 0)
    weights = _weight_gradients(context, [context.setup.names[i].removesuffix("bias") for i in places])
    # before batch norm, and of keys, it is zero but for rounding, because the loss does not see a shift
    return np.where(usual < ROUNDING * weights, np.nan, usual)


def _weight_gradients(context: Context, layers: Sequence[str]) -> np.ndarray:
    """(layers,) root mean square of the gradient of each layer's largest matrix; 0 where it is unknown."""
    names, parameters = context.setup.names, context.setup.parameters
    usual = np.nan_to_num(typical(context.history.tensors("gradient"), 0))
    roots = usual / np.sqrt([max(p.numel(), 1) for p in parameters])
    held = [[r for n, r in zip(names, roots, strict=True) if n.startswith(layer)] for layer in layers]
    return np.array([max(roots_of_layer, default=0.0) for roots_of_layer in held])


@rule(EXPLODING_GRADIENT, VANISHING_GRADIENT)
def signal_growth(context: Context) -> Iterator[Finding]:
    """The signal grows or vanishes from layer to layer in the first pass, so no learning rate caused it."""
    first = context.history.samples[0] if len(context.history) else None
    layers = zip(first.kinds, first.layers, strict=True) if first else ()
    scales = [float(read.norm) / math.sqrt(max(read.count, 1)) for kind, read in layers if is_weighted(kind)]
    if len(scales) < 3 or not scales[0] > 0:
        return
    growth, before_last, trend = scales[-1] / scales[0], scales[-2] / scales[0], context.trend
    evidence = {"signal of last / first layer": max(growth, before_last), "first loss": trend.start}
    where = f"{context.setup.names[0]} to {context.setup.names[-1]}"
    # neither one large last layer nor one large layer before it is an explosion
    grows = min(growth, before_last) > ON_THE_WAY and max(growth, before_last) > GROWTH
    far_above = bool(np.any(context.history.task_losses[:1] > TOO_LARGE * trend.chance))
    if grows and (trend.is_degraded or far_above):
        severity = Severity.INFO if trend.has_learnt or not trend.known else None
        yield found(EXPLODING_GRADIENT, where, 0, evidence, severity=severity)
    elif growth < SHRUNK and trend.has_plateaued:
        yield found(VANISHING_GRADIENT, where, 0, evidence)


def is_weighted(kind: str) -> bool:
    """Whether a kind of layer computes weighted sums.

    >>> is_weighted("Conv2d"), is_weighted("ReLU")
    (True, False)
    """
    return kind.startswith(("Linear", "Conv", "NonDynamically"))
