"""What it takes to believe or doubt the paper's figures: time, speed-ups, rates, estimators, images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from levinthal.lab.analysis.bands import STEP, rounded
from levinthal.lab.analysis.curves import Curve, curves, last, time_to
from levinthal.lab.judging.statistics import ratio_estimate
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.drawing import (
    BITS,
    ERROR_AXIS,
    NAMES,
    by_architecture,
    detailed,
    middle,
    setting_words,
)
from levinthal.studies.skips_and_dynamics.first_last_information.keys import (
    ERROR,
    PLAIN,
    SETTING,
    information,
    protocol_words,
)
from levinthal.studies.skips_and_dynamics.first_last_information.mechanisms import (
    causes,
    cuts,
    layers,
    phases,
)
from levinthal.studies.skips_and_dynamics.first_last_information.plan import ARCHITECTURES
from levinthal.studies.skips_and_dynamics.first_last_information.planes import planes
from levinthal.vocabulary import Axis, Figure, Panel, Series

ESTIMATOR_WORDS = {
    "ksg": "KSG, as the paper",
    "zscored_ksg": "KSG, columns scaled to unit variance",
    "pca_ksg": "KSG on ten principal components",
    "copula": "Gaussian copula, bias-corrected",
    "cka": "linear CKA",
}
LEVELS = (0.3, 0.2, 0.1, 0.05)


def figures(rows: Rows) -> Iterator[Figure]:
    """Every figure for which there are rows."""
    for figure in (*planes(rows), *_beside(rows)):
        panels = tuple(panel for panel in figure.panels if panel.series)
        if panels:
            yield Figure(figure.id, figure.title, figure.caption, panels)


def _beside(rows: Rows) -> Iterator[Figure]:
    for draw in (over_steps, speed_ups, rates, estimators, images, causes, cuts, phases, layers):
        yield draw(rows)


def over_steps(rows: Rows) -> Figure:
    """Error and information against step."""
    panels = []
    for words, group in detailed(rows.where(**PLAIN)):
        for axis, key in ((ERROR_AXIS, ERROR), (BITS, information("batch", "after"))):
            times = 100.0 if axis is ERROR_AXIS else 1.0
            panels.append(Panel(STEP, axis, tuple(by_architecture(group, key, times)), words))
    title = f"Error and information over training; errors at the end: {_final_errors(rows)}"
    caption = (
        "Median and quartiles over seeds. Error with statistics recalibrated on training images, information "
        "with the statistics of the images read, after the sum."
    )
    return Figure("over-steps", title, caption, tuple(panels))


def _final_errors(rows: Rows) -> str:
    """Each architecture's median error, in the last of the settings read in detail."""
    settings = list(detailed(rows.where(**PLAIN, **ERROR)))
    said = []
    for architecture in ARCHITECTURES:
        ends = [last(c) for _, g in settings[:1] for c in curves(g, architecture=architecture).values()]
        if ends:
            said.append(f"{NAMES[architecture]} {100 * middle(ends):.2g} %")
    return ", ".join(said)


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
    title = f"Shortcut networks reach an error {seen} than the MLP, at the paper's rate"
    caption = (
        "Geometric mean of paired ratios of steps, 95 % intervals; 1 is no gain. A run that never gets there "
        "counts as twice its budget; an error that more than one run in eight misses is left out."
    )
    return Figure("speed-ups", title, caption, tuple(panels))


def _speed_up(rows: Rows, architecture: str, mlp: Mapping[int, Curve]) -> Series:
    other = curves(rows, architecture=architecture, **ERROR)
    x, y, low, high = [], [], [], []
    for level in LEVELS:
        seeds = mlp.keys() & other.keys()
        if len(seeds) < 5 or min(_reached(level, arm) for arm in (mlp, other)) < 7 / 8:
            continue
        ratio = ratio_estimate(*({s: time_to(level, arm[s]) for s in seeds} for arm in (mlp, other)))
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


def _reached(level: float, arm: Mapping[int, Curve]) -> float:
    """Share of runs that reach an error."""
    return float(np.mean([curve[1].min() <= level for curve in arm.values()]))


