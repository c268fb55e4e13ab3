"""The layers from input to output: signal, gradient, saturated and dead units at some samples of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from levinthal.clinic.presentation.update_ratios import gradients, weights
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.sample import LayerStats, Sample
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.rules.activations import MOST_UNITS
from levinthal.clinic.rules.context import typical
from levinthal.report.formatting import counted, sentence, share, share_of
from levinthal.vocabulary import Axis, Figure, Panel, Series

NAMED = 12
"""Layers that are shown by name; more are shown by number."""
PERCENT = 100.0
SIZE = Axis("Signal, rms of the output", log=True)
GRADIENT = Axis("Gradient per weight, rms", log=True)
SATURATED = Axis("Saturated inputs", "%")
DEAD = Axis("Units constant over the batch", "%")
MOST = ("threshold", PERCENT * MOST_UNITS)
"""The share above which a layer counts as saturated or dead."""


def evenly(count: int, most: int) -> list[int]:
    """At most `most` of `count` indices, evenly spaced, with the first and the last.

    >>> evenly(3, 7), evenly(100, 4), evenly(0, 3)
    ([0, 1, 2], [0, 33, 66, 99], [])
    """
    if count <= most:
        return list(range(count))
    return [round(i * (count - 1) / (most - 1)) for i in range(most)]


def places(names: Sequence[str]) -> tuple[float | str, ...]:
    """The positions of layers on an axis: names where they are few, else numbers.

    >>> places(["a", "b", "a"])
    ('a', 'b', 'a (2)')
    """
    if len(names) > NAMED:
        return tuple(float(i + 1) for i in range(len(names)))
    again = (list(names[:i]).count(name) + 1 for i, name in enumerate(names))
    return tuple(f"{name} ({k})" if k > 1 else name for name, k in zip(names, again, strict=True))


def layer_axis(count: int, word: str) -> Axis:
    """The axis of `places`."""
    return Axis(f"{word}, from input to output" if count <= NAMED else f"{word}, by number from the input")


def labels(kinds: Mapping[str, str]) -> dict[str, str]:
    """The label of each layer: its name, with its kind where the name is a number.

    >>> labels({"0": "Linear", "head": "Linear", "": "Linear"})
    {'0': 'Linear 0', 'head': 'head', '': 'Linear'}
    """
    return {n: f"{k} {n}".strip() if not n.strip("0123456789.") else n for n, k in kinds.items()}


def level(x: Sequence[float | str], name: str, y: float) -> Series:
    """A dotted reference line across a panel."""
    return Series(name, (x[0], x[-1]), (y, y), "reference")


def most(saturated: Sequence[float], dead: Sequence[float]) -> Iterator[str]:
    """The largest share of saturated inputs and of dead units of a layer, in words."""
    if saturated:
        yield f"at most {share(max(saturated))} of a layer's inputs are saturated"
    if dead:
        yield f"at most {share(max(dead))} of a layer's units are dead"


def run_profiles(history: History, setup: TrainingSetup | None = None) -> Figure:
    """Signal, gradient, saturated and dead units at the first, the middle and the last sample."""
    kinds = history.layer_names
    reads = {name: [read for read in history.layer(name) if _is_number(read)] for name in kinds}
    last = {name: of[-1] for name, of in reads.items() if of}
    panels = (*_signal(history, kinds), *_gradients(history, setup), *_active(history, last))
    caption = f"{counted(len(kinds), 'layer')}; first, middle and last sample with finite numbers."
    return Figure("layers", _title(history, setup, last), caption, panels)


def _signal(history: History, kinds: Mapping[str, str]) -> Iterator[Panel]:
    """The output of every layer."""
    if kinds:
        series = tuple(_lines(history, list(kinds), _rms))
        yield Panel(layer_axis(len(kinds), "Layer"), SIZE, series)


def _rms(read: LayerStats) -> float:
    """Root mean square of a layer's output."""
    return float(read.norm) / math.sqrt(max(read.count, 1))


