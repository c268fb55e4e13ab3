"""Figures that show what a claim is judged on: C3's arms by depth, C6's curves, C11's initialisations."""

from __future__ import annotations

import math

import numpy as np

from levinthal.lab.analysis import QUARTILES, STEPS, By, caption, lines
from levinthal.lab.analysis.bands import rounded
from levinthal.lab.analysis.curves import curves, first, time_to
from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.judging.trends import rank_correlation
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.initialisations import ARMS
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import (
    ERROR,
    HALFWAY_ERROR,
    PLAIN,
    SETTING,
    information,
)
from levinthal.studies.skips_and_dynamics.first_last_information.claims.protocols import (
    FULL,
    MINI,
    depths,
    words,
)
from levinthal.studies.skips_and_dynamics.first_last_information.claims.speed import (
    Arm,
    of_each_depth,
    other,
    plain,
)
from levinthal.studies.skips_and_dynamics.first_last_information.design import RATE, RIVAL, SAME_LOGITS
from levinthal.studies.skips_and_dynamics.first_last_information.figures.drawing import (
    BITS,
    detailed,
    setting_words,
)
from levinthal.vocabulary import Axis, Figure, Panel, Series

FASTER: dict[str, tuple[str, Arm]] = {
    "shortcut": ("shortcut", plain("shortcut")),
    "MLP, logits as large (control)": ("control", other("mlp", SAME_LOGITS)),
    "MLP, orthogonal (rival)": ("orthogonal", other("mlp", RIVAL)),
}


def at_best_rates(rows: Rows) -> Figure:
    """C3: how many times sooner each arm reaches 10 % error than the MLP, each at its best learning rate."""
    panels = []
    x, y = Axis("depth"), Axis("times sooner than the MLP", log=True)
    for batches in (FULL, MINI):
        series = []
        for name, (group, arm) in FASTER.items():
            parts = of_each_depth(batches, arm, neither=math.nan)
            held = parts(rows) if callable(parts) else parts
            found = {part: read(rows).by_seed for part, read in held.items()}
            series.append(_by_depth(name, group, found))
        here = depths(batches)(rows)
        panels.append(Panel(x, y, tuple(s for s in series if s.x), words(here) if len(here) else ""))
    shortcut = [v for p in panels for s in p.series if s.group == "shortcut" for v in s.y]
    seen = f"{min(shortcut):.1f} to {max(shortcut):.1f} times sooner" if shortcut else "not compared yet"
    title = f"At its best learning rate a shortcut network reaches 10 % error {seen} than the MLP at its own"
    title += ", as far as runs show that reach it"
    note = (
        "Geometric mean over seeds, whiskers: their range; 1 is no gain. A run that never reaches the error "
        "counts as its budget, the fewest steps that it may need: if it does so later, the true gain is "
        "larger where it is the MLP's, smaller where it is the other arm's. Seeds in which neither arm "
        "reaches it are left out, and those in which the other arm's error rests above it."
    )
    return Figure("best-rates", title, note, tuple(panels))


def _by_depth(name: str, group: str, found: dict[str, BySeed]) -> Series:
    """A point a depth, from log2 ratios; seeds in which neither arm reaches the error are left out."""
    finite = {part: [v for v in one.values() if np.isfinite(v)] for part, one in found.items()}
    finite = {part: numbers for part, numbers in finite.items() if numbers}
    low, middle, high = (
        rounded(2 ** float(f(v)) for v in finite.values()) for f in (np.min, np.mean, np.max)
    )
    return Series(name, tuple(finite), middle, "point", group, low=low, high=high)


def peaks(rows: Rows) -> Figure:
    """C6: the residual network's information over training, with each kind of batch norm statistics."""
    panels = []
    residual = rows.where(architecture="residual", **PLAIN)
    modes = By("batchnorm", {mode: f"{mode} statistics" for mode in ("running", "debiased", "batch")})
    found = residual.where(name="mutual_information", estimator="ksg", readout="before")
    for setting, group in detailed(found):
        panels.append(Panel(STEPS.axis, BITS, lines(group, STEPS, modes), setting))
    batch = [s for panel in panels[:1] for s in panel.series if "batch" in s.name]
    seen = [f"{s.y[0]:.1f}, at most {max(s.y):.1f}, at the end {s.y[-1]:.1f} bits" for s in batch]
    title = f"The residual network's information: at first {seen[0]}" if seen else "No residual network yet"
    return Figure("peaks", title, caption(found, QUARTILES, "read before the sum"), tuple(panels))


def causes(rows: Rows) -> Figure:
    """C11: initial information against time to 20 % error, one point an initialisation."""
    panels = []
    plain_ = rows.where(rate=RATE, labels="true")
    for key, group in plain_.group_by(*SETTING).items():
        arms = group.where(architecture="mlp").group_by("init", "slope")
        held = {at: one for at, one in arms.items() if (str(at[0]), float(at[1])) in ARMS}
        if len(held) < 4:
            continue
        series = [
            _points([one for (init, _), one in held.items() if init == kind], str(kind).replace("_", " "))
            for kind in dict.fromkeys(init for init, _ in held)
        ]
        series.append(_points([group.where(architecture="shortcut", **PLAIN)], "shortcut network"))
        y = Axis("steps to 20 % error", log=True)
        panels.append(Panel(BITS, y, tuple(s for s in series if s.x), setting_words(key)))
    note = (
        "Each point is one initialisation of a plain network: a kind of weights and an initial slope of "
        "batch norm (mean over seeds, whiskers: their range), beside the shortcut network; information at "
        "step 0 with the statistics of the images read, after the sum. A run that never reaches the error "
        "counts as twice its budget."
    )
    title = f"Initialisations of plain networks: information against time to learn, {_correlations(panels)}"
    return Figure("causes", title, note, tuple(panels))


def _correlations(panels: list[Panel]) -> str:
    """Rank correlation of the plain networks' means in each panel."""
    found = []
    for panel in panels:
        points = [xy for s in panel.series if s.group != "shortcut" for xy in zip(s.x, s.y, strict=True)]
        found.append(rank_correlation(*np.array(points, dtype=float).T))
    return f"rank correlation {', '.join(f'{value:.2f}' for value in found)}"


def _points(arms: list[Rows], name: str) -> Series:
    x, y, low, high = list[float](), list[float](), list[float](), list[float]()
    for rows in arms:
        known = curves(rows, **information("batch", "after"))
        times = [time_to(HALFWAY_ERROR, curve) for curve in curves(rows, **ERROR).values()]
        if known and times:
            x.append(float(np.mean([first(curve) for curve in known.values()])))
            y.append(float(np.exp(np.mean(np.log(times)))))
            low.append(min(times))
            high.append(max(times))
    group = "shortcut" if "shortcut" in name else name
    return Series(name, rounded(x), rounded(y), "point", group, low=rounded(low), high=rounded(high))
