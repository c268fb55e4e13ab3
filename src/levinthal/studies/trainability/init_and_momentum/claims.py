"""The claims: momentum matters to a good start, cannot save a bad one, and the start's scale matters."""

from __future__ import annotations

import math

import numpy as np

from levinthal.lab import Rows
from levinthal.lab.analysis.rates import BestRate, best_rate
from levinthal.vocabulary import Claim, Evidence

SOURCE = "Sutskever, Martens, Dahl & Hinton 2013, ICML"
ARMS = (("classical", 0.9), ("nesterov", 0.9), ("classical", 0.99), ("nesterov", 0.99))
PLAIN = ("none", 0.0)
NAMES = {"none": "no momentum", "classical": "classical", "nesterov": "Nesterov"}


def best(rows: Rows, init: str, arm: tuple[str, float], scale: float = 1.0) -> BestRate | None:
    """An arm at its best rate: the lowest median training error at the end, over the whole grid."""
    found = rows.where(name="error")
    if not len(found):
        return None
    last = found.where(step=max(found.distinct("step")))
    return best_rate(last.where(init=init, rule=arm[0], momentum=arm[1], scale=scale))


def arm_words(arm: tuple[str, float]) -> str:
    """How an arm is called.

    >>> arm_words(("nesterov", 0.9)), arm_words(("none", 0.0))
    ('Nesterov .9', 'no momentum')
    """
    return NAMES[arm[0]] + (f" {arm[1]:g}".replace("0.", ".") if arm[1] else "")


def doublings(worse: BestRate | None, better: BestRate | None) -> dict[int, float]:
    """log2 of the errors' ratio, seed by seed; nothing where an arm has not run."""
    if worse is None or better is None:
        return {}
    both = worse.scores.keys() & better.scores.keys()
    return {seed: math.log2(worse.scores[seed] / better.scores[seed]) for seed in sorted(both)}


def edges(*arms: BestRate | None) -> bool:
    """Whether one of the arms has its best rate on the edge of the grid."""
    return any(arm is not None and arm.at_edge for arm in arms)


def momentum_helps_a_good_start(rows: Rows) -> Evidence:
    """Doublings of error without momentum over each arm with it; control: the same from small weights."""
    effects, control, at_edge, notes = {}, {}, False, []
    plain, bad = best(rows, "sparse", PLAIN), best(rows, "small", PLAIN)
    for arm in ARMS:
        good = best(rows, "sparse", arm)
        if found := doublings(plain, good):
            effects[arm_words(arm)] = found
            control[arm_words(arm)] = doublings(bad, best(rows, "small", arm))
            at_edge |= edges(plain, good)
            notes += [f"Best rate, {arm_words(arm)}: {good.rate:g}."] if good else []
    return Evidence(effects, control, at_edge, tuple(notes))


def nothing_saves_a_bad_start(rows: Rows) -> Evidence:
    """Error left from small weights as a share of the mean image's; control: the sparse start."""
    baseline = rows.where(name="mean_image_error")
    effects, control, at_edge = {}, {}, False
    for arm in (PLAIN, *ARMS):
        bad, good = best(rows, "small", arm), best(rows, "sparse", arm)
        if bad is None or good is None:
            continue
        at_edge |= edges(bad)
        mean = float(np.mean(baseline.values()))
        effects[arm_words(arm)] = {seed: error / mean for seed, error in bad.scores.items()}
        control[arm_words(arm)] = {seed: error / mean for seed, error in good.scores.items()}
    return Evidence(effects, control, at_edge)


def scale_matters(rows: Rows) -> Evidence:
    """Doublings of error at another scale over scale 1; control: scale 1, another seed's draw."""
    right = best(rows, "sparse", ARMS[-1])
    arms = {scale: best(rows, "sparse", ARMS[-1], scale) for scale in (0.25, 0.5, 4.0)}
    effects = {f"x {scale:g}": found for scale, arm in arms.items() if (found := doublings(arm, right))}
    return Evidence(effects, {"": _redrawn(right)} if right else {}, edges(right, *arms.values()))


def _redrawn(arm: BestRate) -> dict[int, float]:
    """log2 of each seed's error over the next seed's: what a new draw of the same scale does."""
    scores = list(arm.scores.values())
    return {
        s: math.log2(one / other)
        for s, one, other in zip(arm.scores, scores, scores[1:] + scores[:1], strict=True)
    }


def twice_the_scale(rows: Rows) -> Evidence:
    """Doublings of error at twice the scale over scale 1."""
    found = doublings(best(rows, "sparse", ARMS[-1], 2.0), best(rows, "sparse", ARMS[-1]))
    return Evidence({"": found} if found else {})


def nesterov_is_better(rows: Rows) -> Evidence:
    """Doublings of error of classical over Nesterov's momentum at .99; control: at .9."""
    arms = {arm: best(rows, "sparse", arm) for arm in ARMS}
    late, early = (doublings(arms["classical", most], arms["nesterov", most]) for most in (0.99, 0.9))
    return Evidence({"": late} if late else {}, {"": early} if early else {}, edges(*arms.values()))


CLAIMS = (
    Claim(
        id="M1",
        says="Well-initialised networks train much worse without momentum.",
        source=SOURCE,
        effect="doublings of training error without momentum, over each momentum, all at their best rates",
        unit="doublings",
        smallest=math.log2(1 / 0.8),
        control="the same from weights N(0, .01²)",
        evidence=momentum_helps_a_good_start,
    ),
    Claim(
        id="M2",
        says="Poorly initialised networks cannot be trained with any momentum.",
        source=SOURCE,
        effect="training error left from weights N(0, .01²), as a share of answering with the mean image",
        unit="",
        smallest=0.9,
        control="the sparse start with the same momentum",
        evidence=nothing_saves_a_bad_start,
    ),
    Claim(
        id="M3",
        says="The scale of the initial weights matters.",
        source=SOURCE,
        effect="doublings of training error at a quarter, half and four times the scale (Nesterov .99)",
        unit="doublings",
        smallest=1.0,
        control="another seed's draw of the same scale",
        evidence=scale_matters,
    ),
    Claim(
        id="M3b",
        says="Twice the scale costs next to nothing.",
        source=SOURCE,
        effect="doublings of training error at twice the scale (paper: .083 for .074, .17 doublings)",
        unit="doublings",
        smallest=None,
        control="",
        evidence=twice_the_scale,
    ),
    Claim(
        id="M4",
        says="At high momentum Nesterov's is better than the classical.",
        source=SOURCE,
        effect="doublings of training error of classical over Nesterov's momentum, at .99 (paper: .08)",
        unit="doublings",
        smallest=0.05,
        control="at .9, where the paper finds 1.0 for both",
        evidence=nesterov_is_better,
    ),
)
