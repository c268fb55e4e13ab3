"""The claims about the speed of the layers: ||dC/db|| from the first hidden layer to the last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from levinthal.lab.analysis import Reading, compare, evidence, log10_ratio, mapped, value
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.unstable_gradient.design import EPOCHS, NORMS, SOURCE
from levinthal.vocabulary import Claim

LAST = EPOCHS[-1]
CONTROL = "the same widths with tanh units, orthogonal weights and no biases"


def norm(start: str, hidden: int, layer: int, *, epochs: int = 0, step: int = 0, **where: Any) -> Reading:
    """||dC/db|| of one layer in the runs of so many epochs, at an epoch."""
    arm: dict[str, Any] = {"start": start, "hidden": hidden, "epochs": epochs, "labels": "true"} | where
    return value("bias_gradient", step=step, layer=f"{layer}", **arm)


def last_over_first(start: str, hidden: int, epochs: int = 0, step: int = 0, **where: Any) -> Reading:
    """log10 of the last hidden layer's ||dC/db|| over the first's, at an epoch."""
    last, first = (norm(start, hidden, n, epochs=epochs, step=step, **where) for n in (hidden, 1))
    return compare(last, first, log10_ratio)


def growth(start: str, epoch: int = 0) -> dict[str, Reading]:
    """log10 of the factor on ||dC/db|| per layer, for each depth, before training or at a later epoch.

    Per layer also later, because the control's ratio drifts too, and over more layers it drifts further.
    """

    def per_layer(hidden: int) -> Reading:
        return mapped(last_over_first(start, hidden, epoch, epoch), lambda whole: whole / (hidden - 1))

    return {f"{hidden} hidden layers": per_layer(hidden) for hidden in NORMS}


def draws(rows: Rows) -> Iterator[str]:
    """The ratio over four layers, which the book shows, and its spread over the draws."""
    found = list(last_over_first("book", 4)(rows).by_seed.values())
    if found:
        low, middle, high = np.quantile(10 ** np.array(found), [0.025, 0.5, 0.975])
        yield (
            f"Last over first of 4 hidden layers: median {middle:.0f}, 95 % of draws {low:.0f} to {high:.0f}."
        )


CLAIMS = (
    Claim(
        id="U1",
        says="Early layers learn slower: the gradient of the biases shrinks from layer to layer, backward.",
        source=SOURCE,
        effect="growth of ||dC/db|| from first to last hidden layer, before training",
        unit="log10 ratio per layer",
        smallest_effect=0.3,
        why_smallest="chosen by us: a factor of two a layer; the book gives single networks",
        control=CONTROL,
        evidence=evidence(growth("book"), control=growth("orthogonal"), notes=draws),
    ),
    Claim(
        id="U2",
        says="With weights N(0, 1) the terms w s'(z) are below 1/4, and the gradient vanishes.",
        source=SOURCE,
        effect="growth of ||dC/db|| from first to last hidden layer, before training, weights N(0, 1)",
        unit="log10 ratio per layer",
        smallest_effect=0.3,
        why_smallest="chosen by us: a factor of two a layer; from terms below 1/4 the book expects more",
        control=CONTROL,
        evidence=evidence(growth("unit"), control=growth("orthogonal")),
    ),
    Claim(
        id="U3",
        says="Early layers stay slower throughout training.",
        source=SOURCE,
        effect="growth of ||dC/db|| from first to last hidden layer, after 499 epochs",
        unit="log10 ratio per layer",
        smallest_effect=0.3,
        why_smallest="chosen by us: a factor of two a layer; the book gives single networks",
        control=CONTROL,
        evidence=evidence(growth("book", LAST), control=growth("orthogonal", LAST)),
    ),
)
