"""The claims about speed, depth and final error: every comparison with its grid of rates (C3, C4, C7)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from levinthal.lab.analysis.curves import Curve, curves, last, steps_to
from levinthal.lab.analysis.effects import BySeed, average, doublings, present, slope
from levinthal.lab.analysis.rates import best_of
from levinthal.lab.judging.trends import jonckheere
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.keys import (
    ERROR,
    HALFWAY_ERROR,
    protocol_words,
)
from levinthal.studies.skips_and_dynamics.first_last_information.plan import RATE
from levinthal.vocabulary import Claim, Evidence

LOW_ERROR = 0.1
ANY_RATE: Mapping[str, Any] = {"init": "glorot_normal", "slope": 1.0, "labels": "true"}


@dataclass(frozen=True)
class Arm:
    """One side of a comparison: seed -> score (lower is better) at a rate, and if that is the grid's edge."""

    rate: float
    scores: BySeed
    at_edge: bool

    @property
    def rate_words(self) -> str:
        """The rate, or that at none of them most seeds get there."""
        return f"{self.rate:g}" if math.isfinite(np.median(list(self.scores.values()))) else "none gets there"


def arm(rows: Rows, score: Callable[[Curve], float], *, best: bool) -> Arm | None:
    """The arm at the paper's rate, or at its best rate by the rule of `best_of`."""
    grid = {
        rate: {seed: score(curve) for seed, curve in curves(group, **ERROR).items()}
        for (rate,), group in rows.where(rate=lambda rate: rate > 0).group_by("rate").items()
    }
    grid = {rate: scores for rate, scores in grid.items() if scores}
    if not best:
        return Arm(RATE, grid[RATE], False) if RATE in grid else None
    winner = best_of(grid)
    return Arm(winner.rate, winner.scores, winner.at_edge) if winner else None


def steps(error: float) -> Callable[[Curve], float]:
    """Score: steps to an error, at least half a one; inf for a run that never gets there."""
    return lambda curve: max(steps_to(curve, error), 0.5)


def final(curve: Curve) -> float:
    """Score: the error at the end, at least a ten-thousandth."""
    return max(last(curve), 1e-4)


def never(rows: Rows) -> float:
    """What a run that never gets there counts as: twice the steps it was given."""
    return 2 * float(max(rows.values("steps")))


def compared(
    pairs: Mapping[str, tuple[Rows, Rows]], score: Callable[[Curve], float], *, best: bool
) -> tuple[dict[str, BySeed], bool, list[str]]:
    """log2(score of the first / score of the second), part by part, seed by seed; any edge; what to note.

    A part where neither side gets there in most seeds says nothing of either: it is left out and named.
    """
    effects: dict[str, BySeed] = {}
    edge, notes = False, []
    for part, (slow_rows, fast_rows) in pairs.items():
        slow, fast = arm(slow_rows, score, best=best), arm(fast_rows, score, best=best)
        if slow is None or fast is None:
            continue
        found = {
            s: doublings(slow.scores[s], fast.scores[s], never(slow_rows))
            for s in slow.scores
            if s in fast.scores
        }
        if sum(map(math.isnan, found.values())) > len(found) / 2:
            notes.append(f"Left out, because neither gets there in the steps given: {part}.")
            continue
        effects[part] = found
        if best:
            edge |= slow.at_edge or fast.at_edge
            notes.append(f"Best rates, {part}: {slow.rate_words} and {fast.rate_words}.")
    return effects, edge, notes


