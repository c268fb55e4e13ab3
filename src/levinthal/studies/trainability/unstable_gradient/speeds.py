"""The claims about the speed of the layers: what ||dC/db|| does from the first hidden layer to the last."""

from __future__ import annotations

import math

import numpy as np

from levinthal.lab.analysis.effects import BySeed, present
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.unstable_gradient.plan import EPOCHS, NORMS
from levinthal.vocabulary import Claim, Evidence

SOURCE = "Nielsen, Neural Networks and Deep Learning (2015), ch. 5"


def norms(rows: Rows, start: str, hidden: int, *, epochs: int = 0, labels: str = "true") -> Rows:
    """The ||dC/db|| of all layers and steps of one arm."""
    return rows.where(name="bias_gradient", start=start, hidden=hidden, epochs=epochs, labels=labels)


def last_over_first(arm: Rows, step: int = 0) -> dict[int, float]:
    """Seed -> log10 of the last hidden layer's ||dC/db|| over the first's, at a step."""
    layers = sorted(arm.distinct("layer"), key=int)
    if not layers:
        return {}
    first, last = (arm.by_seed(layer=layer, step=step) for layer in (layers[0], layers[-1]))
    return {seed: math.log10(last[seed] / first[seed]) if first[seed] > 0 else math.inf for seed in first}


def growth(rows: Rows, start: str, epoch: int = 0) -> dict[str, BySeed]:
    """Depth -> seed -> decades by which ||dC/db|| grows a layer, before training or at a later epoch."""
    found = {n: last_over_first(norms(rows, start, n, epochs=epoch), epoch) for n in NORMS}
    return present({f"{n} hidden layers": _over(arm, n - 1) for n, arm in found.items()})


def _over(arm: BySeed, steps: int) -> dict[int, float]:
    return {seed: value / steps for seed, value in arm.items()}


def slower_at_first(rows: Rows) -> Evidence:
    """U1: decades a layer with the book's start; control: the same widths, tanh, orthogonal."""
    times = 10 ** np.array(list(last_over_first(norms(rows, "book", 4)).values()))
    low, middle, high = np.quantile(times, [0.025, 0.5, 0.975]) if len(times) else [math.nan] * 3
    note = f"Last over first of 4 hidden layers: median {middle:.0f}, 95 % of draws {low:.0f} to {high:.0f}."
    return Evidence(growth(rows, "book"), growth(rows, "orthogonal"), notes=(note,) if len(times) else ())


def slower_with_unit_weights(rows: Rows) -> Evidence:
    """U2: decades a layer with weights N(0, 1); control: tanh, orthogonal."""
    return Evidence(growth(rows, "unit"), growth(rows, "orthogonal"))


def slower_throughout(rows: Rows) -> Evidence:
    """U3: decades a layer at the last epoch; control: tanh, orthogonal, trained as long.

    In decades a layer, as U1, for the control's ratio drifts too, and over more layers it drifts further.
    """
    return Evidence(growth(rows, "book", EPOCHS[-1]), growth(rows, "orthogonal", EPOCHS[-1]))


CLAIMS = (
    Claim(
        id="U1",
        says="Early layers learn slower: the gradient of the biases shrinks from layer to layer, backward.",
        source=SOURCE,
        effect="growth of ||dC/db|| from first to last hidden layer, before training",
        unit="decades a layer",
        smallest_effect=0.3,
        why_smallest="chosen by us: a factor of two a layer; the book gives single networks",
        control="the same widths with tanh units, orthogonal weights and no biases",
        evidence=slower_at_first,
    ),
    Claim(
        id="U2",
        says="With weights N(0, 1) the terms w s'(z) are below 1/4, and the gradient vanishes.",
        source=SOURCE,
        effect="growth of ||dC/db|| from first to last hidden layer, before training, weights N(0, 1)",
        unit="decades a layer",
        smallest_effect=0.3,
        why_smallest="chosen by us: a factor of two a layer; from terms below 1/4 the book expects more",
        control="the same widths with tanh units, orthogonal weights and no biases",
        evidence=slower_with_unit_weights,
    ),
    Claim(
        id="U3",
        says="Early layers stay slower throughout training.",
        source=SOURCE,
        effect="growth of ||dC/db|| from first to last hidden layer, after 499 epochs",
        unit="decades a layer",
        smallest_effect=0.3,
        why_smallest="chosen by us: a factor of two a layer; the book gives single networks",
        control="the same widths with tanh units, orthogonal weights and no biases",
        evidence=slower_throughout,
    ),
)
