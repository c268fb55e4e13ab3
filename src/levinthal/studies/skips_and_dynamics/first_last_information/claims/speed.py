"""The claims about speed, depth and final error, each with its learning-rate grid (C3, C4, C7)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from levinthal.lab.analysis import Effect, Reading, compare, evidence, mean_over, slope_over
from levinthal.lab.analysis.curves import Curve, curves, last, steps_to
from levinthal.lab.analysis.effects import log2_speedup
from levinthal.lab.analysis.rates import best_of
from levinthal.lab.judging.trends import jonckheere
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import (
    ANY_RATE,
    ERROR,
    HALFWAY_ERROR,
    protocol,
)
from levinthal.studies.skips_and_dynamics.first_last_information.design import RATE
from levinthal.vocabulary import Claim

LOW_ERROR = 0.1
Score = Callable[[Curve], float]
"""From a run's test error over training to a number, lower is better."""

GLOROT, ORTHOGONAL = {"init": "glorot_normal"}, {"init": "orthogonal"}
ONE_RATE: Mapping[str, Any] = {"rate": RATE, "slope": 1.0, "labels": "true"}


def steps(error: float) -> Score:
    """Steps to an error, at least half a one; inf for a run that never reaches it."""
    return lambda curve: max(steps_to(curve, error), 0.5)


def final(curve: Curve) -> float:
    """The error at the end, at least a ten-thousandth."""
    return max(last(curve), 1e-4)


def never(rows: Rows) -> float:
    """The number of steps that counts for a run that never reaches an error: twice its budget."""
    return 2 * float(max(rows.values("steps")))


def scored(score: Score, *, best: bool) -> Reading:
    """The score of one arm, at the paper's learning rate or at its best one by the rule of `best_of`."""

    def read(rows: Rows) -> Effect:
        groups = rows.where(rate=lambda rate: rate > 0).group_by("rate").items()
        every = {rate: {s: score(c) for s, c in curves(part, **ERROR).items()} for (rate,), part in groups}
        grid = {rate: scores for rate, scores in every.items() if scores}
        if not best:
            return Effect(grid.get(RATE, {}))
        winner = best_of(grid)
        return Effect(winner.scores, (winner.rate,), winner.at_edge) if winner else Effect({})

    return read


def slow_over_fast(
    slow: Mapping[str, Any], fast: Mapping[str, Any], score: Score, *, best: bool = False
) -> Reading:
    """log2 of one arm's score over another's, in one setting.

    A setting in which neither arm reaches the error in most seeds says nothing of either: it is left out and
    named.
    """

    def read(rows: Rows) -> Effect:
        sides = [rows.where(**arm) for arm in (slow, fast)]
        one, other = (scored(score, best=best)(side) for side in sides)
        if not (one.by_seed and other.by_seed):
            return Effect({})
        how = partial(log2_speedup, never=never(sides[0]))
        found = compare(lambda _: one, lambda _: other, how)(rows)
        if sum(map(math.isnan, found.by_seed.values())) > len(found.by_seed) / 2:
            return Effect({}, note=f"Left out, because neither arm reaches the error: {_setting(rows)}.")
        chosen = f"Best learning rates, {_setting(rows)}: {_rate(one)} and {_rate(other)}." if best else ""
        return Effect(found.by_seed, (), found.at_edge, chosen)

    return read


def _setting(rows: Rows) -> str:
    batch, samples, width, depth = (rows.distinct(key)[0] for key in ("batch", "samples", "width", "depth"))
    return f"{protocol(batch, samples)}, W={width}, D={depth}"


def _rate(effect: Effect) -> str:
    """The learning rate, or that most seeds reach the error at none."""
    reached = math.isfinite(np.median(list(effect.by_seed.values())))
    return f"{effect.rates[0]:g}" if reached else "none reaches the error"


def shortcut_is_faster(rows: Rows) -> dict[str, Reading]:
    """C3: shortcut against MLP, for each protocol, at the paper's learning rate and at the best ones."""
    plain = rows.where(**ERROR).where(**ANY_RATE)
    protocols = dict[str, dict[str, Any]]()
    for batch, samples in plain.group_by("batch", "samples"):
        here = protocols.setdefault(protocol(batch, samples), {"batch": batch, "samples": []})
        here["samples"].append(samples)
    architectures = {"architecture": "mlp"}, {"architecture": "shortcut"}
    kinds = {"at the paper's learning rate": False, "each at its best learning rate": True}
    return {
        f"{words}, {kind}": mean_over(
            *("samples", "width", "depth"),
            of=slow_over_fast(*architectures, steps(LOW_ERROR), best=best),
            **{**ERROR, **ANY_RATE, **where},
        )
        for kind, best in kinds.items()
        for words, where in protocols.items()
    }


def orthogonal_is_better(architecture: str, score: Score) -> Reading:
    """The control without a skip: orthogonal against the usual weights, at the paper's learning rate."""
    arms = slow_over_fast(GLOROT, ORTHOGONAL, score)
    where = {"architecture": architecture, **ERROR, **ONE_RATE}
    return mean_over("batch", "samples", "width", "depth", of=arms, **where)


