"""Numbers of one network, and readings of them at the learning rate that trains a kind of network best.

The paper chooses the learning rate of each model by its error, so the claims are read there. A grid that
trains no network of a kind, or whose best learning rate is on its edge, decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from levinthal.lab.analysis import Effect, Reading, best_at_end, mean_by_seed
from levinthal.lab.analysis.curves import Curve, curves
from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.analysis.rates import BestRate
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.last_layer_saturation.design import (
    EARLY,
    NAMES,
    SATURATED,
    Arm,
    arm,
    initial_rows,
    trains,
)

Number = Callable[[Rows], BySeed]
FALLEN = 0.35
"""A mean activation this far below 1/2 is a saturated layer: seven tenths of the way to 0."""
SPREAD = 0.02
"""A spread over images this far above its lowest level has left saturation.

The mean cannot tell: a trained layer of which one unit in ten is active has a mean of .1. The standard
deviation over units and images cannot either: a unit that is stuck at 1 for every image raises it.
"""
OVER_IMAGES = "image_sd"
"""The standard deviation of a unit's activation over images, mean over the units of a layer."""
UNTRAINED = 0.45
"""An arm whose best test error is above this, half of the error of guessing, trains at no learning rate."""


def traces(rows: Rows, name: str, layer: int) -> dict[int, Curve]:
    """Seed -> a statistic of a layer over training."""
    return curves(rows, name=name, layer=f"{layer}")


def fall(rows: Rows, layer: int = 4) -> dict[int, float]:
    """Seed -> how far below 1/2 a layer's mean activation gets within the first updates, and stays."""
    return {seed: 0.5 - lasting_low(curve) for seed, curve in traces(rows, "mean", layer).items()}


def lasting_low(curve: Curve, within: float = EARLY) -> float:
    """The lowest level that two readings in a row reach, the first of them within so many updates."""
    steps, level = curve
    both = np.maximum(level[:-1], level[1:])[steps[:-1] <= within]
    return float(both.min()) if len(both) else float(level[0])


def fall_below(rows: Rows, layer: int = 4) -> dict[int, float]:
    """Seed -> the largest `fall` of the layers below a layer."""
    found = [fall(rows, below) for below in range(1, layer)]
    return {seed: max(one[seed] for one in found) for seed in found[0]}


def rise(rows: Rows, layer: int = 4) -> dict[int, float]:
    """Seed -> how far the spread of a layer over images ends above its lowest level, each at two readings in
    a row.
    """
    return {seed: lasting_rise(curve) for seed, curve in traces(rows, OVER_IMAGES, layer).items()}


def lasting_rise(curve: Curve) -> float:
    """The lower of the last two readings, less the low of two in a row."""
    return float(curve[1][-2:].min()) - lasting_low(curve, math.inf)


def saturation(mean: Curve, spread: Curve) -> int | None:
    """The second of the first two readings in a row at which a layer is saturated: near 0 for every image.

    The mean alone does not tell it, and neither does the spread: an untrained layer of a deep network has
    next to none.
    """
    low = _is_saturated(mean, spread)
    both = np.flatnonzero(low[:-1] & low[1:])
    return int(both[0]) + 1 if len(both) else None


def _is_saturated(mean: Curve, spread: Curve) -> np.ndarray:
    """(readings,) whether a layer is near 0 for every image."""
    return np.asarray((mean[1] <= 0.5 - FALLEN) & (spread[1] <= SPREAD / 2))


def brief_saturations(rows: Rows, layer: int) -> set[int]:
    """The seeds whose layer is saturated at single readings, never at two in a row, and leaves after one."""
    means, found = traces(rows, "mean", layer), set[int]()
    for seed, (steps, spread) in traces(rows, OVER_IMAGES, layer).items():
        low = np.flatnonzero(_is_saturated(means[seed], (steps, spread)))
        is_lasting = saturation(means[seed], (steps, spread)) is not None
        if len(low) and not is_lasting and spread[low[0] :].max() - spread[low].min() >= SPREAD:
            found.add(seed)
    return found


def escapes(rows: Rows, layer: int, end: Callable[[Curve], float]) -> dict[int, float]:
    """Seed -> how far the spread of a layer over images rises from saturation to a number of the readings
    after it; NaN where the layer is never saturated.
    """
    means, found = traces(rows, "mean", layer), dict[int, float]()
    for seed, (steps, spread) in traces(rows, OVER_IMAGES, layer).items():
        at = saturation(means[seed], (steps, spread))
        found[seed] = math.nan if at is None else end((steps[at:], spread[at:])) - float(spread[at])
    return found


def escape(rows: Rows, layer: int) -> dict[int, float]:
    """Seed -> how far the spread of a saturated layer ever rises; NaN where it is never saturated.

    It counts to the highest reading: readings are a factor of 1.4 or more apart, and a layer that leaves
    saturation may return to it.
    """
    return escapes(rows, layer, lambda after: float(after[1].max()))


def desaturation(rows: Rows, layer: int = 4) -> dict[int, float]:
    """Seed -> how far the spread of a saturated layer ends above that in saturation, the lower of the last
    two readings; NaN where it is never saturated.
    """
    return escapes(rows, layer, lambda after: float(after[1][-2:].min()))