def shortcut_is_faster(rows: Rows) -> Evidence:
    """C3: doublings of speed to 10 % error, shortcut against MLP; control: orthogonal MLP against MLP."""
    plain = rows.where(**ERROR)
    effects: dict[str, BySeed] = {}
    control: dict[str, BySeed] = {}
    edge, notes = False, []
    for best in (False, True):
        words = "each at its best rate" if best else "at the paper's rate"
        pairs = {f"{part}, {words}": pair for part, pair in _versus(plain, "mlp", "shortcut").items()}
        found, at_edge, more = compared(pairs, steps(LOW_ERROR), best=best)
        effects |= found
        edge |= at_edge
        notes += more
    pairs = _versus_init(plain, "mlp", "orthogonal")
    found, _, _ = compared(pairs, steps(LOW_ERROR), best=False)
    control[""] = average(found.values())
    return Evidence(present(_by_protocol(effects)), present(control), edge, tuple(notes))


def _versus(rows: Rows, slow: str, fast: str) -> dict[str, tuple[Rows, Rows]]:
    """Part -> the rows of both architectures, for each protocol, width and depth that has both."""
    pairs = {}
    for (batch, samples, width, depth), group in (
        rows.where(**ANY_RATE).group_by("batch", "samples", "width", "depth").items()
    ):
        sides = group.where(architecture=slow), group.where(architecture=fast)
        if all(len(side) for side in sides):
            pairs[f"{protocol_words(batch, samples)}, W={width}, D={depth}"] = sides
    return pairs


def _versus_init(rows: Rows, architecture: str, init: str) -> dict[str, tuple[Rows, Rows]]:
    """Part -> the rows of the usual and of another initialisation, at the paper's rate."""
    here = rows.where(architecture=architecture, rate=RATE, slope=1.0, labels="true")
    pairs = {}
    for (batch, samples, width, depth), group in here.group_by("batch", "samples", "width", "depth").items():
        sides = group.where(init="glorot_normal"), group.where(init=init)
        if all(len(side) for side in sides):
            pairs[f"{protocol_words(batch, samples)}, W={width}, D={depth}"] = sides
    return pairs


def _by_protocol(effects: Mapping[str, BySeed]) -> dict[str, BySeed]:
    """Merge the widths and depths of one protocol and one kind of rate into one part of the grid."""
    merged: dict[str, list[BySeed]] = {}
    for part, effect in effects.items():
        words = [word for word in part.split(", ") if not word.startswith(("W=", "D="))]
        merged.setdefault(", ".join(words), []).append(effect)
    return {part: average(found) for part, found in merged.items()}


def depth_slows(rows: Rows) -> Evidence:
    """C4: doublings of steps to 20 % error, and of final error, per doubling of the MLP's depth from 5 on.

    At the paper's rate, and with the best rate of each depth; control: the same below 5 layers.
    """
    mlp = rows.where(architecture="mlp", **ERROR, **ANY_RATE)
    effects: dict[str, BySeed] = {}
    control: dict[str, BySeed] = {}
    edge, notes = False, []
    scores = {"steps to 20 % error": steps(HALFWAY_ERROR), "final error": final}
    for (batch, samples), group in mlp.group_by("batch", "samples").items():
        if len(group.distinct("depth")) < 3:
            continue
        for words, score in scores.items():
            for best in (False, True):
                part = f"{words}, {protocol_words(batch, samples)}, {'best rates' if best else 'paper rate'}"
                deep, at_edge = _per_doubling(group.where(depth=lambda d: d >= 5), score, best=best)
                shallow, control_at_edge = _per_doubling(
                    group.where(depth=lambda d: d <= 5), score, best=best
                )
                if not deep:
                    continue
                effects[part], edge = deep, edge or at_edge
                if not best:
                    notes.append(_ordered(part, group.where(depth=lambda d: d >= 5), score))
                if at_edge:
                    notes.append(f"A best rate lies on the grid's edge: {part}.")
                if shallow:
                    control[part], edge = shallow, edge or control_at_edge
                if shallow and control_at_edge:
                    notes.append(f"A best rate of the control lies on the grid's edge: {part}.")
    return Evidence(present(effects), present(control), edge, tuple(notes))


