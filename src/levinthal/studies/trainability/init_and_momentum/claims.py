"""The claims: momentum matters to a good start, cannot save a bad one, and the start's scale matters."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from levinthal.lab import Rows
from levinthal.lab.analysis.contrasts import (
    Effect,
    Reading,
    at_best_rate,
    best_at_end,
    compare,
    evidence,
    log2_ratio,
)
from levinthal.lab.analysis.rates import BestRate
from levinthal.vocabulary import Claim

SOURCE = "Sutskever, Martens, Dahl & Hinton 2013, ICML"
Arm = tuple[str, float]
"""Rule of the momentum, and its final value."""

ARMS: tuple[Arm, ...] = (("classical", 0.9), ("nesterov", 0.9), ("classical", 0.99), ("nesterov", 0.99))
PLAIN: Arm = ("none", 0.0)
NAMES = {"none": "no momentum", "classical": "classical", "nesterov": "Nesterov"}


def best(rows: Rows, init: str, arm: Arm, scale: float = 1.0) -> BestRate | None:
    """An arm at its best rate: the lowest median training error at the end, over the whole grid."""
    return best_at_end(rows, "error", **_cells(init, arm, scale))


def error(init: str, arm: Arm, scale: float = 1.0) -> Reading:
    """Training error at the end, at the arm's best rate."""
    return at_best_rate("error", **_cells(init, arm, scale))


def _cells(init: str, arm: Arm, scale: float) -> dict[str, Any]:
    return {"init": init, "rule": arm[0], "momentum": arm[1], "scale": scale}


def arm_words(arm: Arm) -> str:
    """How an arm is called.

    >>> arm_words(("nesterov", 0.9)), arm_words(("none", 0.0))
    ('Nesterov .9', 'no momentum')
    """
    return NAMES[arm[0]] + (f" {arm[1]:g}".replace("0.", ".") if arm[1] else "")


def without_momentum(init: str) -> dict[str, Reading]:
    """log2 of the error without momentum over that of each arm with it."""
    return {arm_words(arm): compare(error(init, PLAIN), error(init, arm), log2_ratio) for arm in ARMS}


def share_left(init: str) -> dict[str, Reading]:
    """Error of each arm as a share of the mean image's."""

    def share(arm: Arm) -> Reading:
        def read(rows: Rows) -> Effect:
            baseline = rows.where(name="mean_image_error").values()
            return error(init, arm)(rows).map(lambda left: left / float(np.mean(baseline)))

        return read

    return {arm_words(arm): share(arm) for arm in (PLAIN, *ARMS)}


def at_scale(scale: float) -> Reading:
    """log2 of the error at a scale of the sparse start over that at scale 1 (Nesterov .99)."""
    return compare(error("sparse", ARMS[-1], scale), error("sparse", ARMS[-1]), log2_ratio)


def redrawn(rows: Rows) -> Effect:
    """log2 of each seed's error over the next seed's: what a new draw of the same scale does."""
    found = error("sparse", ARMS[-1])(rows)
    scores = list(found.by_seed.values())
    pairs = zip(found.by_seed, scores, scores[1:] + scores[:1], strict=True)
    return replace(found, by_seed={seed: log2_ratio(one, other) for seed, one, other in pairs})


def classical_over_nesterov(most: float) -> Reading:
    """log2 of the error of classical over Nesterov's momentum."""
    return compare(error("sparse", ("classical", most)), error("sparse", ("nesterov", most)), log2_ratio)


CLAIMS = (
    Claim(
        id="M1",
        says="Well-initialised networks train much worse without momentum.",
        source=SOURCE,
        effect="doublings of training error without momentum, over each momentum, all at their best rates",
        unit="doublings",
        smallest_effect=math.log2(1 / 0.8),
        why_smallest="chosen by us: a quarter more error; the paper says 'much worse' and gives no size",
        control="the same from weights N(0, .01²)",
        evidence=evidence(without_momentum("sparse"), control=without_momentum("small")),
    ),
    Claim(
        id="M2",
        says="Poorly initialised networks cannot be trained with any momentum.",
        source=SOURCE,
        effect="training error left from weights N(0, .01²), as a share of answering with the mean image",
        unit="",
        smallest_effect=0.9,
        why_smallest="chosen by us: 1 is a network that learned nothing, and a tenth less is still "
        "next to nothing",
        control="the sparse start with the same momentum",
        evidence=evidence(share_left("small"), control=share_left("sparse")),
    ),
    Claim(
        id="M3",
        says="The scale of the initial weights matters.",
        source=SOURCE,
        effect="doublings of training error at a quarter, half and four times the scale (Nesterov .99)",
        unit="doublings",
        smallest_effect=1.0,
        why_smallest="chosen by us: twice the error; the paper gives no size",
        control="another seed's draw of the same scale",
        evidence=evidence({f"x {scale:g}": at_scale(scale) for scale in (0.25, 0.5, 4.0)}, control=redrawn),
    ),
    Claim(
        id="M3b",
        says="Twice the scale costs next to nothing.",
        source=SOURCE,
        effect="doublings of training error at twice the scale (paper: .083 for .074, .17 doublings)",
        unit="doublings",
        smallest_effect=None,
        control="",
        evidence=evidence(at_scale(2.0)),
    ),
    Claim(
        id="M4",
        says="At high momentum Nesterov's is better than the classical.",
        source=SOURCE,
        effect="doublings of training error of classical over Nesterov's momentum, at .99 (paper: .08)",
        unit="doublings",
        smallest_effect=0.05,
        why_smallest="chosen by us: somewhat less than the .08 of the paper",
        control="at .9, where the paper finds 1.0 for both",
        evidence=evidence(classical_over_nesterov(0.99), control=classical_over_nesterov(0.9)),
    ),
)
