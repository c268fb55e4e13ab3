"""What one kind of network comes down to, seed by seed: how far a layer falls, when it saturates, errors."""

from __future__ import annotations

import math

import numpy as np

from levinthal.lab.analysis.curves import Curve, curves
from levinthal.lab.storage.rows import Rows

STANDARD, NORMALISED, ORTHOGONAL = "fan_in_uniform", "normalised_uniform", "orthogonal"
EARLY = 1500  # updates within which the top layer is to saturate
FLAT = 0.9  # 2 % of a layer's activations beyond it: the layer saturates


def arm(rows: Rows, unit: str, start: str = STANDARD, hidden: int = 4, labels: str = "true") -> Rows:
    """The rows of one kind of network."""
    return rows.where(activation=unit, start=start, hidden=hidden, labels=labels)


def trains(steps: int) -> bool:
    """Whether a cell with so many steps trains its networks."""
    return steps > 0


def traces(rows: Rows, name: str, layer: int) -> dict[int, Curve]:
    """Seed -> a statistic of a layer over training."""
    return curves(rows, name=name, layer=f"{layer}")


def fall(rows: Rows, layer: int) -> dict[int, float]:
    """Seed -> how far below 1/2 a layer's mean activation gets within the first updates."""
    return {
        seed: 0.5 - float(mean[steps <= EARLY].min())
        for seed, (steps, mean) in traces(rows, "mean", layer).items()
    }


def rise(rows: Rows, layer: int) -> dict[int, float]:
    """Seed -> how far a layer's mean activation is, at the end, above the lowest it has been."""
    return {seed: float(mean[-1] - mean.min()) for seed, (_, mean) in traces(rows, "mean", layer).items()}


def returned(rows: Rows, layer: int) -> dict[int, float]:
    """As `rise`, but NaN where the layer is at its lowest when the run ends: it may still come back."""
    low = {
        seed: int(mean.argmin()) == len(mean) - 1 for seed, (_, mean) in traces(rows, "mean", layer).items()
    }
    return {seed: math.nan if low[seed] else value for seed, value in rise(rows, layer).items()}


def later(rows: Rows) -> dict[int, float]:
    """Seed -> log2 of how much later the fourth layer saturates than the first; 0 if neither does."""
    first, last = (traces(rows, "p98", layer) for layer in (1, 4))
    return {seed: math.log2(saturates(last[seed]) / saturates(first[seed])) for seed in first}


def saturates(curve: Curve) -> float:
    """The first update read at which 2 % of a layer lie beyond 0.9, from 1; never is twice the run."""
    steps, level = curve
    beyond = np.flatnonzero(level > FLAT)
    return float(max(steps[beyond[0]], 1)) if len(beyond) else 2.0 * float(steps[-1])


def kept(rows: Rows, start: str) -> dict[int, float]:
    """Seed -> log2 of the fourth layer's standard deviation over the first's, a layer, before training."""
    found = arm(rows, "tanh", start).where(name="sd", step=0)
    if not len(found):
        return {}
    found = found.where(rate=min(found.distinct("rate")))
    first, last = (found.by_seed(layer=layer) for layer in ("1", "4"))
    return {seed: math.log2(last[seed] / first[seed]) / 3 for seed in first}


def singular(rows: Rows, start: str) -> dict[int, float]:
    """Seed -> average singular value of a layer's Jacobian, before training, over the layers."""
    found = arm(rows, "tanh", start).where(name="singular_value")
    return {seed: float(one.values().mean()) for (seed,), one in found.group_by("seed").items()}
