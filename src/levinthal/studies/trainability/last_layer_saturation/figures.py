"""The figures: mean activations of sigmoids, levels of tanh, what starts pass on, and errors over rates."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from levinthal.lab.analysis.bands import STEP, band, median_band
from levinthal.lab.analysis.curves import curves
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.last_layer_saturation.numbers import arm, fall, kept, later, rise
from levinthal.vocabulary import Axis, Figure, Panel, Series

STARTS = {
    "fan_in_uniform": "standard start",
    "normalised_uniform": "normalised start",
    "orthogonal": "orthogonal start (control)",
}
GROUPS = {start: f"{start} start" for start in STARTS}
SIGMOIDS = (
    ("fan_in_uniform", 4, "true", "4 layers"),
    ("fan_in_uniform", 5, "true", "5 layers"),
    ("fan_in_uniform", 4, "shuffled", "4 layers, labels shuffled"),
    ("normalised_uniform", 4, "true", "4 layers, normalised start"),
)
MEAN, LEVEL = Axis("mean activation"), Axis("98 % of |activation| lie below")


def figures(rows: Rows) -> Iterator[Figure]:
    """Every figure for which there are rows."""
    for draw in (sigmoids, spreads, tanhs, passed_on, errors):
        figure = draw(rows)
        panels = tuple(panel for panel in figure.panels if panel.series)
        if panels:
            yield Figure(figure.id, figure.title, figure.caption, panels)


def rates_of(rows: Rows) -> list[float]:
    """The grid of learning rates."""
    trained = rows.where(name="mean").where(steps=lambda steps: steps > 0)
    return trained.distinct("rate") if len(trained) else []


def at_rate(rows: Rows, rate: float, name: str) -> Rows:
    """One statistic at one rate."""
    return rows.where(name=name).where(rate=rate)


def layer_traces(rows: Rows, name: str, hidden: int) -> tuple[Series, ...]:
    """The median over seeds of a statistic of each layer, over training."""
    found = [(layer, curves(rows, name=name, layer=f"{layer}")) for layer in range(1, hidden + 1)]
    return tuple(median_band(one, f"layer {layer}", level=(layer - 1) / 4) for layer, one in found if one)


def sigmoids(rows: Rows) -> Figure:
    """The mean activation of every layer of sigmoids: each rate of the standard start, then the others."""
    panels, rates = [], rates_of(rows)
    for rate in rates:
        nets = at_rate(arm(rows, "sigmoid"), rate, "mean")
        panels.append(Panel(STEP, MEAN, layer_traces(nets, "mean", 4), f"4 layers, rate {rate:g}"))
    if rates:
        strong = strongest(rows, rates)
        for start, hidden, labels, words in SIGMOIDS[1:]:
            nets = at_rate(arm(rows, "sigmoid", start, hidden, labels), strong, "mean")
            panels.append(Panel(STEP, MEAN, layer_traces(nets, "mean", hidden), f"{words}, rate {strong:g}"))
    title = f"The top layer of sigmoids {_story(rows, rates)}"
    return Figure("sigmoid-means", title, f"{_seeds(rows)}; 300 test images.", tuple(panels))


def strongest(rows: Rows, rates: list[float]) -> float:
    """The rate at which the top layer of four falls farthest at once."""
    nets = arm(rows, "sigmoid")
    falls = {rate: fall(at_rate(nets, rate, "mean"), 4) for rate in rates}
    return max(rates, key=lambda rate: float(np.median(list(falls[rate].values()) or [0])))


def _story(rows: Rows, rates: list[float]) -> str:
    """How far the top layer falls and comes back, as the lowest and highest medians over the rates."""
    if not rates:
        return "has not run yet"
    nets = [at_rate(arm(rows, "sigmoid"), rate, "mean") for rate in rates]
    lows = [0.5 - float(np.median(list(fall(one, 4).values()) or [0.5])) for one in nets]
    ups = [float(np.median(list(rise(one, 4).values()) or [0.0])) for one in nets]
    return (
        f"falls to {min(lows):.2f} within 1,500 updates at one rate, to {max(lows):.2f} at another, and is "
        f"{min(ups):.2f} to {max(ups):.2f} above its lowest at the end of the run"
    )


def spreads(rows: Rows) -> Figure:
    """The standard deviation of every layer's activations, sigmoids, for each rate."""
    panels = []
    for rate in rates_of(rows):
        nets = at_rate(arm(rows, "sigmoid"), rate, "sd")
        panels.append(
            Panel(STEP, Axis("sd of activations"), layer_traces(nets, "sd", 4), f"4 layers, rate {rate:g}")
        )
    ends = [series.y[-1] for panel in panels for series in panel.series if series.name == "layer 4"]
    seen = f"ends between {min(ends):.2g} and {max(ends):.2g}" if ends else "has not run yet"
    silent = ": where it has none, the output cannot tell one image from another" * (
        min(ends, default=1) < 0.01
    )
    title = f"The spread of the top layer of sigmoids {seen}{silent}"
    return Figure("sigmoid-spreads", title, f"{_seeds(rows)}; over units and 300 images.", tuple(panels))


