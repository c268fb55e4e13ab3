"""The claims: the networks learn it, their weights are the paper's, and the rule is the gradient."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from levinthal.lab import Rows
from levinthal.vocabulary import Claim, Evidence

SOURCE = "Rumelhart, Hinton & Williams 1986, Nature 323, fig. 1"
CONTROL = "the same networks asked for 8 of the 64 vectors at random"


def share_solved(rows: Rows) -> Evidence:
    """Share of a seed's networks that have been right on all vectors within 5,000 sweeps."""
    found = rows.where(name="solved")
    if not len(found):
        return Evidence({})
    last = found.where(step=max(found.distinct("step")))
    effect, control = (last.by_seed(task=task) for task in ("symmetry", "random function"))
    return Evidence({"": effect}, {"": control})


def of_solutions(name: str) -> Callable[[Rows], Evidence]:
    """Mean of a number over a seed's solved networks; control: over all networks of random functions."""

    def evidence(rows: Rows) -> Evidence:
        found = rows.where(name=name)
        if not len(found):
            return Evidence({})
        control = _means(found.where(task="random function"))
        return Evidence({"": _means(found.where(task="symmetry", right=True))}, {"": control})

    return evidence


def _means(rows: Rows) -> dict[int, float]:
    return {seed: float(group.values().mean()) for (seed,), group in rows.group_by("seed").items()}


def delta_rule_is_the_slope(rows: Rows) -> Evidence:
    """Digits to which the delta rule is the slope of E; control: one factor left out."""
    found = rows.where(name="agreement")
    if not len(found):
        return Evidence({})
    effect, control = (found.by_seed(rule=rule) for rule in ("whole", "short"))
    return Evidence({"": effect}, {"": control})


def sweeps_needed(rows: Rows) -> Evidence:
    """Median sweeps to the first time that all is right, among a seed's networks that got there."""
    found = rows.where(name="sweeps")
    if not len(found):
        return Evidence({})
    medians = {}
    for (seed,), group in found.where(task="symmetry").group_by("seed").items():
        finite = group.values()[np.isfinite(group.values())]
        medians[seed] = float(np.median(finite)) if len(finite) else math.nan
    return Evidence({"": medians})


CLAIMS = (
    Claim(
        id="B1",
        says="Back-propagation teaches two hidden units to tell the symmetric vectors from all others.",
        source=SOURCE,
        effect="share of networks right on all 64 vectors within 5,000 sweeps (the paper shows one that is)",
        unit="",
        smallest=0.7,
        control=CONTROL,
        evidence=share_solved,
    ),
    Claim(
        id="B2",
        says="In a solution the weights are equal in size and opposite in sign about the middle.",
        source=SOURCE,
        effect="-cos of a hidden unit's weights and their mirror image, over solved networks",
        unit="",
        smallest=0.9,
        control=CONTROL,
        evidence=of_solutions("antisymmetry"),
    ),
    Claim(
        id="B3",
        says="In a solution the weights are in the ratio 1:2:4.",
        source=SOURCE,
        effect="share of solved networks with both hidden units within 5 % of 1:2:4",
        unit="",
        smallest=0.6,
        control=CONTROL,
        evidence=of_solutions("is_124"),
    ),
    Claim(
        id="B4",
        says="The error passed back through the layers is the gradient of E.",
        source="the same, equations 4 to 7",
        effect="digits to which the rule is the slope by central differences, worst network of a seed",
        unit="digits",
        smallest=6,
        control="the rule with one factor y (1 - y) left out",
        evidence=delta_rule_is_the_slope,
    ),
    Claim(
        id="B5",
        says="The paper's network was right after 1,425 sweeps.",
        source=SOURCE,
        effect="median sweeps of those that got there (looked at every 25)",
        unit="sweeps",
        smallest=None,
        control="",
        evidence=sweeps_needed,
    ),
)
