"""Time, speed-ups, learning rates, estimators and images, beside the paper's own figures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from levinthal.lab.analysis import (
    LEARNING_RATES,
    MEAN,
    MEDIAN,
    QUARTILES,
    STEPS,
    Along,
    By,
    caption,
    lines,
    percent,
)
from levinthal.lab.analysis.bands import rounded
from levinthal.lab.analysis.curves import Curve, curves, last, steps_to
from levinthal.lab.judging.statistics import ratio_estimate
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import (
    ANY_RATE,
    ERROR,
    PLAIN,
    SETTING,
    information,
    protocol,
)
from levinthal.studies.skips_and_dynamics.first_last_information.design import ARCHITECTURES, NAMES
from levinthal.studies.skips_and_dynamics.first_last_information.figures.drawing import (
    BITS,
    BY_ARCHITECTURE,
    ERROR_AXIS,
    detailed,
    middle,
    setting_words,
)
from levinthal.vocabulary import Axis, Figure, Panel, Series

ESTIMATORS = {
    "ksg": "KSG, as the paper",
    "zscored_ksg": "KSG, columns scaled to unit variance",
    "pca_ksg": "KSG on ten principal components",
    "copula": "Gaussian copula, bias-corrected",
    "cka": "linear CKA",
}
LEVELS = (0.3, 0.2, 0.1, 0.05)
IMAGES = Along("n", Axis("test images", log=True))


def over_steps(rows: Rows) -> Figure:
    """Error and information against step."""
    plain, panels = rows.where(**PLAIN), list[Panel]()
    for setting, group in detailed(plain):
        errors = lines(group.where(**ERROR), STEPS, BY_ARCHITECTURE, reduce=percent)
        bits = lines(group.where(**information("batch", "after")), STEPS, BY_ARCHITECTURE)
        panels += [Panel(STEPS.axis, ERROR_AXIS, errors, setting), Panel(STEPS.axis, BITS, bits, setting)]
    title = f"Error and information over training; errors at the end: {_final_errors(rows)}"
    words = caption(
        plain,
        QUARTILES,
        "error with statistics recalibrated on training images",
        "information with the statistics of the images read, after the sum",
    )
    return Figure("over-steps", title, words, tuple(panels))


def _final_errors(rows: Rows) -> str:
    """Each architecture's median error, in the last of the settings read in detail."""
    settings = list(detailed(rows.where(**PLAIN, **ERROR)))
    found = []
    for architecture in ARCHITECTURES:
        ends = [last(c) for _, g in settings[:1] for c in curves(g, architecture=architecture).values()]
        if ends:
            found.append(f"{NAMES[architecture]} {100 * middle(ends):.2g} %")
    return ", ".join(found)


def speed_ups(rows: Rows) -> Figure:
    """How many times sooner each architecture reaches an error than the MLP, paired by seed."""
    panels = []
    plain = rows.where(**PLAIN)
    x, y = Axis("test error reached"), Axis("times sooner than the MLP", log=True)
    for key, group in plain.group_by(*SETTING).items():
        mlp = curves(group, architecture="mlp", **ERROR)
        series = [_speed_up(group, other, mlp) for other in ARCHITECTURES[1:]]
        panels.append(Panel(x, y, tuple(one for one in series if one.y), setting_words(key)))
    shortcut = [v for p in panels for s in p.series for v in s.y if s.group == "shortcut"]
    seen = f"{min(shortcut):.1f} to {max(shortcut):.1f} times sooner" if shortcut else "not compared yet"
    title = f"Shortcut networks reach an error {seen} than the MLP, at the paper's learning rate"
    words = (
        "Geometric mean of paired ratios of steps, 95 % intervals; 1 is no gain. A run that never reaches "
        "the error counts as its budget; an error that more than one run in eight misses is left out."
    )
    return Figure("speed-ups", title, words, tuple(panels))


def _speed_up(rows: Rows, architecture: str, mlp: Mapping[int, Curve]) -> Series:
    other = curves(rows, architecture=architecture, **ERROR)
    x, y, low, high = [], [], [], []
    for level in LEVELS:
        seeds = mlp.keys() & other.keys()
        if len(seeds) < 5 or min(_reached(level, arm) for arm in (mlp, other)) < 7 / 8:
            continue
        ratio = ratio_estimate(*({s: _time(level, arm[s]) for s in seeds} for arm in (mlp, other)))
        x.append(f"{100 * level:g} %")
        y.append(ratio.value)
        low.append(ratio.interval.low if ratio.interval else ratio.value)
        high.append(ratio.interval.high if ratio.interval else ratio.value)
    return Series(
        NAMES[architecture],
        tuple(x),
        rounded(y),
        role="point",
        group=architecture,
        low=rounded(low),
        high=rounded(high),
    )