def rates(rows: Rows) -> Figure:
    """Final error over the whole learning-rate grid, for each architecture and depth."""
    panels = []
    grid = rows.where(init="glorot_normal", slope=1.0, labels="true", rate=lambda rate: rate > 0, **ERROR)
    depths = sorted(grid.distinct("depth")) if len(grid) else []
    levels = {depth: i / max(len(depths) - 1, 1) for i, depth in enumerate(depths)}
    for (batch, samples, steps, width), group in grid.group_by("batch", "samples", "steps", "width").items():
        for architecture in ARCHITECTURES:
            arm = group.where(architecture=architecture)
            series = tuple(_over_rates(arm, levels))
            protocol = f"{protocol_words(batch, samples)}, {steps:,} steps"
            title = f"{NAMES[architecture]}, {protocol}, W\u00a0=\u00a0{width}"
            panels.append(Panel(Axis("learning rate", log=True), ERROR_AXIS, series, title))
    best = sorted({s.x[int(np.argmin(s.y))] for panel in panels for s in panel.series})
    title = f"The best learning rates run from {best[0]:g} to {best[-1]:g}" if best else "No grid yet"
    caption = "Median over seeds, error at the end; the paper's rate is 0.001."
    return Figure("rates", title, caption, tuple(p for p in panels if p.series))


def _over_rates(rows: Rows, levels: Mapping[Any, float]) -> Iterator[Series]:
    for depth in sorted(rows.distinct("depth")) if len(rows) else []:
        here = rows.where(depth=depth).group_by("rate").items()
        points = {rate: 100 * np.median([last(c) for c in curves(one).values()]) for (rate,), one in here}
        if len(points) > 2:
            yield Series(f"D = {depth}", rounded(points), rounded(points.values()), level=levels[depth])


def estimators(rows: Rows) -> Figure:
    """The same layers through every estimator: what agrees, and what does not."""
    panels, setting = [], ""
    found = rows.where(name=("mutual_information", "cka"), batchnorm="batch", readout="after", **PLAIN)
    images = max(found.distinct("n"), key=int, default=None) if len(found) else None
    for words, group in list(detailed(found))[:1]:
        for (name, estimator), one in group.where(n=images).group_by("name", "estimator").items():
            unit = "bits" if name == "mutual_information" else ""
            series = tuple(by_architecture(one, {"name": name}))
            axis = Axis(
                {"copula": "information if Gaussian", "cka": "similarity"}.get(str(estimator), BITS.label),
                unit,
            )
            panels.append(Panel(STEP, axis, series, ESTIMATOR_WORDS[str(estimator)]))
        setting = words
    highest = [max(panel.series, key=lambda s: s.y[-1]).name for panel in panels if panel.series]
    agree = "agree" if len(set(highest)) == 1 else "do not agree"
    title = f"The estimators {agree} on who ends with the most: {', '.join(dict.fromkeys(highest))}"
    caption = f"Median and quartiles over seeds; statistics of the images read, after the sum; {setting}."
    return Figure("estimators", title, caption, tuple(panels))


def images(rows: Rows) -> Figure:
    """Information against the number of images it is read on: a property of the network would not move."""
    panels = []
    found = rows.where(name="mutual_information_by_images", readout="after", **PLAIN)
    for words, last_step in detailed(found):
        series = [
            _over_images(last_step.where(architecture=architecture), architecture)
            for architecture in ARCHITECTURES
        ]
        panels.append(
            Panel(Axis("test images", log=True), BITS, tuple(s for s in series if len(s.x) > 1), words)
        )
    shortcut = [s for panel in panels for s in panel.series if s.group == "shortcut" and len(s.x) > 1]
    seen = f" ({shortcut[0].y[0]:.1f} to {shortcut[0].y[-1]:.1f} bits, shortcut)" if shortcut else ""
    title = f"Only the number of images changes, and the bits with it{seen}"
    caption = "KSG, k = 3, at the end of training; mean over seeds. The estimator's ceiling grows as log N."
    return Figure("images", title, caption, tuple(panels))


def _over_images(rows: Rows, architecture: str) -> Series:
    points = {int(n): float(one.values().mean()) for (n,), one in rows.group_by("n").items()}
    x = sorted(points)
    return Series(NAMES[architecture], rounded(x), rounded(points[n] for n in x), group=architecture)
