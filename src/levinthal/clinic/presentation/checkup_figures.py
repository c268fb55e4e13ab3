"""The figures of a checkup before training: signal, gradient and gains of every layer, with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from levinthal.clinic.presentation.profiles import (
    DEAD,
    MOST,
    PERCENT,
    SATURATED,
    SIZE,
    labels,
    layer_axis,
    level,
    most,
    places,
)
from levinthal.probes.signal import Layer
from levinthal.report.formatting import counted, sentence, share_of
from levinthal.vocabulary import Axis, Estimate, Figure, Panel, Series, rounded

SLOPE = Axis("Gradient at the output, rms", log=True)
FORWARD = Axis("Forward gain, output / input", log=True)
BACKWARD = Axis("Backward gain, input / output", log=True)
UNCHANGED = ("unchanged", 1.0)


def checkup_figures(layers: Sequence[Layer]) -> list[Figure]:
    """Signal and gradient of every layer, its gains in both directions, saturated and dead shares."""
    if not layers:
        return []
    kinds = labels({layer.name: layer.kind for layer in layers})
    names = [kinds[layer.name] for layer in layers]
    sizes = (
        _panel(names, SIZE, [layer.forward_scale for layer in layers]),
        _panel(names, SLOPE, [layer.backward_scale for layer in layers]),
    )
    gains = (
        _panel(names, FORWARD, [layer.forward_gain for layer in layers], UNCHANGED),
        _panel(names, BACKWARD, [layer.backward_gain for layer in layers], UNCHANGED),
    )
    caption = f"{counted(len(layers), 'layer')} before training, on one batch; 95 % intervals over its rows."
    figures = (
        Figure("sizes", _sizes_title(layers), caption, sizes),
        Figure("gains", _gains_title(layers), caption, gains),
        Figure("activations", _active_title(layers), caption, tuple(_active(layers, names))),
    )
    return [figure for figure in figures if figure.panels]


def _panel(
    names: Sequence[str],
    axis: Axis,
    found: Sequence[Estimate | None],
    against: tuple[str, float] | None = None,
    scale: float = 1.0,
) -> Panel:
    """One point with its interval for each layer, and a reference line."""
    x = places(names)
    there = [(at, estimate) for at, estimate in zip(x, found, strict=True) if estimate is not None]
    ends = [(e.interval.low, e.interval.high) if e.interval else (e.value, e.value) for _, e in there]
    points = Series(
        "layer", tuple(at for at, _ in there), tuple(scale * e.value for _, e in there), "point", "start",
        low=tuple(scale * low for low, _ in ends), high=tuple(scale * high for _, high in ends),
    )  # fmt: skip
    lines = () if against is None else (level(x, *against),)
    return Panel(layer_axis(len(names), "Layer"), axis, (*lines, points))


def _active(layers: Sequence[Layer], names: Sequence[str]) -> Iterator[Panel]:
    """Saturated shares of activations that saturate at both ends, dead shares of the others."""
    for axis, both in ((SATURATED, True), (DEAD, False)):
        of = [
            (name, layer.saturated if both else layer.dead)
            for name, layer in zip(names, layers, strict=True)
            if layer.tails is not None and layer.tails.saturates is both
        ]
        if of:
            yield _panel([name for name, _ in of], axis, [found for _, found in of], MOST, PERCENT)


def _sizes_title(layers: Sequence[Layer]) -> str:
    """How signal and gradient change from end to end."""
    first, last = layers[0], layers[-1]
    ahead = _ratio(last.forward_scale, first.forward_scale)
    back = _ratio(first.backward_scale, last.backward_scale)
    return f"Signal: the last layer has {ahead} the first. Gradient: the first layer has {back} the last"


def _ratio(above: Estimate, below: Estimate) -> str:
    """A ratio in words."""
    known = below.value > 0 and math.isfinite(above.value) and math.isfinite(below.value)
    return share_of(above.value / below.value) if known else "an unknown multiple of"


def _gains_title(layers: Sequence[Layer]) -> str:
    """The range of the gains."""
    ahead = [layer.forward_gain.value for layer in layers]
    back = [layer.backward_gain.value for layer in layers if layer.backward_gain is not None]
    said = f"A layer multiplies the signal by {rounded(min(ahead), 2)} to {rounded(max(ahead), 2)}"
    return f"{said}, and the gradient by {rounded(min(back), 2)} to {rounded(max(back), 2)}" if back else said


def _active_title(layers: Sequence[Layer]) -> str:
    """The largest shares of saturated and dead units."""
    saturated = [layer.saturated for layer in layers if layer.tails and layer.tails.saturates]
    dead = [layer.dead for layer in layers if layer.tails and not layer.tails.saturates]
    shares = [[float(found) for found in some if found is not None] for some in (saturated, dead)]
    return sentence("; ".join(most(*shares))) or "The activations"