def _time(level: float, curve: Curve) -> float:
    """Steps to an error; the budget for a run that never reaches it, so that the ratio is a bound."""
    return min(steps_to(curve, level), float(curve[0][-1]))


def _reached(level: float, arm: Mapping[int, Curve]) -> float:
    """Share of runs that reach an error."""
    return float(np.mean([curve[1].min() <= level for curve in arm.values()]))


def rates(rows: Rows) -> Figure:
    """Final error over the whole learning-rate grid, for each architecture and depth."""
    panels = []
    grid = rows.where(rate=lambda rate: rate > 0, **ANY_RATE, **ERROR)
    depths = grid.distinct("depth")
    by_depth = By("depth", "D = {}".format, scale=lambda depth: depths.index(depth) / max(len(depths) - 1, 1))
    for (batch, samples, steps, width), group in grid.group_by("batch", "samples", "steps", "width").items():
        for architecture, _, arm in BY_ARCHITECTURE.split(group):
            series = lines(arm, LEARNING_RATES, by_depth, spread=MEDIAN, reduce=_at_end)
            title = (
                f"{NAMES[architecture]}, {protocol(batch, samples)}, {steps:,} steps, W\u00a0=\u00a0{width}"
            )
            series = tuple(line for line in series if len(line.x) > 2)
            panels.append(Panel(LEARNING_RATES.axis, ERROR_AXIS, series, title))
    best = sorted({s.x[int(np.argmin(s.y))] for panel in panels for s in panel.series})
    title = f"The best learning rates run from {best[0]:g} to {best[-1]:g}" if best else "No grid yet"
    words = caption(grid, MEDIAN, "error at the end", "the paper's learning rate is 0.001")
    return Figure("rates", title, words, tuple(panels))


def _at_end(rows: Rows) -> dict[int, float]:
    """Seed -> the last error, in per cent."""
    return {seed: 100 * last(curve) for seed, curve in curves(rows).items()}


def estimators(rows: Rows) -> Figure:
    """The same layers through every estimator: what agrees, and what does not."""
    panels = []
    found = rows.where(name=("mutual_information", "cka"), batchnorm="batch", readout="after", **PLAIN)
    most = max(found.distinct("n"), key=int, default=None)
    first = list(detailed(found))[:1]
    for _, group in first:
        for (name, estimator), one in group.where(n=most).group_by("name", "estimator").items():
            label = {"copula": "information if Gaussian", "cka": "similarity"}.get(estimator, BITS.label)
            axis = Axis(label, "bits" if name == "mutual_information" else "")
            series = lines(one, STEPS, BY_ARCHITECTURE)
            panels.append(Panel(STEPS.axis, axis, series, ESTIMATORS[str(estimator)]))
    highest = [max(panel.series, key=lambda s: s.y[-1]).name for panel in panels if panel.series]
    agree = "agree" if len(set(highest)) == 1 else "do not agree"
    title = f"The estimators {agree} on who ends with the most: {', '.join(dict.fromkeys(highest))}"
    words = caption(
        found, QUARTILES, "statistics of the images read, after the sum", *(setting for setting, _ in first)
    )
    return Figure("estimators", title, words, tuple(panels))


def images(rows: Rows) -> Figure:
    """Information against the number of images it is read on: a property of the network would not change."""
    panels = []
    found = rows.where(name="mutual_information_by_images", readout="after", **PLAIN)
    for setting, group in detailed(found):
        series = lines(group, IMAGES, BY_ARCHITECTURE, spread=MEAN)
        panels.append(Panel(IMAGES.axis, BITS, tuple(s for s in series if len(s.x) > 1), setting))
    shortcut = [s for panel in panels for s in panel.series if s.group == "shortcut"]
    seen = f" ({shortcut[0].y[0]:.1f} to {shortcut[0].y[-1]:.1f} bits, shortcut)" if shortcut else ""
    title = f"Only the number of images changes, and the bits with it{seen}"
    ceiling = "the estimator's ceiling grows as log N"
    words = caption(found, MEAN, "KSG, k = 3, at the end of training", ceiling)
    return Figure("images", title, words, tuple(panels))
