"""The figures: the gradient against the layer in the longest chains, and the window against the weight."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from levinthal.lab.analysis import RANGE, Along, By, caption, facets
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.one_neuron_chain.design import CASES, CHAINS
from levinthal.studies.trainability.one_neuron_chain.measure import escape_width
from levinthal.vocabulary import Axis, Figure, Panel, Series

LAYER = Along("layer", Axis("layer"), int)


def figures(rows: Rows) -> Iterator[Figure]:
    """Both figures, as far as there are rows."""
    if len(gradients := rows.where(name="gradient", case=CASES)):
        length = max(gradients.distinct("length"))
        longest = gradients.where(length=length)
        panels = facets(longest, LAYER, Axis("|dC/db|", log=True), By("case"), spread=RANGE)
        words = caption(rows, RANGE, f"chains of {length}, each number the median of {CHAINS} of them")
        yield Figure("gradients", "Gradients vanish or explode unless every term has size 1", words, panels)
    if len(widest := rows.where(case="window", name="widest")):
        weights = tuple(np.linspace(4, 12, 161).tolist())
        curve = Series("width", weights, tuple(map(escape_width, weights)), "reference")
        words = f"Closed form; the widest in a scan is {widest.values().mean():.4f} ({len(widest)} seeds)."
        panel = Panel(Axis("|w|"), Axis("width of inputs with |w s'(z)| ≥ 1"), (curve,))
        yield Figure("window", "Few inputs let the term of a sigmoid neuron reach 1", words, (panel,))
