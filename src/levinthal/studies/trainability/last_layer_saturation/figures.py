"""The figures: activations over training, what initialisations pass on, and errors over learning rates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from levinthal.lab.analysis import (
    LEARNING_RATES,
    QUARTILES,
    RANGE,
    STEPS,
    Along,
    By,
    Spread,
    caption,
    drawn,
    facets,
    percent,
)
from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.last_layer_saturation.claims.readings import (
    OVER_IMAGES,
    at_best,
    fall,
    lag,
    rise,
    spread_ratio,
)
from levinthal.studies.trainability.last_layer_saturation.design import (
    NAMES,
    NORMALISED,
    STANDARD,
    arm,
    trains,
)
from levinthal.vocabulary import Axis, Figure, Panel

OTHERS = (
    (STANDARD, 5, "true", "5 layers"),
    (STANDARD, 4, "shuffled", "4 layers, labels shuffled"),
    (NORMALISED, 4, "true", "4 layers, normalised initialisation"),
)
MEAN, SPREAD = Axis("mean activation"), Axis("sd of activations over images")
LEVEL = Axis("98th percentile of |activation|")
LAYER_LINES = By("layer", "layer {}".format, scale=lambda layer: (int(layer) - 1) / 4)
LAYER = Along("layer", Axis("hidden layer"), "layer {}".format)
INITS = By("start", NAMES, groups={start: f"{start} start" for start in NAMES})
ACTIVATIONS = By("activation", {name: name for name in ("sigmoid", "tanh", "softsign")})


def figures(rows: Rows) -> Iterator[Figure]:
    """Every figure for which there are rows."""
    if rates := rows.where(name="mean", steps=trains).distinct("rate"):
        yield from drawn((_sigmoids(rows, rates), _spreads(rows), _tanhs(rows)))
    yield from drawn((_passed_on(rows), _errors(rows)))


def _layers(rows: Rows, name: str, y: Axis, words: str) -> tuple[Panel, ...]:
    """A statistic of each layer over training, one panel per learning rate."""
    panels = By("rate", (words + ", learning rate {:g}").format)
    return facets(rows.where(name=name, steps=trains), STEPS, y, LAYER_LINES, panels)


def _sigmoids(rows: Rows, rates: list[float]) -> Figure:
    """The mean activation of every layer: the standard arm at each learning rate, the others at the worst."""
    panels = _layers(arm(rows, "sigmoid"), "mean", MEAN, "4 layers")
    worst = max(rates, key=lambda rate: _median(_at_rates(rows, fall, [rate])[0]))
    for start, hidden, labels, words in OTHERS:
        panels += _layers(arm(rows, "sigmoid", start, hidden, labels).where(rate=worst), "mean", MEAN, words)
    lows = [0.5 - _median(found, 0.5) for found in _at_rates(rows, fall, rates)]
    ups = [max(0.0, _median(found)) for found in _at_rates(rows, rise, rates)]
    title = (
        f"The top layer of sigmoids falls to {min(lows):.2f} within 1,500 updates at one learning rate, "
        f"to {max(lows):.2f} at another; its spread ends {min(ups):.2f} to {max(ups):.2f} above its lowest"
    )
    words = _up_to(arm(rows, "sigmoid").where(steps=trains), "300 test images")
    return Figure("sigmoid-means", title, words, panels)


def _up_to(shown: Rows, *more: str, spread: Spread = QUARTILES) -> str:
    """The caption of a figure whose arms differ in their seeds: as many as the largest has."""
    return caption(shown, spread, *more).replace(" over ", " over up to ", 1)


def _at_rates(rows: Rows, number: Callable[[Rows], BySeed], rates: Iterable[float]) -> list[list[float]]:
    """A number of the standard sigmoid networks, seeds by learning rate."""
    nets = arm(rows, "sigmoid").where(name={"mean", OVER_IMAGES})
    return [list(number(nets.where(rate=rate)).values()) for rate in rates]


def _median(values: list[float], without: float = 0.0) -> float:
    return float(np.median(values or [without]))


def _spreads(rows: Rows) -> Figure:
    """The standard deviation of every layer's activations over images, at each learning rate."""
    panels = _layers(arm(rows, "sigmoid"), OVER_IMAGES, SPREAD, "4 layers")
    ends = [line.y[-1] for panel in panels for line in panel.series if line.name == "layer 4"]
    seen = f"ends between {min(ends):.2g} and {max(ends):.2g}" if ends else "has not run yet"
    if min(ends, default=1) < 0.01:
        seen += ": without spread, the output is the same for all images"
    words = caption(
        arm(rows, "sigmoid").where(steps=trains), QUARTILES, "over 300 images, mean over the units of a layer"
    )
    return Figure(
        "sigmoid-spreads", f"The spread of the top layer of sigmoids over images {seen}", words, panels
    )


def _tanhs(rows: Rows) -> Figure:
    """The 98th percentile of |activation| of every layer, for two initialisations at each learning rate."""
    arms = {start: arm(rows, "tanh", start) for start in (STANDARD, NORMALISED)}
    panels = [panel for start, nets in arms.items() for panel in _layers(nets, "p98", LEVEL, NAMES[start])]
    lags = [
        f"{_times(float(np.median(found)))} ({NAMES[start]})"
        for start in arms
        if (found := list(at_best(lag, ("tanh", start, 4, "true"))(rows).by_seed.values()))
    ]
    seen = f"saturates {', '.join(lags)} as layer 1" if lags else "is not seen to saturate"
    title = f"Layer 4 of tanh {seen}, at the best learning rate"
    shown = rows.where(activation="tanh", steps=trains)
    words = caption(shown, QUARTILES, "saturated: 2 % beyond 0.9")
    return Figure("tanh-levels", title, words, tuple(panels))


def _times(ratio: float) -> str:
    """A log2 ratio of times in words."""
    return f"{2 ** abs(ratio):.1f} times as {'late' if ratio > 0 else 'early'}"


def _passed_on(rows: Rows) -> Figure:
    """The spread of each layer's activations before training, for every initialisation."""
    found = rows.where(name="sd", activation="tanh", hidden=4, labels="true", step=0)
    alone = found.where(steps=0)
    found = alone if len(alone.distinct("start")) > 1 else found
    found = found.where(rate=min(found.distinct("rate"), default=0))
    panels = facets(found, LAYER, Axis("sd of activations", log=True), INITS, spread=RANGE)
    shares = [
        f"{2 ** float(np.mean(list(ratio.values()))):.2f} ({name})"
        for start, name in NAMES.items()
        if (ratio := spread_ratio(rows, start))
    ]
    title = f"Before training a layer of tanh passes on this share of the spread: {', '.join(shares)}"
    theory = "linear units would pass on 1/√3 = 0.58 (standard) and 1 (normalised)"
    return Figure("spread", title, caption(found, RANGE, theory), panels)


def _errors(rows: Rows) -> Figure:
    """Final test error over the whole learning-rate grid."""
    found = rows.where(name="error", hidden=4, labels="true", steps=trains)
    last = found.where(step=max(found.distinct("step"), default=0))
    y = Axis("test error", "%", log=True)
    panels = facets(last, LEARNING_RATES, y, INITS, ACTIVATIONS, spread=RANGE, reduce=percent)
    best = [f"{p.title} {min(s.y):.2f} % ({s.name})" for p in panels for s in p.series]
    title = f"The lowest errors: {', '.join(best)}"
    return Figure("errors", title, _up_to(last, "4 hidden layers", spread=RANGE), panels)
