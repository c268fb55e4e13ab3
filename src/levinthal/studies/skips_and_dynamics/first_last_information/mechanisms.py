"""Figures of what might be behind it: causes, paths, phases of training, layers."""

from __future__ import annotations

import numpy as np

from levinthal.lab.analysis.bands import STEP, median_band, rounded
from levinthal.lab.analysis.curves import Curve, curves, first, last, time_to
from levinthal.lab.judging.trends import rank_correlation
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims_training import layer_number
from levinthal.studies.skips_and_dynamics.first_last_information.drawing import (
    BITS,
    ERROR_AXIS,
    NAMES,
    detailed,
    middle,
    setting_words,
)
from levinthal.studies.skips_and_dynamics.first_last_information.keys import (
    ERROR,
    PLAIN,
    SETTING,
    information,
)
from levinthal.studies.skips_and_dynamics.first_last_information.plan import RATE
from levinthal.vocabulary import Axis, Figure, Panel, Series


def causes(rows: Rows) -> Figure:
    """C11: starting information against time to 20 % error, one point for each start."""
    panels = []
    plain = rows.where(rate=RATE, labels="true")
    for key, group in plain.group_by(*SETTING).items():
        arms = group.where(architecture="mlp").group_by("init", "slope")
        if len(arms) < 4:
            continue
        named = {_start_words(str(init), float(s)): one for (init, s), one in arms.items()}
        series = [_start(one, name, "mlp") for name, one in named.items()]
        series += [_start(group.where(architecture="shortcut", **PLAIN), "shortcut network", "shortcut")]
        y = Axis("steps to 20 % error", log=True)
        panels.append(Panel(BITS, y, tuple(s for s in series if s.x), setting_words(key)))
    caption = (
        "Each point is one way to start a plain network (mean over seeds, whiskers: their range), beside the "
        "shortcut network; information at step 0 with the statistics of the images read, after the sum. "
        "A run that never gets there counts as twice its budget."
    )
    title = f"Plain networks with unlike starts: information against time to learn, {_correlations(panels)}"
    return Figure("causes", title, caption, tuple(panels))


def _correlations(panels: list[Panel]) -> str:
    """Rank correlation of the plain networks' means in each panel."""
    plain = [[s for s in panel.series if s.group == "mlp"] for panel in panels]
    found = [
        rank_correlation(np.array([s.x[0] for s in p], float), np.array([s.y[0] for s in p])) for p in plain
    ]
    return f"rank correlation {', '.join(f'{value:.2f}' for value in found)}"


def _start_words(init: str, slope: float) -> str:
    return init.replace("_", " ") + (f", slope {slope:g}" if slope != 1 else "")


def _start(rows: Rows, name: str, group: str) -> Series:
    known = curves(rows, **information("batch", "after"))
    times = [time_to(0.2, curve) for curve in curves(rows, **ERROR).values()]
    if not known or not times:
        return Series(name, (), ())
    x, y = float(np.mean([first(curve) for curve in known.values()])), float(np.exp(np.mean(np.log(times))))
    return Series(
        name,
        rounded([x]),
        rounded([y]),
        "point",
        group,
        low=rounded([min(times)]),
        high=rounded([max(times)]),
    )


def cuts(rows: Rows) -> Figure:
    """C11b: error of trained shortcut networks with one path cut."""
    panels = []
    found = rows.where(name="ablated_error", rate=RATE, init="glorot_normal")
    for words, group in detailed(found):
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
        panels.append(Panel(Axis("trained network"), ERROR_AXIS, tuple(series), words))
    caption = (
        "Median and range over seeds; the path's activations are replaced by their mean over the test images."
    )
    shortcut = [s for panel in panels for s in panel.series if s.group == "shortcut"][:1]
    seen = "; ".join(f"{x}: {y:.2g} % error" for s in shortcut for x, y in zip(s.x, s.y, strict=True))
    return Figure("cuts", f"A trained shortcut network, cut in two: {seen}", caption, tuple(panels))


def phases(rows: Rows) -> Figure:
    """C9: signal-to-noise of the gradient at frozen weights, and distance from the start."""
    panels = []
    base = rows.where(architecture="mlp", rate=RATE, init="glorot_normal", slope=1.0)
    for words, group in detailed(base):
        for read, words_y in (
            (_signal_to_noise, "gradient signal-to-noise"),
            (_travelled, "distance from start"),
        ):
            series = []
            for labels, colour in (("true", "mlp"), ("shuffled", "control")):
                found = read(group.where(labels=labels))
                if found:
                    series.append(median_band(found, f"{labels} labels", group=colour))
            panels.append(Panel(STEP, Axis(words_y, "", log=True), tuple(series), words))
    caption = "MLP; a batch's gradient at frozen weights, bias-corrected; median and quartiles."
    true = [s for panel in panels[:1] for s in panel.series[:1]]
    seen = f"from {true[0].y[0]:.2g} to {true[0].y[-1]:.2g}" if true else "not measured"
    return Figure("phases", f"The gradient's signal-to-noise ratio goes {seen}", caption, tuple(panels))


def _signal_to_noise(rows: Rows) -> dict[int, Curve]:
    """The ratio over all layers; 0 or less, which means no signal was found, is drawn at a thousandth."""
    found = curves(rows, name="gradient_snr", layer="all")
    return {seed: (steps, np.maximum(values, 1e-3)) for seed, (steps, values) in found.items()}


def _travelled(rows: Rows) -> dict[int, Curve]:
    """Euclidean distance of all weights from the start, after the start itself."""
    found = rows.where(name="displacement", step=lambda step: step > 0)
    result = {}
    for (seed,), one in found.group_by("seed").items():
        by_step = {step: part.values() for (step,), part in one.group_by("step").items()}
        steps = np.array(sorted(by_step))
        result[seed] = (steps, np.array([np.sqrt(np.square(by_step[step]).sum()) for step in steps]))
    return result


def layers(rows: Rows) -> Figure:
    """C12: linear-probe accuracy and likeness of neighbours, layer by layer, over training."""
    panels = []
    for words, group in detailed(rows.where(architecture="mlp", **PLAIN)):
        for name, axis in (
            ("linear_probe_accuracy", "linear-probe accuracy"),
            ("neighbour_cka", "likeness to the layer below (CKA)"),
        ):
            found = group.where(name=name)
            steps = found.distinct("step") if len(found) else []
            series = [_over_layers(found, step, i / max(len(steps) - 1, 1)) for i, step in enumerate(steps)]
            panels.append(Panel(Axis("hidden layer"), Axis(axis), tuple(series), words))
    caption = "MLP; mean over seeds; one line a snapshot of training."
    read = [panel.series for panel in panels[:1] if panel.series]
    seen = [f"{100 * s.y[-1]:.0f} %" for series in read for s in (series[0], series[-1])]
    title = f"What a linear reader gets from the last layer goes from {' to '.join(seen)}"
    return Figure("layers", title, caption, tuple(panels))


def _over_layers(rows: Rows, step: float, level: float) -> Series:
    means = {
        layer_number(layer): float(one.values().mean())
        for (layer,), one in rows.where(step=step).group_by("layer").items()
    }
    x = sorted(means)
    return Series(f"step {step:g}", rounded(x), rounded(means[i] for i in x), level=level)
