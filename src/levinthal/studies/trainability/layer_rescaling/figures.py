"""The figures: the whole learning-rate grid, the loss over training, and the speeds that drift apart."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from levinthal.lab.analysis import (
    LEARNING_RATES,
    QUARTILES,
    STEPS,
    By,
    at_best,
    best_at_end,
    caption,
    drawn,
    facets,
)
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.layer_rescaling.design import NAMES, depth
from levinthal.vocabulary import Axis, Figure

LOSS = Axis("training loss", "nats", log=True)
SPEEDS = Axis("fastest over slowest layer", "log10 ratio")
RULES, DEPTHS = By("rule", NAMES), By("hidden", depth)


def figures(rows: Rows) -> Iterator[Figure]:
    """Every figure for which there are rows."""
    losses = rows.where(name="training_loss")
    if len(losses):
        yield from drawn((_grid(losses), _training(losses), _drift(rows)))


def _grid(rows: Rows) -> Figure:
    last = max(rows.distinct("step"))
    panels = facets(rows.where(step=last), LEARNING_RATES, LOSS, RULES, DEPTHS)
    deepest, ends = _ends(rows)
    ranking = ", ".join(f"{NAMES[rule]} {ends[rule]:.2g}" for rule in sorted(ends, key=ends.__getitem__))
    title = f"At their best learning rates, {depth(deepest)}: {ranking} nats"
    more = (f"after {last:,} steps", "no point where most runs diverge")
    return Figure("rates", title, caption(rows, QUARTILES, *more), panels)


def _ends(rows: Rows) -> tuple[int, dict[str, float]]:
    """The deepest networks, and each rule's median loss there at its best learning rate."""
    deepest = max(rows.distinct("hidden"))
    found = {rule: best_at_end(rows, "training_loss", rule=rule, hidden=deepest) for rule in NAMES}
    return deepest, {r: float(np.median(list(b.scores.values()))) for r, b in found.items() if b}


def _training(rows: Rows) -> Figure:
    deepest, ends = _ends(rows)
    title = "The loss over training"
    if "plain" in ends and "fixed" in ends:
        values = f"from {ends['plain']:.2g} to {ends['fixed']:.2g} nats"
        title = f"Constants take the loss {values} with {depth(deepest)}"
    panels = facets(rows, STEPS, LOSS, RULES, DEPTHS, narrow=at_best("training_loss"))
    return Figure("training", title, caption(rows, QUARTILES, "each rule at its best learning rate"), panels)


def _drift(rows: Rows) -> Figure:
    imbalance = partial(Rows.by_seed, name="imbalance")
    here = rows.where(rule=("plain", "fixed"))
    panels = facets(here, STEPS, SPEEDS, RULES, DEPTHS, narrow=at_best("training_loss"), reduce=imbalance)
    ends = [line.y[-1] for panel in panels for line in panel.series if line.group == "fixed"]
    seen = f"are {10 ** ends[-1]:.0f}-fold apart at the end" if ends else "are not measured yet"
    title = f"Speeds equalised at initialisation {seen} ({depth(max(rows.distinct('hidden')))})"
    speed = "speed: norm of a layer's gradient times its factor"
    return Figure("drift", title, caption(rows, QUARTILES, speed), panels)
