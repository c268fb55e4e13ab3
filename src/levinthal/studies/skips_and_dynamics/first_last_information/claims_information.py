"""The claims about first-last information: training, depth, speed (C1, C2, C5, C6, C8, C10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np

from levinthal.lab.analysis.curves import Curve, curves, first, last, peak, trend
from levinthal.lab.analysis.effects import BySeed, average, present, slope
from levinthal.lab.judging.trends import grouped_spearman, jonckheere, rank_correlation
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.keys import (
    ERROR,
    MODES,
    PLAIN,
    SETTING,
    information,
    null,
    protocol_words,
    settings,
    start_against_speed,
)
from levinthal.studies.skips_and_dynamics.first_last_information.plan import ARCHITECTURES
from levinthal.vocabulary import Claim, Evidence

FROZEN: Mapping[str, Any] = {**PLAIN, "rate": 0.0}
READOUTS = ("before", "after")


def per_setting(rows: Rows, number: Callable[[Curve], float], **wanted: Any) -> dict[int, float]:
    """Seed -> `number` of its curve, averaged over protocols, widths and depths."""
    return average(
        {seed: number(curve) for seed, curve in curves(group, **wanted).items()}
        for _, group in settings(rows.where(**wanted))
    )


def over_modes(
    rows: Rows, number: Callable[[Curve], float], architecture: str
) -> tuple[dict[str, BySeed], dict[str, BySeed]]:
    """The number in trained networks and in frozen ones, for each batch protocol and batch norm mode."""
    effects: dict[str, BySeed] = {}
    control: dict[str, BySeed] = {}
    for batch, mode in product(rows.distinct("batch"), MODES):
        here = {"architecture": architecture, "batch": batch, **information(mode)}
        part = f"{protocol_words(batch)}, {mode} statistics"
        effects[part] = per_setting(rows, number, **here, **PLAIN)
        control[part] = per_setting(rows, number, **here, **FROZEN)
    return present(effects), present(control)


def rises(rows: Rows) -> Evidence:
    """C1: rank correlation of information and step in the MLP; control: the weights stay frozen."""
    return Evidence(*over_modes(rows, trend, "mlp"))


def rises_and_declines(rows: Rows) -> Evidence:
    """C6: height of the residual network's peak above both ends; control: the weights stay frozen."""
    return Evidence(*over_modes(rows, peak, "residual"))


def starts_higher_then_falls(rows: Rows) -> Evidence:
    """C2: the smaller of the head start over the MLP and of the fall; control: the weights stay frozen."""
    effects: dict[str, BySeed] = {}
    control: dict[str, BySeed] = {}
    for batch, mode, readout in product(rows.distinct("batch"), MODES, READOUTS):
        part = f"{protocol_words(batch)}, {mode} statistics, read {readout} the sum"
        effects[part] = _head_start_and_fall(rows.where(batch=batch), PLAIN, mode, readout)
        control[part] = _head_start_and_fall(rows.where(batch=batch), FROZEN, mode, readout)
    return Evidence(present(effects), present(control))


def _head_start_and_fall(rows: Rows, arm: Mapping[str, Any], mode: str, readout: str) -> dict[int, float]:
    def both(group: Rows) -> dict[int, float]:
        key = information(mode, readout)
        mlp = curves(group, architecture="mlp", **key)
        cut = curves(group, architecture="shortcut", **key)
        return {s: min(first(cut[s]) - first(mlp[s]), first(cut[s]) - last(cut[s])) for s in mlp if s in cut}

    return average(both(group) for _, group in settings(rows.where(**information(mode, readout), **arm)))


def falls_with_depth(rows: Rows) -> Evidence:
    """C5: loss of information per doubling of depth, at the end; control: shuffled pairs."""
    effects: dict[str, BySeed] = {}
    control: dict[str, BySeed] = {}
    for batch, mode in product(rows.distinct("batch"), MODES):
        part = f"{protocol_words(batch)}, {mode} statistics"
        effects[part] = _fall_per_doubling(rows, batch, information(mode))
        control[part] = _fall_per_doubling(rows, batch, null(mode))
    return Evidence(present(effects), present(control), notes=_ordered(rows))


