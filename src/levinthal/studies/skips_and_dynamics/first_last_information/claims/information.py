"""The claims about first-last information: training, depth, speed (C1, C2, C5, C6, C8, C10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np

from levinthal.lab.analysis import (
    Effect,
    Reading,
    compare,
    each,
    evidence,
    mapped,
    mean_over,
    of_curve,
    slope_over,
)
from levinthal.lab.analysis.contrasts import Parts
from levinthal.lab.analysis.curves import Curve, curves, first, last, peak, trend
from levinthal.lab.judging.trends import grouped_spearman, jonckheere, rank_correlation
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import (
    ERROR,
    MODES,
    PLAIN,
    SETTING,
    information,
    initial_and_speed,
    null,
    over_settings,
    protocol,
)
from levinthal.studies.skips_and_dynamics.first_last_information.design import ARCHITECTURES
from levinthal.vocabulary import Claim

FROZEN: Mapping[str, Any] = {**PLAIN, "rate": 0.0}
READOUTS = ("before", "after")
AFTER = information("batch", "after")


def by_batch(make: Callable[[str, str], Reading]) -> Parts:
    """One condition per batch protocol and batch norm mode."""
    return lambda rows: {
        f"{protocol(batch)}, {mode} statistics": make(batch, mode)
        for batch, mode in product(rows.distinct("batch"), MODES)
    }


def of_each_run(number: Callable[[Curve], float], architecture: str, arm: Mapping[str, Any]) -> Parts:
    """C1, C6: a number of each run's curve of information, in trained networks or in frozen ones."""

    def make(batch: str, mode: str) -> Reading:
        where = {"architecture": architecture, "batch": batch, **information(mode), **arm}
        return over_settings(of_curve(number), **where)

    return by_batch(make)


def head_start_and_fall(arm: Mapping[str, Any]) -> Parts:
    """C2: the smaller of the head start over the MLP and of the later fall."""
    initial, final, mlp = (
        of_curve(number, architecture=name)
        for number, name in ((first, "shortcut"), (last, "shortcut"), (first, "mlp"))
    )
    smaller = compare(compare(initial, mlp), compare(initial, final), min)
    return lambda rows: {
        f"{protocol(batch)}, {mode} statistics, read {readout} the sum": over_settings(
            smaller, batch=batch, **information(mode, readout), **arm
        )
        for batch, mode, readout in product(rows.distinct("batch"), MODES, READOUTS)
    }


def loss_per_doubling(key: Callable[[str], Mapping[str, Any]]) -> Parts:
    """C5: information lost when the depth of the MLP is twice as large, at the end of training."""

    def make(batch: str, mode: str) -> Reading:
        fall = mapped(slope_over("depth", of=of_curve(last)), lambda gain: -gain)
        where = {"batch": batch, "architecture": "mlp", **key(mode), **PLAIN}
        return mean_over("samples", "steps", "width", of=fall, **where)

    return by_batch(make)


def ordered(rows: Rows) -> Iterator[str]:
    """Jonckheere's test that information at the end falls with depth, in each condition."""
    found = []
    for batch, mode in product(rows.distinct("batch"), MODES):
        plain = rows.where(batch=batch, architecture="mlp", **information(mode), **PLAIN)
        for group in plain.group_by("samples", "steps", "width").values():
            ends = [of_curve(last)(one).by_seed for one in group.group_by("depth").values()]
            if len(ends) > 1:
                found.append(jonckheere([list(one.values()) for one in ends], falling=True).p_value)
    if found:
        yield f"Jonckheere's test over depth: p at most {max(found):.2g} in each condition."


def with_speed(predictor: Callable[[Curve], np.ndarray], key: Mapping[str, Any]) -> dict[str, Reading]:
    """C8: rank correlation of a predictor and of the fall of the log error, within and across networks."""
    within = {
        f"within a training run, {name}": over_settings(_in_run(predictor), architecture=name, **PLAIN)
        for name in ARCHITECTURES
    }
    correlation = initial_and_speed("architecture", "depth", key=key, fewest=3)
    sets = {"across depths, mlp": ("mlp",), "across architectures and depths": ARCHITECTURES}
    protocols = ("batch", "samples", "steps", "width")
    across = {
        part: mean_over(*protocols, of=correlation, architecture=names, **PLAIN)
        for part, names in sets.items()
    }
    return within | across