def tanhs(rows: Rows) -> Figure:
    """The 98th percentile of |activation| of every layer of tanh, from both starts."""
    panels = []
    for start in ("fan_in_uniform", "normalised_uniform"):
        for rate in rates_of(rows):
            nets = at_rate(arm(rows, "tanh", start), rate, "p98")
            panels.append(Panel(STEP, LEVEL, layer_traces(nets, "p98", 4), f"{STARTS[start]}, rate {rate:g}"))
    lags = [f"{_words(_lag(rows, start))} ({STARTS[start]})" for start in GROUPS if start != "orthogonal"]
    title = f"Layer 4 of tanh saturates {', '.join(lags)} as layer 1, on average over the rates"
    return Figure("tanh-levels", title, f"{_seeds(rows)}; saturated: 2 % beyond 0.9.", tuple(panels))


def _words(doublings: float) -> str:
    times = 2 ** abs(doublings)
    return f"{times:.1f} times as {'late' if doublings > 0 else 'early'}"


def _lag(rows: Rows, start: str) -> float:
    """Mean over seeds and rates of `later`."""
    nets = arm(rows, "tanh", start)
    found = [v for rate in rates_of(rows) for v in later(at_rate(nets, rate, "p98")).values()]
    return float(np.mean(found)) if found else float("nan")


def passed_on(rows: Rows) -> Figure:
    """The spread of each layer's activations before training, from every start."""
    series, words = [], []
    for start, name in STARTS.items():
        found = arm(rows, "tanh", start).where(name="sd", step=0)
        if not len(found):
            continue
        found = found.where(rate=min(found.distinct("rate")))
        layers = {f"layer {n}": list(found.by_seed(layer=f"{n}").values()) for n in range(1, 5)}
        series.append(band(name, layers, 0, 1, group=GROUPS[start]))
        words.append(f"{2 ** float(np.mean(list(kept(rows, start).values()))):.2f} ({name})")
    panel = Panel(Axis("hidden layer"), Axis("sd of activations", log=True), tuple(series))
    title = f"Before training a layer of tanh passes on this share of the spread: {', '.join(words)}"
    caption = (
        "Median and range over seeds. Linear units would pass on 1/√3 = 0.58 (standard) and 1 (normalised)."
    )
    return Figure("spread", title, caption, (panel,))


def errors(rows: Rows) -> Figure:
    """Final test error over the whole grid of rates."""
    panels = []
    for unit in ("sigmoid", "tanh", "softsign"):
        series = []
        for start in ("fan_in_uniform", "normalised_uniform"):
            nets = arm(rows, unit, start).where(name="error").where(steps=lambda steps: steps > 0)
            if len(nets):
                last = nets.where(step=max(nets.values("step")))
                groups = {
                    float(rate): (100 * one.values()).tolist()
                    for (rate,), one in last.group_by("rate").items()
                }
                series.append(band(STARTS[start], groups, 0, 1, group=GROUPS[start]))
        axis = Axis("test error", "%", log=True)
        panels.append(Panel(Axis("learning rate", log=True), axis, tuple(series), unit))
    best = [f"{p.title} {min(s.y):.2f} % ({s.name})" for p in panels for s in p.series]
    title = f"The lowest errors: {', '.join(best)}"
    return Figure("errors", title, "Median and range over seeds; 4 hidden layers.", tuple(panels))


def _seeds(rows: Rows) -> str:
    return f"{len(rows.distinct('seed'))} seeds: median and quartiles"