def stays(rows: Rows, layer: int) -> dict[int, float]:
    """Seed -> 1 if the spread of a saturated layer never rises, 0 if by `SPREAD`; NaN if not saturated.

    Without the limits at 0 and 1 a few seeds that rise or fall far would count for the others.
    """
    return {
        seed: min(max(1 - risen / SPREAD, 0.0), 1.0) if risen == risen else math.nan
        for seed, risen in escape(rows, layer).items()
    }


def lag(rows: Rows, layer: int = 4, below: int = 1) -> dict[int, float]:
    """Seed -> log2 of the update at which a layer saturates over that of one below; 0 if neither does."""
    first, last = (traces(rows, "p98", one) for one in (below, layer))
    return {seed: math.log2(saturates(last[seed]) / saturates(first[seed])) for seed in first}


def saturated_lag(rows: Rows, layer: int, below: int) -> dict[int, float]:
    """As `lag`; NaN where the layer never saturates, or one of the two does before training.

    A bound would stand for the time of a layer that never saturates, and could be the whole lag.
    """
    first, last = (traces(rows, "p98", one) for one in (below, layer))
    levels = {seed: np.array([first[seed][1], last[seed][1]]) > SATURATED for seed in first}
    seen = {seed: beyond[1].any() and not beyond[:, 0].any() for seed, beyond in levels.items()}
    return {seed: number if seen[seed] else math.nan for seed, number in lag(rows, layer, below).items()}


def shown_lag(rows: Rows, layer: int, below: int) -> dict[int, float]:
    """As `lag`; 0 where the layer never saturates, or one of the two does before training.

    A bound on its time, or a time before the first update, is no order that was seen.
    """
    found = saturated_lag(rows, layer, below)
    return {seed: 0.0 if math.isnan(number) else number for seed, number in found.items()}


def saturated_layers(rows: Rows) -> dict[int, float]:
    """Seed -> how many of four layers saturate at any reading."""
    layers = [traces(rows, "p98", layer) for layer in range(1, 5)]
    return {seed: float(sum((one[seed][1] > SATURATED).any() for one in layers)) for seed in layers[0]}


def saturates(curve: Curve) -> float:
    """The first update read at which 2 % of a layer lie beyond 0.9, from 1; never is twice the run."""
    steps, level = curve
    beyond = np.flatnonzero(level > SATURATED)
    return float(max(steps[beyond[0]], 1)) if len(beyond) else 2.0 * float(steps[-1])


def spread_ratio(rows: Rows, start: str) -> dict[int, float]:
    """Seed -> log2 of the factor of a layer of tanh on the spread of activations, before training."""
    found = initial_rows(rows, start).where(name="sd")
    found = found.where(rate=min(found.distinct("rate"), default=0))
    first, last = (found.by_seed(layer=layer) for layer in ("1", "4"))
    return {seed: math.log2(last[seed] / first[seed]) / 3 for seed in first}


def variance_change(rows: Rows, start: str) -> dict[int, float]:
    """Seed -> |log2| of the factor on the variance from a layer of tanh to the next, mean over layers."""
    found = initial_rows(rows, start).where(name="sd")
    found = found.where(rate=min(found.distinct("rate"), default=0))
    layers = [found.by_seed(layer=f"{layer}") for layer in range(1, 5)]
    return {
        seed: float(np.abs(np.diff(np.log2([one[seed] ** 2 for one in layers]))).mean()) for seed in layers[0]
    }


def singular_value(rows: Rows, start: str) -> dict[int, float]:
    """Seed -> average singular value of a layer's Jacobian, before training, over the layers of tanh."""
    return mean_by_seed(initial_rows(rows, start).where(name="singular_value"))


def best(rows: Rows, kind: Arm) -> BestRate | None:
    """The learning rate that trains a kind of network best; None if none does, or of fewer than three."""
    found = best_at_end(arm(rows, *kind), "error", steps=trains)
    learnt = found is not None and np.median(list(found.scores.values())) <= UNTRAINED
    return found if learnt else None


def at_best(number: Number, kind: Arm, *rates_of: Arm) -> Reading:
    """A number of one kind of network at its best learning rate, or at that of the first kind that trains.

    NaN, a seed that failed, where no learning rate of the grid trains any of them.
    """

    def read(rows: Rows) -> Effect:
        found = [rate for one in (rates_of or (kind,)) if (rate := best(rows, one))]
        if not found:
            seeds = arm(rows, *kind).where(name="error", steps=trains).distinct("seed")
            return Effect(dict.fromkeys(seeds, math.nan))
        nets = arm(rows, *kind).where(rate=found[0].rate, steps=trains)
        return Effect(number(nets), (found[0].rate,), found[0].at_edge)

    return read


def untrained(*kinds: Arm) -> Callable[[Rows], Iterator[str]]:
    """A note on each kind of network that no learning rate of the grid trains."""

    def notes(rows: Rows) -> Iterator[str]:
        for kind in kinds:
            unit, start, hidden, _ = kind
            if len(arm(rows, *kind).where(name="error", steps=trains)) and best(rows, kind) is None:
                yield (
                    f"No learning rate of the grid trains {hidden} hidden layers of {unit}, {NAMES[start]}: "
                    "their lowest median test error is above 45 %."
                )

    return notes
