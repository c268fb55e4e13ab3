"""The claims: the networks learn it, their weights are the paper's, and the rule gives the gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from levinthal.lab.analysis import evidence, mean_by_seed, value
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.backprop_symmetry.design import SOURCE
from levinthal.vocabulary import Claim, Evidence

CONTROL = "the same networks trained on 8 of the 64 vectors at random"


def of_solutions(name: str) -> Callable[[Rows], Evidence]:
    """Mean of a number over a seed's solved networks; control: over all networks of random functions."""
    mean = partial(value, name, step=None, reduce=mean_by_seed)
    return evidence(mean(task="symmetry", right=True), control=mean(task="random function"))


def median_of_finite(rows: Rows) -> dict[int, float]:
    """Seed -> median of the finite numbers; NaN where there is none."""
    values = {seed: group.values() for (seed,), group in rows.group_by("seed").items()}
    finite = {seed: v[np.isfinite(v)] for seed, v in values.items()}
    return {seed: float(np.median(v)) if len(v) else math.nan for seed, v in finite.items()}


CLAIMS = (
    Claim(
        id="B1",
        says="Back-propagation teaches two hidden units to tell the symmetric vectors from all others.",
        source=SOURCE,
        effect="share of networks right on all 64 vectors within 5,000 sweeps (the paper shows one that is)",
        unit="",
        smallest_effect=0.7,
        why_smallest="chosen by us: seven networks in ten; the paper shows one network that succeeds, "
        "and gives no share",
        control=CONTROL,
        evidence=evidence(value("solved", task="symmetry"), control=value("solved", task="random function")),
    ),
    Claim(
        id="B2",
        says="In a solution the weights are equal in size and opposite in sign about the middle.",
        source=SOURCE,
        effect="-cos of a hidden unit's weights and their mirror image, over solved networks",
        unit="",
        smallest_effect=0.9,
        why_smallest="chosen by us: 1 is exact antisymmetry, which the paper states without a tolerance",
        control=CONTROL,
        evidence=of_solutions("antisymmetry"),
    ),
    Claim(
        id="B3",
        says="In a solution the weights are in the ratio 1:2:4.",
        source=SOURCE,
        effect="share of solved networks with both hidden units within 5 % of 1:2:4",
        unit="",
        smallest_effect=0.6,
        why_smallest="chosen by us: more than half of the networks; the paper shows one",
        control=CONTROL,
        evidence=of_solutions("is_124"),
    ),
    Claim(
        id="B4",
        says="The error passed back through the layers is the gradient of E.",
        source="the same, equations 4 to 7",
        effect="digits to which the rule is the slope by central differences, worst network of a seed",
        unit="digits",
        smallest_effect=6,
        why_smallest="chosen by us: central differences in float64 are themselves good to 6 digits or more",
        control="the rule with one factor y (1 - y) left out",
        evidence=evidence(
            value("agreement", step=None, rule="whole"), control=value("agreement", step=None, rule="short")
        ),
        deterministic=True,
    ),
    Claim(
        id="B5",
        says="The paper's network was right after 1,425 sweeps.",
        source=SOURCE,
        effect="median sweeps of the networks that solve it (evaluated every 25)",
        unit="sweeps",
        smallest_effect=None,
        control="",
        evidence=evidence(value("sweeps", step=None, reduce=median_of_finite, task="symmetry")),
    ),
)
