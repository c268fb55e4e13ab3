"""The state of a signal: vanishing, saturated, chaotic, exploding or healthy.

    the squared gradient, over the depth of the network
      shrinks below 1e-6      saturated if most units are in their saturated region, else vanishing
      grows beyond 1e6        exploding if the forward signal grows too, else chaotic
      neither                 saturated if most units are in their saturated region, else healthy

A deep network of sigmoids shows the need for the second criterion. With weights N(0, 1/n) its gradient
vanishes and no unit is saturated. With weights N(0, 1) most units are saturated, and the few others carry a
gradient of the usual size. Thresholds are 1e-3 and 1e3 for the norm, and half of the units (after
AutoTrainer: Zhang et al. 2021). Their rate of false alarms on healthy networks has not been measured yet.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import dropwhile
from statistics import median

from levinthal.probes.signal import Layer, Signal
from levinthal.vocabulary import Estimate, Interval

STATES = ("healthy", "vanishing", "saturated", "chaotic", "exploding")
LOG10_RATIO = 3.0
SATURATED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class SignalState:
    """One of STATES, the layer that shows it most, the reason, and the numbers behind it."""

    state: str
    where: str
    why: str
    evidence: Mapping[str, Estimate]


def signal_state(
    found: Signal, *, log10_ratio: float = LOG10_RATIO, saturated_share: float = SATURATED_SHARE
) -> SignalState:
    """Classify a signal. Saturation is judged on hidden activations that saturate at both ends.

    Args:
        found: what `signal` measured.
        log10_ratio: threshold of |log10| of the gradient norm's ratio over the depth.
        saturated_share: threshold of the median share of saturated units.

    Returns:
        The state, its layer, the reason in one sentence, and the evidence as Estimates.
    """
    evidence = _evidence(found)
    change = evidence["gradient_change"]
    hidden = saturating(found)
    worst = max(hidden, key=_saturated, default=None)
    share = median(map(_saturated, hidden)) if hidden else 0.0
    first = found.layers[0].name
    is_saturated = share > saturated_share and worst is not None
    saturation = f"half the activations have more than {share:.0%} of their units in the saturated region"
    if not math.isfinite(found.loss) or change.value == math.inf:
        return SignalState("exploding", _first_infinite(found), "a number is not finite", evidence)
    if found.depth < 2 and any(float(layer.backward_scale) > 0 for layer in found.layers):
        return SignalState("healthy", "", "in one weight layer a gradient cannot vanish", evidence)
    if math.isnan(change.value):
        return SignalState("vanishing", first, "no gradient arrives at all", evidence)
    ratio = f"the gradient changes by 10^{change.value:+.1f} over {_steps(found)} weight layers, to {first}"
    if change.value > log10_ratio:
        grows = found.forward_growth.value * _steps(found) / 2 * math.log10(2) > log10_ratio
        more = "; so does the signal forward" if grows else "; the signal forward does not grow"
        return SignalState("exploding" if grows else "chaotic", first, ratio + more, evidence)
    if is_saturated and worst is not None:
        return SignalState("saturated", worst.name, f"{saturation}; {ratio}", evidence)
    if change.value < -log10_ratio:
        return SignalState("vanishing", first, f"{ratio}; the units are not saturated", evidence)
    return SignalState("healthy", "", ratio, evidence)


def saturating(found: Signal) -> list[Layer]:
    """The hidden activations that saturate at both ends. A later weight layer reads each of them."""
    read = list(dropwhile(lambda layer: not layer.weighted, reversed(found.layers)))
    return [layer for layer in reversed(read) if layer.saturated and layer.tails and layer.tails.saturates]


def _saturated(layer: Layer) -> float:
    return float(layer.saturated or 0)


def _steps(found: Signal) -> int:
    return max(found.depth - (2 if found.depth > 3 else 1), 1)


def _evidence(found: Signal) -> dict[str, Estimate]:
    """The numbers: growth both ways, the change of the norm over the depth, saturated and dead shares."""
    evidence = {"growth": found.growth, "forward_growth": found.forward_growth}
    evidence["gradient_change"] = _scaled(found.growth, _steps(found) / 2 * math.log10(2), "log10 ratio")
    for name in ("saturated", "dead"):
        shares = [(getattr(layer, name), layer) for layer in found.layers if getattr(layer, name)]
        if shares:
            evidence[f"most_{name}"] = max((share for share, _ in shares), key=float)
    return evidence


def _scaled(estimate: Estimate, by: float, unit: str) -> Estimate:
    span = estimate.interval
    scaled = span and Interval(span.low * by, span.high * by, span.level, span.method)
    return Estimate(
        estimate.value * by,
        unit,
        scaled,
        trust=estimate.trust,
        reasons=estimate.reasons,
        details=estimate.details,
    )


def _first_infinite(found: Signal) -> str:
    """The first layer whose signal is not finite, else the last whose gradient is not."""
    forward = [layer.name for layer in found.layers if not math.isfinite(float(layer.forward_scale))]
    backward = [layer.name for layer in found.layers if not math.isfinite(float(layer.backward_scale))]
    return (forward[:1] or backward[-1:] or [found.layers[-1].name])[0]
