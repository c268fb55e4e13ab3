"""The claims about speed, depth, error, phases and layers (C3, C4, C7, C9, C11, C12)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from levinthal.lab.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.curves import (
    ERROR,
    PLAIN,
    BySeed,
    Curve,
    average,
    chosen,
    curves,
    doublings,
    first,
    information,
    last,
    null,
    present,
    protocol_words,
    rank_correlation,
    slope,
    steps_to,
    time_to,
)
from levinthal.studies.skips_and_dynamics.first_last_information.plan import RATE
from levinthal.vocabulary import Claim, Evidence

LOW_ERROR = 0.1
HALFWAY_ERROR = 0.2
ANY_RATE: Mapping[str, Any] = {"init": "glorot_normal", "slope": 1.0, "labels": "true"}


@dataclass(frozen=True)
class Arm:
    """One side of a comparison: seed -> score (lower is better) at a rate, and if that is the grid's edge."""

    rate: float
    scores: BySeed
    at_edge: bool


def arm(rows: Rows, score: Callable[[Curve], float], *, best: bool) -> Arm | None:
    """The arm at the paper's rate, or at the rate with the lowest median score over the whole grid."""
    grid = {
        rate: {seed: score(curve) for seed, curve in curves(group, **ERROR).items()}
        for (rate,), group in chosen(rows, rate=lambda rate: rate > 0).group_by("rate").items()
    }
    grid = {rate: scores for rate, scores in grid.items() if scores}
    if not best or len(grid) < 3:
        return Arm(RATE, grid[RATE], False) if RATE in grid and not best else None
    rates = sorted(grid)
    medians = {rate: float(np.median(list(grid[rate].values()))) for rate in rates}
    if math.isinf(min(medians.values())):  # no rate gets there: the paper's is as good as any
        return Arm(RATE, grid.get(RATE, grid[rates[0]]), False)
    winner = min(rates, key=lambda rate: medians[rate])
    return Arm(winner, grid[winner], winner in (rates[0], rates[-1]))


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
    """log2(score of the first / score of the second), part by part, seed by seed; any edge; what to note."""
    effects: dict[str, BySeed] = {}
    edge, notes = False, []
    for part, (slow_rows, fast_rows) in pairs.items():
        slow, fast = arm(slow_rows, score, best=best), arm(fast_rows, score, best=best)
        if slow is None or fast is None:
            continue
        effects[part] = {
            s: doublings(slow.scores[s], fast.scores[s], never(slow_rows))
            for s in slow.scores
            if s in fast.scores
        }
        if best:
            edge |= slow.at_edge or fast.at_edge
            notes.append(f"Best rates, {part}: {slow.rate:g} and {fast.rate:g}.")
    return effects, edge, notes


def shortcut_is_faster(rows: Rows) -> Evidence:
    """C3: doublings of speed to 10 % error, shortcut against MLP; control: orthogonal MLP against MLP."""
    plain = chosen(rows, **ERROR)
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
        chosen(rows, **ANY_RATE).group_by("batch", "samples", "width", "depth").items()
    ):
        sides = group.where(architecture=slow), group.where(architecture=fast)
        if all(len(side) for side in sides):
            pairs[f"{protocol_words(batch, samples)}, W={width}, D={depth}"] = sides
    return pairs


def _versus_init(rows: Rows, architecture: str, init: str) -> dict[str, tuple[Rows, Rows]]:
    """Part -> the rows of the usual and of another initialisation, at the paper's rate."""
    here = chosen(rows, architecture=architecture, rate=RATE, slope=1.0, labels="true")
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
    mlp = chosen(rows, architecture="mlp", **ERROR, **ANY_RATE)
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
                shallow, _ = _per_doubling(group.where(depth=lambda d: d <= 5), score, best=best)
                if not deep:
                    continue
                effects[part], edge = deep, edge or at_edge
                if at_edge:
                    notes.append(f"A best rate lies on the grid's edge: {part}.")
                if shallow:
                    control[part] = shallow
    return Evidence(present(effects), present(control), edge, tuple(notes))


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
    plain = chosen(rows, **ERROR)
    effects: dict[str, BySeed] = {}
    control: dict[str, BySeed] = {}
    edge, notes = False, []
    for slow, fast in (("mlp", "residual"), ("shortcut", "shortcut-residual")):
        pairs = {part: pair for part, pair in _versus(plain, slow, fast).items() if _differ(part)}
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


def drift_then_diffusion(rows: Rows) -> Evidence:
    """C9: doublings by which the gradient's signal-to-noise falls over training; control: shuffled labels."""
    effects: dict[str, BySeed] = {}
    control: dict[str, BySeed] = {}
    found = chosen(
        rows, name="gradient_snr", layer="all", architecture="mlp", rate=RATE, init="glorot_normal", slope=1.0
    )
    for (batch, labels), group in found.group_by("batch", "labels").items():
        falls = average(
            {seed: _early_over_late(curve) for seed, curve in curves(one).items()}
            for one in group.group_by("samples", "width", "depth").values()
        )
        side = effects if labels == "true" else control
        side[protocol_words(batch)] = falls
    return Evidence(present(effects), present(control))