def _ordered(part: str, rows: Rows, score: Callable[[Curve], float]) -> str:
    """Jonckheere's test over depth; a run that never gets there counts as slower than all that do."""
    arms = (arm(one, score, best=False) for one in rows.sorted_by("depth").group_by("depth").values())
    groups = [[min(v, never(rows)) for v in one.scores.values()] for one in arms if one is not None]
    return f"Jonckheere's test over depth, {part}: p = {jonckheere(groups).p_value:.2g}."


def _per_doubling(
    rows: Rows, score: Callable[[Curve], float], *, best: bool
) -> tuple[dict[int, float], bool]:
    """Slope of log2(score) on log2(depth), averaged over widths; a depth without its arm is left out."""
    slopes, edge = [], False
    for by_width in rows.group_by("width").values():
        arms = {d: arm(group, score, best=best) for (d,), group in by_width.group_by("depth").items()}
        points = {
            float(d): {s: math.log2(min(v, never(rows))) for s, v in one.scores.items()}
            for d, one in arms.items()
            if one is not None
        }
        if len(points) >= 2:
            slopes.append(slope(points))
            edge |= any(one.at_edge for one in arms.values() if one is not None)
    return average(slopes), edge


def residuals_end_better(rows: Rows) -> Evidence:
    """C7: doublings by which residuals lower the final error, at the paper's and at each arm's best rate."""
    plain = rows.where(**ERROR)
    effects: dict[str, BySeed] = {}
    control: dict[str, BySeed] = {}
    edge, notes = False, []
    for slow, fast in (("mlp", "residual"), ("shortcut", "shortcut-residual")):
        known = _versus(plain, slow, fast).items()
        pairs = {f"{slow} and {fast}, {part}": pair for part, pair in known if _differ(part)}
        for best in (False, True):
            words = f"{fast} against {slow}, {'best rates' if best else 'paper rate'}"
            found, at_edge, more = compared(pairs, final, best=best)
            if found:
                effects[words] = average(found.values())
            edge |= at_edge
            notes += more
        found, _, _ = compared(_versus_init(plain, slow, "orthogonal"), final, best=False)
        for words in effects:
            if words.startswith(f"{fast} "):
                control[words] = average(found.values())
    return Evidence(present(effects), present(control), edge, tuple(notes))


def _differ(part: str) -> bool:
    """Below five layers no residual sum exists, and the two networks are the same one."""
    return int(part.rpartition("D=")[2]) >= 5


CLAIMS = (
    Claim(
        id="C3",
        says="Shortcut networks reach a low error in far fewer epochs.",
        source="Hodas & Stinis 2018, arXiv abstract and sec. 3 (the published abstract no longer says it)",
        effect="doublings of speed to 10 % test error, shortcut against MLP",
        unit="doublings",
        smallest_effect=1.0,
        why_smallest="chosen by us: twice as fast is the least that 'far fewer epochs' can mean",
        control="orthogonal initialisation of the MLP, without a skip",
        evidence=shortcut_is_faster,
    ),
    Claim(
        id="C4",
        says="Beyond 5 to 10 layers a deeper MLP trains slower and ends worse.",
        source="Hodas & Stinis 2018, sec. 4, Fig. 4b",
        effect="doublings of training time and of final error per doubling of depth, from 5 layers on",
        unit="doublings",
        smallest_effect=0.25,
        why_smallest="chosen by us: a fifth more time and error for twice the depth; the paper gives "
        "no number",
        control="the same numbers up to 5 layers",
        evidence=depth_slows,
    ),
    Claim(
        id="C7",
        says="Residuals lower the final error of the MLP and of the shortcut network.",
        source="Hodas & Stinis 2018, arXiv version, sec. 3, Fig. 5b",
        effect="doublings by which residual sums lower the final test error",
        unit="doublings",
        smallest_effect=0.15,
        why_smallest="chosen by us: a tenth less error; the paper gives no number",
        control="orthogonal initialisation, without residual sums",
        evidence=residuals_end_better,
    ),
)
