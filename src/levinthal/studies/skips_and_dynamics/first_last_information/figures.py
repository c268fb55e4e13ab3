"""What it takes to believe or doubt the paper's figures: time, estimators, rates, causes, phases, layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from levinthal.lab.rows import Rows
from levinthal.lab.statistics import ratio_estimate
from levinthal.studies.skips_and_dynamics.first_last_information.claims_training import layer_number
from levinthal.studies.skips_and_dynamics.first_last_information.curves import (
    ERROR,
    PLAIN,
    Curve,
    chosen,
    curves,
    first,
    information,
    last,
    protocol_words,
    time_to,
)
from levinthal.studies.skips_and_dynamics.first_last_information.plan import ARCHITECTURES, RATE
from levinthal.studies.skips_and_dynamics.first_last_information.planes import BITS, ERROR_AXIS, planes
from levinthal.vocabulary import Axis, Figure, Panel, Series

STEP = Axis("step + 1", "", log=True)
SETTING = ("batch", "samples", "steps", "width", "depth")
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


def median_band(found: Mapping[int, Curve], name: str, **look: Any) -> Series:
    """The median over seeds against 1 + step, with a band from the lower to the upper quartile."""
    x = next(iter(found.values()))[0] + 1
    values = np.array([curve[1] for curve in found.values()])
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
    return Series(name, rounded(x), rounded(middle), low=rounded(low), high=rounded(high), **look)


def rounded(values: Iterable[float]) -> tuple[float, ...]:
    """Five digits: more than a figure can show."""
    return tuple(float(f"{float(v):.5g}") for v in values)


def detailed(rows: Rows) -> Iterator[tuple[str, Rows]]:
    """The settings read in every detail, with their words."""
    for (batch, samples, _, width, depth), group in (
        chosen(rows, read="everything").group_by(*SETTING).items()
    ):
        yield f"{protocol_words(batch, samples)}, W = {width}, D = {depth}", group


def over_steps(rows: Rows) -> Figure:
    """Error and information against step."""
    panels = []
    for words, group in detailed(chosen(rows, **PLAIN)):
        for axis, key in ((ERROR_AXIS, ERROR), (BITS, information("batch", "after"))):
            panels.append(Panel(STEP, axis, tuple(_by_architecture(group, key)), words))
    title = "Error and information over training, each architecture"
    caption = (
        "Median and quartiles over seeds. Error with statistics recalibrated on training images, information "
        "with the statistics of the images read, after the sum."
    )
    return Figure("over-steps", title, caption, tuple(panels))


def _by_architecture(rows: Rows, key: Mapping[str, Any]) -> Iterator[Series]:
    for architecture in ARCHITECTURES:
        found = curves(chosen(rows, architecture=architecture), **key)
        if found:
            yield median_band(found, architecture, group=architecture)


def speed_ups(rows: Rows) -> Figure:
    """How many times sooner each architecture reaches an error than the MLP, paired by seed."""
    panels = []
    plain = chosen(rows, **PLAIN)
    for (batch, samples, _, width, depth), group in plain.group_by(*SETTING).items():
        mlp = curves(group, architecture="mlp", **ERROR)
        words = f"{protocol_words(batch, samples)}, W = {width}, D = {depth}"
        series = [_speed_up(group, other, mlp) for other in ARCHITECTURES[1:]]
        panels.append(Panel(Axis("test error reached"), Axis("times sooner than the MLP", "x", log=True),
                            tuple(one for one in series if one.y), words))  # fmt: skip
    caption = "Geometric mean of paired ratios of steps, 95 % intervals; 1 is no gain."
    return Figure("speed-ups", "How much sooner than the MLP each architecture reaches an error", caption,
                  tuple(panels[:8]))  # fmt: skip


def _speed_up(rows: Rows, architecture: str, mlp: Mapping[int, Curve]) -> Series:
    other = curves(rows, architecture=architecture, **ERROR)
    x, y, low, high = [], [], [], []
    for level in LEVELS:
        slow, fast = (
            {s: time_to(level, c) for s, c in arm.items() if c[1].min() <= level} for arm in (mlp, other)
        )
        if len(slow.keys() & fast.keys()) < 5:
            continue
        ratio = ratio_estimate(*({s: arm[s] for s in slow.keys() & fast.keys()} for arm in (slow, fast)))
        x.append(f"{100 * level:g} %")
        y.append(ratio.value)
        low.append(ratio.interval.low if ratio.interval else ratio.value)
        high.append(ratio.interval.high if ratio.interval else ratio.value)
    return Series(
        architecture,
        tuple(x),
        rounded(y),
        role="point",
        group=architecture,
        low=rounded(low),
        high=rounded(high),
    )


def rates(rows: Rows) -> Figure:
    """Final error over the whole learning-rate grid, for each architecture and depth."""
    panels = []
    grid = chosen(rows, init="glorot_normal", slope=1.0, labels="true", rate=lambda rate: rate > 0, **ERROR)
    for (batch, samples, _, width), group in grid.group_by("batch", "samples", "steps", "width").items():
        for architecture in ARCHITECTURES:
            arm = chosen(group, architecture=architecture)
            series = tuple(_over_rates(arm))
            title = f"{architecture}, {protocol_words(batch, samples)}, W = {width}"
            panels.append(Panel(Axis("learning rate", log=True), ERROR_AXIS, series, title))
    caption = "Median over seeds, error at the end; the paper's rate is 0.001."
    return Figure("rates", "The whole grid of learning rates behind every comparison", caption,
                  tuple(p for p in panels if p.series))  # fmt: skip


def _over_rates(rows: Rows) -> Iterator[Series]:
    depths = rows.distinct("depth") if len(rows) else []
    for i, depth in enumerate(depths):
        here = chosen(rows, depth=depth).group_by("rate").items()
        points = {rate: np.median([last(c) for c in curves(one).values()]) for (rate,), one in here}
        if len(points) > 2:
            level = i / max(len(depths) - 1, 1)
            yield Series(f"D = {depth}", rounded(points), rounded(points.values()), level=level)


def estimators(rows: Rows) -> Figure:
    """The same layers through every estimator: what agrees, and what does not."""
    panels, setting = [], ""
    found = chosen(rows, name=("mutual_information", "cka"), batchnorm="batch", readout="after", **PLAIN)
    images = max(found.distinct("n"), key=int, default=None) if len(found) else None
    for words, group in list(detailed(found))[:1]:
        for (name, estimator), one in chosen(group, n=images).group_by("name", "estimator").items():
            unit = "bits" if name == "mutual_information" else ""
            series = tuple(_by_architecture(one, {"name": name}))
            axis = Axis("information" if unit else "similarity", unit)
            panels.append(Panel(STEP, axis, series, ESTIMATOR_WORDS[str(estimator)]))
        setting = words
    caption = f"Median and quartiles over seeds; statistics of the images read, after the sum; {setting}."
    return Figure("estimators", "The same layers through every estimator", caption, tuple(panels))


def images(rows: Rows) -> Figure:
    """Information against the number of images it is read on: a property of the network would not move."""
    panels = []
    found = chosen(rows, name="mutual_information_by_images", readout="after", **PLAIN)
    for words, last_step in detailed(found):
        series = [
            _over_images(chosen(last_step, architecture=architecture), architecture)
            for architecture in ARCHITECTURES
        ]
        panels.append(
            Panel(Axis("test images", log=True), BITS, tuple(s for s in series if len(s.x) > 1), words)
        )
    caption = "KSG, k = 3, at the end of training; mean over seeds. The estimator's ceiling grows as log N."
    return Figure(
        "images", "Only the number of images changes, and the bits change with it", caption, tuple(panels)
    )


def _over_images(rows: Rows, architecture: str) -> Series:
    points = {int(n): float(one.values().mean()) for (n,), one in rows.group_by("n").items()}
    x = sorted(points)
    return Series(architecture, rounded(x), rounded(points[n] for n in x), group=architecture)


def causes(rows: Rows) -> Figure:
    """C11: starting information against time to 20 % error, one point for each start."""
    panels = []
    plain = chosen(rows, rate=RATE, labels="true")
    for (batch, samples, _, width, depth), group in plain.group_by(*SETTING).items():
        arms = chosen(group, architecture="mlp").group_by("init", "slope")
        if len(arms) < 4:
            continue
        named = {f"{init}, slope {s:g}" if s != 1 else str(init): one for (init, s), one in arms.items()}
        series = [_start(one, name, "mlp") for name, one in named.items()]
        series += [_start(chosen(group, architecture="shortcut", **PLAIN), "shortcut network", "shortcut")]
        words = f"{protocol_words(batch, samples)}, W = {width}, D = {depth}"
        panels.append(
            Panel(BITS, Axis("steps to 20 % error", log=True), tuple(s for s in series if s.x), words)
        )
    caption = (
        "Each point is one way to start a plain network (mean over seeds, whiskers: their range), beside the "
        "shortcut network; information at step 0 with the statistics of the images read, after the sum. "
        "A run that never gets there counts as twice its budget."
    )
    return Figure(
        "causes", "Raising the information without a skip: does training speed up?", caption, tuple(panels)
    )


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
    found = chosen(rows, name="ablated_error", rate=RATE, init="glorot_normal")
    for words, group in detailed(found):
        series = []
        for architecture in group.distinct("architecture"):
            ends = {
                str(path): [last(c) for c in curves(one).values()]
                for (path,), one in chosen(group, architecture=architecture).group_by("without").items()
            }
            x = tuple(f"{path} path cut" for path in ends)
            low, middle, high = (tuple(f(v) for v in ends.values()) for f in (min, np.median, max))
            series.append(
                Series(
                    architecture,
                    x,
                    rounded(middle),
                    "point",
                    architecture,
                    low=rounded(low),
                    high=rounded(high),
                )
            )
        panels.append(Panel(Axis("trained network"), ERROR_AXIS, tuple(series), words))
    caption = (
        "Median and range over seeds; the path's activations are replaced by their mean over the test images."
    )
    return Figure("cuts", "Cutting a path of a trained shortcut network", caption, tuple(panels))


def phases(rows: Rows) -> Figure:
    """C9: signal-to-noise of the gradient at frozen weights, and distance from the start."""
    panels = []
    base = chosen(rows, architecture="mlp", rate=RATE, init="glorot_normal", slope=1.0)
    for words, group in detailed(base):
        for read, words_y in (
            (_signal_to_noise, "gradient signal-to-noise"),
            (_travelled, "distance from start"),
        ):
            series = []
            for labels, colour in (("true", "mlp"), ("shuffled", "control")):
                found = read(chosen(group, labels=labels))
                if found:
                    series.append(median_band(found, f"{labels} labels", group=colour))
            panels.append(Panel(STEP, Axis(words_y, "", log=True), tuple(series), words))
    caption = "MLP; a batch's gradient at frozen weights, bias-corrected; median and quartiles."
    return Figure(
        "phases",
        "Drift and diffusion: the gradient's signal-to-noise ratio over training",
        caption,
        tuple(panels),
    )


def _signal_to_noise(rows: Rows) -> dict[int, Curve]:
    """The ratio over all layers; 0 or less, which means no signal was found, is drawn at a thousandth."""
    found = curves(rows, name="gradient_snr", layer="all")
    return {seed: (steps, np.maximum(values, 1e-3)) for seed, (steps, values) in found.items()}


def _travelled(rows: Rows) -> dict[int, Curve]:
    """Euclidean distance of all weights from the start, after the start itself."""
    found = chosen(rows, name="displacement", step=lambda step: step > 0)
    result = {}
    for (seed,), one in found.group_by("seed").items():
        by_step = {step: part.values() for (step,), part in one.group_by("step").items()}
        steps = np.array(sorted(by_step))
        result[seed] = (steps, np.array([np.sqrt(np.square(by_step[step]).sum()) for step in steps]))
    return result


def layers(rows: Rows) -> Figure:
    """C12: linear-probe accuracy and likeness of neighbours, layer by layer, over training."""
    panels = []
    for words, group in detailed(chosen(rows, architecture="mlp", **PLAIN)):
        for name, axis in (
            ("linear_probe_accuracy", "linear-probe accuracy"),
            ("neighbour_cka", "likeness to the layer below (CKA)"),
        ):
            found = chosen(group, name=name)
            steps = found.distinct("step") if len(found) else []
            series = [_over_layers(found, step, i / max(len(steps) - 1, 1)) for i, step in enumerate(steps)]
            panels.append(Panel(Axis("hidden layer"), Axis(axis), tuple(series), words))
    caption = "MLP; mean over seeds; one line a moment of training."
    return Figure(
        "layers", "Layer by layer: what each can tell, and how alike neighbours are", caption, tuple(panels)
    )


def _over_layers(rows: Rows, step: float, level: float) -> Series:
    means = {
        layer_number(layer): float(one.values().mean())
        for (layer,), one in chosen(rows, step=step).group_by("layer").items()
    }
    x = sorted(means)
    return Series(f"step {step:g}", rounded(x), rounded(means[i] for i in x), level=level)
