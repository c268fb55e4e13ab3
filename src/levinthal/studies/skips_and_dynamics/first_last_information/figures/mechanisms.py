"""Figures of possible mechanisms: paths, phases of training, layers."""

from __future__ import annotations

import numpy as np

from levinthal.lab.analysis import LAYERS, MEAN, QUARTILES, STEPS, By, caption, lines
from levinthal.lab.analysis.bands import rounded
from levinthal.lab.analysis.curves import curves, last
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import PLAIN
from levinthal.studies.skips_and_dynamics.first_last_information.design import NAMES, RATE
from levinthal.studies.skips_and_dynamics.first_last_information.figures.drawing import (
    ERROR_AXIS,
    detailed,
    middle,
)
from levinthal.vocabulary import Axis, Figure, Panel, Series


def cuts(rows: Rows) -> Figure:
    """C11b: error of trained shortcut networks with one path cut."""
    panels = []
    found = rows.where(name="ablated_error", rate=RATE, init="glorot_normal")
    for setting, group in detailed(found):
        series = []
        for architecture in group.distinct("architecture"):
            ends = {
                str(path): [last(c) for c in curves(one).values()]
                for (path,), one in group.where(architecture=architecture).group_by("without").items()
            }
            x = tuple(f"{path} path cut" for path in ends)
            low, typical, high = (rounded(100 * f(v) for v in ends.values()) for f in (min, middle, max))
            name = NAMES[architecture]
            series.append(Series(name, x, typical, "point", architecture, low=low, high=high))
        panels.append(Panel(Axis("trained network"), ERROR_AXIS, tuple(series), setting))
    words = (
        "Median and range over seeds; the path's activations are replaced by their mean over the test images."
    )
    shortcut = [s for panel in panels for s in panel.series if s.group == "shortcut"][:1]
    seen = "; ".join(f"{x}: {y:.2g} % error" for s in shortcut for x, y in zip(s.x, s.y, strict=True))
    return Figure("cuts", f"A trained shortcut network, cut in two: {seen}", words, tuple(panels))


LABELS = By(
    "labels",
    {"true": "true labels", "shuffled": "shuffled labels"},
    groups={"true": "mlp", "shuffled": "control"},
)


def phases(rows: Rows) -> Figure:
    """C9: signal-to-noise of the gradient at frozen weights, and distance from the initial weights."""
    panels = []
    base = rows.where(architecture="mlp", **{**PLAIN, "labels": ("true", "shuffled")})
    ratio, distance = (
        Axis(label, log=True) for label in ("gradient signal-to-noise", "distance from initial weights")
    )
    for setting, group in detailed(base):
        snr = group.where(name="gradient_snr", layer="all")
        moved = group.where(name="displacement", step=lambda step: step > 0)
        panels += [
            Panel(STEPS.axis, ratio, lines(snr, STEPS, LABELS, reduce=_at_least), setting),
            Panel(STEPS.axis, distance, lines(moved, STEPS, LABELS, reduce=_length), setting),
        ]
    true = [s for panel in panels[:1] for s in panel.series[:1]]
    seen = f"from {true[0].y[0]:.2g} to {true[0].y[-1]:.2g}" if true else "not measured"
    words = caption(base, QUARTILES, "MLP", "a batch's gradient at frozen weights, bias-corrected")
    return Figure("phases", f"The gradient's signal-to-noise ratio goes {seen}", words, tuple(panels))


def _at_least(rows: Rows) -> dict[int, float]:
    """The ratio; 0 or less, which means that no signal was found, is drawn at a thousandth."""
    return {seed: max(ratio, 1e-3) for seed, ratio in rows.by_seed().items()}


def _length(rows: Rows) -> dict[int, float]:
    """Euclidean distance of all weights from the initial ones, from the distances layer by layer."""
    layers = rows.group_by("seed").items()
    return {seed: float(np.sqrt(np.square(one.values()).sum())) for (seed,), one in layers}


def layers(rows: Rows) -> Figure:
    """C12: linear-probe accuracy and similarity of neighbours, layer by layer, over training."""
    panels = []
    kinds = {
        "linear_probe_accuracy": "linear-probe accuracy",
        "neighbour_cka": "similarity to the layer below (CKA)",
    }
    plain = rows.where(architecture="mlp", **PLAIN)
    for setting, group in detailed(plain):
        for name, label in kinds.items():
            found = group.where(name=name)
            steps = found.distinct("step")
            order = {step: i / max(len(steps) - 1, 1) for i, step in enumerate(steps)}
            series = lines(
                found, LAYERS, By("step", "step {:g}".format, scale=order.__getitem__), spread=MEAN
            )
            panels.append(Panel(LAYERS.axis, Axis(label), series, setting))
    read = [panel.series for panel in panels[:1] if panel.series]
    seen = [f"{100 * s.y[-1]:.0f} %" for series in read for s in (series[0], series[-1])]
    title = f"The accuracy of a linear probe of the last layer goes from {' to '.join(seen)}"
    words = caption(plain, MEAN, "MLP", "one line per snapshot of training")
    return Figure("layers", title, words, tuple(panels))