def information_itself(curve: Curve) -> np.ndarray:
    """The information."""
    return curve[1]


def time_alone(curve: Curve) -> np.ndarray:
    """The step, with the sign of the trend of the information: the null of any monotone curve."""
    return np.asarray(curve[0] * (1.0 if trend(curve) >= 0 else -1.0))


def _in_run(predictor: Callable[[Curve], np.ndarray]) -> Reading:
    def read(rows: Rows) -> Effect:
        errors = curves(rows, **ERROR)
        known = {seed: curve for seed, curve in curves(rows, **AFTER).items() if seed in errors}
        return Effect(
            {s: rank_correlation(predictor(curve)[:-1], _falls(errors[s])) for s, curve in known.items()}
        )

    return read


def _falls(curve: Curve) -> np.ndarray:
    """How fast the log error falls per unit of log(1 + step), after each snapshot but the last."""
    steps, errors = curve
    falls = -np.diff(np.log(np.maximum(errors, 1e-4)))
    return np.asarray(falls / np.diff(np.log1p(steps)))


def pooled(rows: Rows) -> Iterator[str]:
    """The same correlation over all snapshots of all networks: within, across and pooled may disagree."""
    known, speeds, names = list[float](), list[float](), list[str]()
    networks = rows.where(architecture=ARCHITECTURES, **PLAIN)
    for key, group in networks.group_by("architecture", *SETTING).items():
        errors = curves(group, **ERROR)
        for seed, curve in curves(group, **AFTER).items():
            if seed in errors:
                known += curve[1][:-1].tolist()
                speeds += _falls(errors[seed]).tolist()
                names += [str(key)] * (len(curve[1]) - 1)
    if known:
        found = grouped_spearman(known, speeds, names)
        words = f"median within a network {found.typical:.2f}, of networks' means {found.across:.2f}"
        turned = ": pooling reverses the sign (Simpson's paradox)" if found.paradox else ""
        yield f"Over all snapshots of all networks: {words}, pooled {found.pooled:.2f}{turned}."


def state_space() -> Parts:
    """C10: the exponent n MI of the claimed reduction 2^(n MI), for each number of images it is read on."""
    where = {"name": "mutual_information_by_images", "architecture": "mlp", "readout": "before", **PLAIN}

    def exponent(rows: Rows) -> Effect:
        (depth,) = rows.distinct("depth")
        return of_curve(lambda curve: float(depth) * last(curve))(rows)

    return each("n", make=lambda n: over_settings(exponent, n=n, **where), label="{} images".format, **where)


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
        evidence=evidence(of_each_run(trend, "mlp", PLAIN), of_each_run(trend, "mlp", FROZEN)),
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
        evidence=evidence(head_start_and_fall(PLAIN), control=head_start_and_fall(FROZEN)),
    ),
    Claim(
        id="C5",
        says="Deeper networks have lower first-last information.",
        source="Hodas & Stinis 2018, sec. 4, Fig. 4b",
        effect="information lost when the MLP is twice as deep, at the end of training",
        unit="bits",
        smallest_effect=0.25,
        why_smallest="chosen by us: a quarter of a bit; the paper gives no number",
        control="the same layers with the images of one side shuffled",
        evidence=evidence(loss_per_doubling(information), control=loss_per_doubling(null), notes=ordered),
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
        evidence=evidence(
            of_each_run(peak, "residual", PLAIN), control=of_each_run(peak, "residual", FROZEN)
        ),
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
        evidence=evidence(
            with_speed(information_itself, AFTER),
            control=with_speed(time_alone, null("batch", "after")),
            notes=pooled,
        ),
    ),
    Claim(
        id="C10",
        says="Information shrinks the training state space by about 2^(n MI), n being the number of layers.",
        source="Hodas & Stinis 2018, sec. 4",
        effect="the exponent n MI of the MLP",
        unit="bits",
        smallest_effect=None,
        control="",
        evidence=evidence(state_space()),
    ),
)