def _gradients(history: History, setup: TrainingSetup | None) -> Iterator[Panel]:
    """The gradient of every matrix, at the steps of the other panels where there are other panels."""
    names, values = weights(history, setup).names, gradients(history, setup)
    steps = history.tensor_steps.tolist()
    rows = {s: row.tolist() for s, row in zip(steps, values, strict=True) if np.isfinite(row).any()}
    chosen = [sample.step for sample in _chosen(history) if sample.step in rows]
    chosen = chosen or [list(rows)[i] for i in evenly(len(rows), 3)]
    if names and chosen:
        lines = _by_step(places(names), [(step, rows[step]) for step in chosen])
        yield Panel(layer_axis(len(names), "Weight matrix"), GRADIENT, lines)


def _active(history: History, last: Mapping[str, LayerStats]) -> Iterator[Panel]:
    """Saturated shares of activations that saturate at both ends, dead shares of the others."""
    for axis, read, both in ((SATURATED, _saturated, True), (DEAD, _dead, False)):
        names = [n for n, r in last.items() if r.live_inputs is not None and r.saturates is both]
        if names:
            lines = _lines(history, names, read)
            against = [level(line.x, *MOST) for line in lines[:1]]
            yield Panel(layer_axis(len(names), "Activation"), axis, (*against, *lines))


def _is_number(read: LayerStats) -> bool:
    """Whether a layer's output is finite."""
    return math.isfinite(float(read.norm))


def _saturated(read: LayerStats) -> float:
    """Saturated inputs in per cent."""
    return PERCENT * read.saturated_share


def _dead(read: LayerStats) -> float:
    """Dead units in per cent."""
    return PERCENT * read.dead_share


def _chosen(history: History) -> list[Sample]:
    """The first, the middle and the last sample with finite signals. Complete samples come first, because in
    the others layers and weights are read at different steps.
    """
    seen = [sample for sample in history if sample.names and all(map(_is_number, sample.layers))]
    whole = [sample for sample in seen if sample.tensors is not None] or seen
    return [whole[i] for i in evenly(len(whole), 3)]


def _lines(history: History, names: Sequence[str], read: Callable[[LayerStats], float]) -> tuple[Series, ...]:
    """One line for each chosen sample."""
    called = labels(history.layer_names)
    lines = [(sample.step, _reads(sample, names, read)) for sample in _chosen(history)]
    return _by_step(places([called[name] for name in names]), lines)


def _reads(sample: Sample, names: Sequence[str], read: Callable[[LayerStats], float]) -> list[float]:
    held = dict(zip(sample.names, sample.layers, strict=True))
    return [read(held[name]) if name in held else math.nan for name in names]


def _by_step(x: tuple[float | str, ...], lines: Sequence[tuple[int, list[float]]]) -> tuple[Series, ...]:
    """One line for each step, coloured by its order."""
    depth = max(len(lines) - 1, 1)
    return tuple(
        Series(f"step {step:,}", x, tuple(values), level=k / depth) for k, (step, values) in enumerate(lines)
    )


def _title(history: History, setup: TrainingSetup | None, last: Mapping[str, LayerStats]) -> str:
    """The title: the gradient ratio, and the largest shares of saturated and dead units."""
    usual = typical(gradients(history, setup), 0) if len(history) else np.zeros(0)
    known = usual[np.isfinite(usual)]
    said: list[str] = []
    if len(known) > 1 and known[-1] > 0:
        ratio = share_of(float(known[0] / known[-1]))
        said.append(f"the gradient of the first matrix is {ratio} that of the last")
    active = [read for read in last.values() if read.live_inputs is not None]
    said += most(
        [r.saturated_share for r in active if r.saturates], [r.dead_share for r in active if not r.saturates]
    )
    return sentence("; ".join(said)) or "The layers, from input to output"