def _early_over_late(curve: Curve) -> float:
    """log2 of the median of the first third over the median of the last third."""
    values = np.maximum(curve[1], 1e-6)
    third = max(len(values) // 3, 1)
    return float(np.log2(np.median(values[:third]) / np.median(values[-third:])))


def information_causes_speed(rows: Rows) -> Evidence:
    """C11: over plain networks with different starts, rank correlation of starting information and speed."""
    effects: dict[str, BySeed] = {}
    control: dict[str, BySeed] = {}
    mlp = chosen(rows, architecture="mlp", rate=RATE, labels="true")
    for (batch, samples, width, depth), group in mlp.group_by("batch", "samples", "width", "depth").items():
        if len(group.group_by("init", "slope")) < 4:
            continue
        part = f"{protocol_words(batch, samples)}, W={width}, D={depth}"
        effects[part] = _start_against_speed(group, information("batch"))
        control[part] = _start_against_speed(group, null("batch"))
    return Evidence(present(effects), present(control))


def _start_against_speed(rows: Rows, key: Mapping[str, Any]) -> dict[int, float]:
    arms = rows.group_by("init", "slope").values()
    starts = [{s: first(c) for s, c in curves(one, **key).items()} for one in arms]
    speeds = [{s: -time_to(HALFWAY_ERROR, c) for s, c in curves(one, **ERROR).items()} for one in arms]
    seeds = set.intersection(*map(set, starts), *map(set, speeds))
    return {
        s: rank_correlation(np.array([one[s] for one in starts]), np.array([one[s] for one in speeds]))
        for s in sorted(seeds)
    }


def paths(rows: Rows) -> Evidence:
    """C11b: test error of a trained shortcut network with one path replaced by its mean; no verdict."""
    found = chosen(rows, name="ablated_error", rate=RATE)
    return Evidence({f"{cut} path cut": _ends(group) for (cut,), group in found.group_by("without").items()})


def _ends(rows: Rows) -> dict[int, float]:
    groups = rows.group_by("batch", "samples", "architecture", "width", "depth").values()
    return average({s: last(c) for s, c in curves(one).items()} for one in groups)


def layers_learn_gradually(rows: Rows) -> Evidence:
    """C12: at the end neighbouring layers are alike, and later ones tell more; control: before training."""
    effects: dict[str, BySeed] = {}
    control: dict[str, BySeed] = {}
    plain = chosen(rows, architecture="mlp", **PLAIN)
    for (batch,), group in plain.group_by("batch").items():
        words = protocol_words(batch)
        for name, part, number in (
            ("neighbour_cka", f"likeness of neighbours, {words}", _mean_over_layers),
            ("linear_probe_accuracy", f"accuracy rises with the layer, {words}", _trend_over_layers),
        ):
            found = chosen(group, name=name)
            if len(found):
                effects[part] = number(found.where(step=max(found.values("step"))))
                control[part] = number(found.where(step=0))
    return Evidence(present(effects), present(control))


def _mean_over_layers(rows: Rows) -> dict[int, float]:
    return {seed: float(one.values().mean()) for (seed,), one in rows.group_by("seed").items()}


def _trend_over_layers(rows: Rows) -> dict[int, float]:
    return {
        seed: rank_correlation(np.array([layer_number(name) for name in one.values("layer")]), one.values())
        for (seed,), one in rows.group_by("seed").items()
    }


def layer_number(name: str) -> int:
    """The number in a layer's name.

    >>> layer_number("hidden12")
    12
    """
    return int("".join(c for c in name if c.isdigit()))


CLAIMS = (
    Claim(
        id="C3",
        says="Shortcut networks reach a low error in far fewer epochs.",
        source="Hodas & Stinis 2018, arXiv abstract and sec. 3 (the published abstract no longer says it)",
        effect="doublings of speed to 10 % test error, shortcut against MLP",
        unit="doublings",
        smallest=1.0,
        control="orthogonal initialisation of the MLP, without a skip",
        evidence=shortcut_is_faster,
    ),
    Claim(
        id="C4",
        says="Beyond 5 to 10 layers a deeper MLP trains slower and ends worse.",
        source="Hodas & Stinis 2018, sec. 4, Fig. 4b",
        effect="doublings of training time and of final error per doubling of depth, from 5 layers on",
        unit="doublings",
        smallest=0.25,
        control="the same numbers up to 5 layers",
        evidence=depth_slows,
    ),
    Claim(
        id="C7",
        says="Residuals lower the final error of the MLP and of the shortcut network.",
        source="Hodas & Stinis 2018, arXiv version, sec. 3, Fig. 5b",
        effect="doublings by which residual sums lower the final test error",
        unit="doublings",
        smallest=0.15,
        control="orthogonal initialisation, without residual sums",
        evidence=residuals_end_better,
    ),
    Claim(
        id="C9",
        says="Training has a drift phase, then a diffusion phase.",
        source="Hodas & Stinis 2018, sec. 3, after Shwartz-Ziv & Tishby 2017",
        effect="doublings by which the gradient's signal-to-noise ratio falls from early to late training",
        unit="doublings",
        smallest=1.0,
        control="shuffled labels, where nothing can be learnt",
        evidence=drift_then_diffusion,
    ),
    Claim(
        id="C11",
        says="High first-last information is what makes training fast.",
        source="Hodas & Stinis 2018, sec. 4, read causally",
        effect="rank correlation of starting information and speed over plain networks with unlike starts",
        unit="",
        smallest=0.5,
        control="the information of shuffled pairs",
        evidence=information_causes_speed,
    ),
    Claim(
        id="C11b",
        says="The shortcut's direct path carries the information that matters.",
        source="Hodas & Stinis 2018, sec. 4, read causally",
        effect="test error when one path of the trained shortcut network is replaced by its mean",
        unit="",
        smallest=None,
        control="",
        evidence=paths,
    ),
    Claim(
        id="C12",
        says="Layers learn gradually: neighbours are highly correlated, features go from simple to complex.",
        source="Hodas & Stinis 2018, sec. 1 and 3",
        effect="likeness of neighbouring layers (CKA); rank correlation of layer and linear-probe accuracy",
        unit="",
        smallest=0.5,
        control="the same layers before training",
        evidence=layers_learn_gradually,
    ),
)