def _ordered(rows: Rows) -> tuple[str, ...]:
    """Jonckheere's test that information at the end falls with depth, in each part of the grid."""
    found = []
    for batch, mode in product(rows.distinct("batch"), MODES):
        plain = rows.where(batch=batch, architecture="mlp", **information(mode), **PLAIN)
        for group in plain.group_by("samples", "steps", "width").values():
            depths = [
                list(_ends(one).values()) for one in group.sorted_by("depth").group_by("depth").values()
            ]
            if len(depths) > 1:
                found.append(jonckheere(depths, falling=True).p_value)
    return (f"Jonckheere's test over depth: p at most {max(found):.2g} in each part.",) if found else ()


def _fall_per_doubling(rows: Rows, batch: str, key: Mapping[str, Any]) -> dict[int, float]:
    plain = rows.where(batch=batch, architecture="mlp", **key, **PLAIN)
    groups = plain.group_by("samples", "steps", "width").values()
    slopes = []
    for group in groups:
        ends = {depth: _ends(per_depth) for (depth,), per_depth in group.group_by("depth").items()}
        slopes.append({seed: -value for seed, value in slope(ends).items()})
    return average(slopes)


def _ends(rows: Rows) -> dict[int, float]:
    return {seed: last(curve) for seed, curve in curves(rows).items()}


def goes_with_speed(rows: Rows) -> Evidence:
    """C8: rank correlation of information and the rate at which log error falls, within and across networks.

    Control within a network: time alone, running the way the information runs, as any monotone curve does.
    Control across networks: the information of shuffled pairs.
    """
    effects: dict[str, BySeed] = {}
    control: dict[str, BySeed] = {}
    for architecture in ARCHITECTURES:
        part = f"within a training run, {architecture}"
        effects[part] = _within(rows, architecture, _information_itself)
        control[part] = _within(rows, architecture, _time_alone)
    for part, architectures in {
        "across depths, mlp": ("mlp",),
        "across architectures and depths": ARCHITECTURES,
    }.items():
        among = rows.where(architecture=architectures, **PLAIN)
        effects[part] = _across(among, information("batch", "after"))
        control[part] = _across(among, null("batch", "after"))
    return Evidence(present(effects), present(control), notes=_simpson(rows))


def _simpson(rows: Rows) -> tuple[str, ...]:
    """The same correlation over all snapshots of all networks: within, across and pooled may disagree."""
    known, speeds, names = list[float](), list[float](), list[str]()
    networks = rows.where(architecture=ARCHITECTURES, **PLAIN)
    for key, group in networks.group_by("architecture", *SETTING).items():
        errors = curves(group, **ERROR)
        for seed, curve in curves(group, **information("batch", "after")).items():
            if seed in errors:
                known += curve[1][:-1].tolist()
                speeds += _rates(errors[seed]).tolist()
                names += [str(key)] * (len(curve[1]) - 1)
    if not known:
        return ()
    found = grouped_spearman(known, speeds, names)
    words = f"median within a network {found.typical:.2f}, of networks' means {found.across:.2f}"
    turned = ": pooling turns the sign round (Simpson's paradox)" if found.paradox else ""
    return (f"Over all snapshots of all networks: {words}, pooled {found.pooled:.2f}{turned}.",)


def _information_itself(curve: Curve) -> np.ndarray:
    return curve[1]


def _time_alone(curve: Curve) -> np.ndarray:
    """The step, running the way the information runs."""
    return np.asarray(curve[0] * (1.0 if trend(curve) >= 0 else -1.0))


def _within(rows: Rows, architecture: str, predictor: Callable[[Curve], np.ndarray]) -> dict[int, float]:
    def correlation(group: Rows) -> dict[int, float]:
        known = curves(group, **information("batch", "after"))
        errors = curves(group, **ERROR)
        return {
            seed: rank_correlation(predictor(curve)[:-1], _rates(errors[seed]))
            for seed, curve in known.items()
            if seed in errors
        }

    plain = rows.where(architecture=architecture, **PLAIN)
    return average(correlation(group) for _, group in settings(plain))


