"""The notes of the claims on networks in training: the budget, and the state of arms that a number hides."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from levinthal.lab.analysis.budget import budget
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.last_layer_saturation.claims.readings import (
    at_best,
    saturated_layers,
    untrained,
)
from levinthal.studies.trainability.last_layer_saturation.design import UPDATES, Arm


def updates(rows: Rows) -> float:
    """The updates of the longest run."""
    return max(map(float, rows.distinct("steps")), default=0) if len(rows) else 0


def about(*kinds: Arm) -> Callable[[Rows], Iterator[str]]:
    """The share of the paper's updates, and the arms that no learning rate trains."""

    def notes(rows: Rows) -> Iterator[str]:
        yield from budget(updates, UPDATES, "the paper")(rows)
        yield from untrained(*kinds)(rows)

    return notes


def about_order(control: Arm) -> Callable[[Rows], Iterator[str]]:
    """The share of the paper's updates, and how many layers of the control saturate."""

    def notes(rows: Rows) -> Iterator[str]:
        yield from budget(updates, UPDATES, "the paper")(rows)
        if found := list(at_best(saturated_layers, control)(rows).by_seed.values()):
            yield f"Of the control's four layers {np.mean(found):.2g} saturate, mean over seeds."

    return notes