def depth_slows(shallow: bool) -> Callable[[Rows], dict[str, Reading]]:
    """C4: log2 of the score when the MLP is twice as deep, from 5 layers on, or in the control up to 5."""

    def depths(depth: int) -> bool:
        return depth <= 5 if shallow else depth >= 5

    def parts(rows: Rows) -> dict[str, Reading]:
        return {
            f"{words}, {protocol(batch, samples)}, {_kind(best)}": partial(
                _when_deeper,
                score=score,
                best=best,
                where={"batch": batch, "samples": samples, "depth": depths},
            )
            for (batch, samples), words, score in _scores_by_protocol(rows)
            for best in (False, True)
        }

    return parts


def _kind(best: bool) -> str:
    return "best learning rates" if best else "paper's learning rate"


def _scores_by_protocol(rows: Rows) -> Iterator[tuple[tuple[str, int], str, Score]]:
    """Batch and samples of each protocol with three depths or more, with each score and its words."""
    mlp = rows.where(architecture="mlp", **ERROR, **ANY_RATE)
    for (batch, samples), group in mlp.group_by("batch", "samples").items():
        if len(group.distinct("depth")) >= 3:
            yield (batch, samples), "steps to 20 % error", steps(HALFWAY_ERROR)
            yield (batch, samples), "final error", final


def _when_deeper(rows: Rows, *, score: Score, best: bool, where: Mapping[str, Any]) -> Effect:
    """Slope of log2(score) on log2(depth), averaged over widths; a depth without its arm is left out."""
    found = rows.where(architecture="mlp", **ERROR, **ANY_RATE).where(**where)
    if not len(found):
        return Effect({})

    def logarithm(part: Rows) -> Effect:
        return scored(score, best=best)(part).map(lambda number: math.log2(min(number, cap)))

    cap = never(found)
    return mean_over("width", of=slope_over("depth", of=logarithm))(found)


def ordered(rows: Rows) -> Iterator[str]:
    """Jonckheere's test over depth; a run that never reaches the error counts as slower than all that do."""
    for (batch, samples), words, score in _scores_by_protocol(rows):
        mlp = rows.where(architecture="mlp", batch=batch, samples=samples, **ERROR, **ANY_RATE)
        deep = mlp.where(depth=lambda depth: depth >= 5)
        cap = never(deep)
        arms = (scored(score, best=False)(one).by_seed for one in deep.group_by("depth").values())
        groups = [[min(v, cap) for v in one.values()] for one in arms if one]
        found = jonckheere(groups).p_value
        yield f"Jonckheere's test over depth, {words}, {protocol(batch, samples)}: p = {found:.2g}."


PAIRS = (("mlp", "residual"), ("shortcut", "shortcut-residual"))


def residuals_end_better() -> dict[str, Reading]:
    """C7: final error without over that with residuals, at the paper's and at the best learning rates.

    Below five layers no residual sum exists, and the two networks are identical.
    """

    def make(slow: str, fast: str, *, best: bool) -> Reading:
        arms = slow_over_fast({"architecture": slow}, {"architecture": fast}, final, best=best)
        where = {**ERROR, **ANY_RATE, "depth": lambda depth: depth >= 5}
        return mean_over("batch", "samples", "width", "depth", of=arms, **where)

    return {
        f"{fast} against {slow}, {_kind(best)}": make(slow, fast, best=best)
        for slow, fast in PAIRS
        for best in (False, True)
    }


def orthogonal_ends_better() -> dict[str, Reading]:
    """C7's control: the final error with the usual over that with orthogonal weights, without residuals."""
    return {
        f"{fast} against {slow}, {_kind(best)}": orthogonal_is_better(slow, final)
        for slow, fast in PAIRS
        for best in (False, True)
    }


CLAIMS = (
    Claim(
        id="C3",
        says="Shortcut networks reach a low error in far fewer epochs.",
        source="Hodas & Stinis 2018, arXiv abstract and sec. 3 (the published abstract no longer says it)",
        effect="steps of the MLP to 10 % test error over those of the shortcut network",
        unit="log2 ratio",
        smallest_effect=1.0,
        why_smallest="chosen by us: twice as fast is the least that 'far fewer epochs' can mean",
        control="orthogonal initialisation of the MLP, without a skip",
        evidence=evidence(shortcut_is_faster, control=orthogonal_is_better("mlp", steps(LOW_ERROR))),
    ),
    Claim(
        id="C4",
        says="Beyond 5 to 10 layers a deeper MLP trains slower and ends worse.",
        source="Hodas & Stinis 2018, sec. 4, Fig. 4b",
        effect="change of training time and of final error when the depth is twice, from 5 layers on",
        unit="log2 ratio",
        smallest_effect=0.25,
        why_smallest="chosen by us: a fifth more time and error at twice the depth; the paper gives none",
        control="the same numbers up to 5 layers",
        evidence=evidence(depth_slows(False), control=depth_slows(True), notes=ordered),
    ),
    Claim(
        id="C7",
        says="Residuals lower the final error of the MLP and of the shortcut network.",
        source="Hodas & Stinis 2018, arXiv version, sec. 3, Fig. 5b",
        effect="final test error without over that with residual sums",
        unit="log2 ratio",
        smallest_effect=0.15,
        why_smallest="chosen by us: a tenth less error; the paper gives no number",
        control="orthogonal initialisation, without residual sums",
        evidence=evidence(residuals_end_better(), control=orthogonal_ends_better()),
    ),
)