def _rates(curve: Curve) -> np.ndarray:
    """How fast the log error falls per unit of log(1 + step), after each snapshot but the last."""
    steps, errors = curve
    falls = -np.diff(np.log(np.maximum(errors, 1e-4)))
    return np.asarray(falls / np.diff(np.log1p(steps)))


def _across(rows: Rows, key: Mapping[str, Any]) -> dict[int, float]:
    """Over networks of one protocol and width: information at the start against speed to 20 % error."""
    results = []
    for group in rows.group_by("batch", "samples", "steps", "width").values():
        points = group.group_by("architecture", "depth").values()
        if len(points) < 3:
            continue
        results.append(start_against_speed(points, key))
    return average(results)


def state_space(rows: Rows) -> Evidence:
    """C10: the exponent n MI of the claimed reduction 2^(n MI), for each number of images it is read on."""
    found = rows.where(name="mutual_information_by_images", architecture="mlp", readout="before", **PLAIN)
    effects = {}
    for (images,), group in found.group_by("n").items():
        exponents = [
            {seed: float(setting["depth"]) * last(curve) for seed, curve in curves(one).items()}
            for setting, one in settings(group)
        ]
        effects[f"{images} images"] = average(exponents)
    return Evidence(present(effects))


CLAIMS = (
    Claim(
        id="C1",
        says="The MLP's first-last information rises systematically with training.",
        source="Hodas & Stinis 2018, sec. 3, Fig. 4",
        effect="rank correlation of information and step, within a run",
        unit="",
        smallest_effect=0.5,
        why_smallest="chosen by us: a large correlation by Cohen's convention; the paper gives no number",
        control="the same network with frozen weights, where only batch norm's statistics move",
        evidence=rises,
    ),
    Claim(
        id="C2",
        says="The shortcut network starts with higher information, which then falls towards an optimum.",
        source="Hodas & Stinis 2018, sec. 3, Fig. 4",
        effect="the smaller of head start over the MLP and later fall",
        unit="bits",
        smallest_effect=0.25,
        why_smallest="chosen by us: a quarter of a bit; the paper gives no number",
        control="the same networks with frozen weights",
        evidence=starts_higher_then_falls,
    ),
    Claim(
        id="C5",
        says="Deeper networks have lower first-last information.",
        source="Hodas & Stinis 2018, sec. 4, Fig. 4b",
        effect="information lost per doubling of the MLP's depth, at the end of training",
        unit="bits",
        smallest_effect=0.25,
        why_smallest="chosen by us: a quarter of a bit; the paper gives no number",
        control="the same layers with the images of one side shuffled",
        evidence=falls_with_depth,
    ),
    Claim(
        id="C6",
        says="A ResNet's information starts low, rises, peaks and declines.",
        source="Hodas & Stinis 2018, sec. 3, Fig. 5a",
        effect="height of the residual network's peak above both ends",
        unit="bits",
        smallest_effect=0.25,
        why_smallest="chosen by us: a quarter of a bit; the paper gives no number",
        control="the same network with frozen weights",
        evidence=rises_and_declines,
    ),
    Claim(
        id="C8",
        says="High information goes with a fast decrease of error.",
        source="Hodas & Stinis 2018, sec. 3, Fig. 5a",
        effect="rank correlation of information and speed",
        unit="",
        smallest_effect=0.3,
        why_smallest="chosen by us: a medium correlation by Cohen's convention; the paper gives no number",
        control="time alone (within a run), shuffled pairs (across networks)",
        evidence=goes_with_speed,
    ),
    Claim(
        id="C10",
        says="Information shrinks the training state space by about 2^(n MI), n being the number of layers.",
        source="Hodas & Stinis 2018, sec. 4",
        effect="the exponent n MI of the MLP",
        unit="bits",
        smallest_effect=None,
        control="",
        evidence=state_space,
    ),
)
