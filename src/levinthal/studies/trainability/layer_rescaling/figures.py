"""What is drawn: the whole grid of rates, the loss over training, and the speeds that drift."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from levinthal.lab import Rows
from levinthal.lab.analysis.bands import STEP, band_over
from levinthal.studies.trainability.layer_rescaling.claims import best, depths, part
from levinthal.studies.trainability.layer_rescaling.measure import RATES
from levinthal.vocabulary import Axis, Figure, Panel

LOSS = Axis("training loss", "nats", log=True)
NAMES = {
    "plain": "plain",
    "fixed": "constants, fixed at the start",
    "tracked": "factors tracked step by step",
    "lars": "LARS",
    "adam": "Adam",
}


def figures(rows: Rows) -> Iterator[Figure]:
    """Every figure for which there are rows."""
    losses = rows.where(name="training_loss")
    if len(losses):
        yield _grid(losses)
        yield _training(losses)
    if len(rows.where(name="imbalance")):
        yield _drift(rows)


def _panels(rows: Rows) -> list[int]:
    return [1, *depths(rows)] if 1 in rows.distinct("hidden") else depths(rows)


def _grid(rows: Rows) -> Figure:
    panels = []
    final = rows.where(step=max(rows.distinct("step")))
    for hidden in _panels(rows):
        series = [
            band_over(final.where(rule=rule, hidden=hidden), "rate", NAMES[rule], group=rule)
            for rule in RATES
            if rule in final.where(hidden=hidden).distinct("rule")
        ]
        panels.append(Panel(Axis("learning rate", log=True), LOSS, tuple(series), part(hidden)))
    caption = (
        f"Median and quartiles over {_seeds(rows)} seeds, after {max(rows.distinct('step')):,} steps; "
        "no point where most runs diverge."
    )
    return Figure("rates", _ranking(rows), caption, tuple(panels))


def _ranking(rows: Rows) -> str:
    """Which rule ends lowest in the deepest networks, and where the constants stand beside it."""
    deepest = max(_panels(rows))
    ends = {
        rule: float(np.median(list(b.scores.values()))) for rule in RATES if (b := best(rows, rule, deepest))
    }
    said = ", ".join(
        f"{NAMES[rule].split(',')[0]} {ends[rule]:.2g}" for rule in sorted(ends, key=ends.__getitem__)
    )
    return f"At their best rates, {part(deepest)}: {said} nats"


def _training(rows: Rows) -> Figure:
    panels = []
    for hidden in _panels(rows):
        winners = {rule: winner for rule in RATES if (winner := best(rows, rule, hidden))}
        trained = {rule: rows.where(rule=rule, hidden=hidden, rate=w.rate) for rule, w in winners.items()}
        series = [band_over(here, "step", NAMES[rule], group=rule) for rule, here in trained.items()]
        panels.append(Panel(STEP, LOSS, tuple(series), part(hidden)))
    caption = f"Median and quartiles over {_seeds(rows)} seeds, each rule at its best rate."
    return Figure("training", _who_starts_first(rows), caption, tuple(panels))


def _who_starts_first(rows: Rows) -> str:
    """By how much the constants lower the loss of the deepest networks."""
    deepest = max(_panels(rows))
    plain, fixed = best(rows, "plain", deepest), best(rows, "fixed", deepest)
    if plain is None or fixed is None:
        return "The loss over training"
    ends = [float(np.median(list(winner.scores.values()))) for winner in (plain, fixed)]
    return f"Constants take the loss from {ends[0]:.2g} to {ends[1]:.2g} nats with {part(deepest)}"


def _drift(rows: Rows) -> Figure:
    panels, last = [], []
    for hidden in _panels(rows.where(name="imbalance")):
        series = []
        for rule in ("plain", "fixed"):
            winner = best(rows, rule, hidden)
            if winner is not None:
                here = rows.where(name="imbalance", rule=rule, hidden=hidden, rate=winner.rate)
                series.append(band_over(here, "step", NAMES[rule], group=rule))
                last += [series[-1].y[-1]] if rule == "fixed" else []
        axis = Axis("fastest over slowest layer", "decades")
        panels.append(Panel(STEP, axis, tuple(series), part(hidden)))
    seen = f"are {10 ** last[-1]:.0f}-fold apart at the end" if last else "are not measured yet"
    title = f"Speeds equalised at the start {seen} ({part(max(_panels(rows)))})"
    caption = (
        f"Speed: norm of a layer's gradient times its factor; median and quartiles, {_seeds(rows)} seeds."
    )
    return Figure("drift", title, caption, tuple(panels))


def _seeds(rows: Rows) -> int:
    return len(rows.distinct("seed"))
