"""The claim that high information goes with a fast fall of error (C8), within a run and across networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from levinthal.lab.analysis import Effect, Reading, evidence, mean_over
from levinthal.lab.analysis.contrasts import Parts
from levinthal.lab.analysis.curves import Curve, curves, first, time_to
from levinthal.lab.judging.trends import grouped_spearman, rank_correlation
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import (
    ERROR,
    HALFWAY_ERROR,
    PLAIN,
    information,
)
from levinthal.studies.skips_and_dynamics.first_last_information.claims.protocols import (
    MINI,
    Batches,
    both,
    depths,
    inside,
    main,
    named,
    where_read,
)
from levinthal.studies.skips_and_dynamics.first_last_information.design import ARCHITECTURES
from levinthal.vocabulary import Basis, Claim

AFTER = information("batch", "after")
RESIDUAL = "residual"
"""The networks of Fig. 5a, at several widths."""


def beyond_time(x: np.ndarray, y: np.ndarray, time: np.ndarray) -> float:
    """Partial rank correlation of x and y given time; no number where time explains one of them wholly.

    >>> time, up = np.arange(5.0), np.array([0.0, 2.0, 1.0, 4.0, 3.0])
    >>> beyond_time(time, time, time), beyond_time(up, up, time)
    (nan, 1.0)
    """
    together, with_x, with_y = (rank_correlation(*pair) for pair in ((x, y), (x, time), (y, time)))
    unexplained = (1 - with_x**2) * (1 - with_y**2)
    if not unexplained > 1e-9:
        return math.nan
    return round((together - with_x * with_y) / math.sqrt(unexplained), 12)


def within_runs(batches: Batches, of: Callable[[Rows], Effect], *architectures: str) -> Parts:
    """Partial rank correlation of information and the fall of the log error, given the step."""
    return inside(
        main(batches),
        {name: mean_over("width", of=of, architecture=name, **PLAIN) for name in architectures},
    )


def of_own_run(rows: Rows) -> Effect:
    """Information and speed of the same run."""
    errors, known = _both_curves(rows)
    return Effect({s: _given_the_step(known[s], errors[s]) for s in known})


def of_another_seed(rows: Rows) -> Effect:
    """Speed, and the information of another seed: it shares every function of time, bumps too."""
    errors, known = _both_curves(rows)
    seeds = sorted(known)
    if len(seeds) < 2:
        return Effect({})
    other = dict(zip(seeds, [*seeds[1:], *seeds[:1]], strict=True))
    return Effect({s: _given_the_step(known[other[s]], errors[s]) for s in seeds})


def _both_curves(rows: Rows) -> tuple[dict[int, Curve], dict[int, Curve]]:
    """Error, and information, of the seeds that have both."""
    errors = curves(rows, **ERROR)
    return errors, {seed: curve for seed, curve in curves(rows, **AFTER).items() if seed in errors}


def _given_the_step(known: Curve, errors: Curve) -> float:
    return beyond_time(known[1][1:-1], falls_around(errors), known[0][1:-1])


def falls_around(curve: Curve) -> np.ndarray:
    """How fast the log error falls per unit of log(1 + step), around each snapshot but the first and last.

    It is read from the snapshot before to the one after: the error at the snapshot itself is no part of it,
    so that information which follows that error alone does not go with the speed.
    """
    log_steps, log_errors = np.log1p(curve[0]), np.log(np.maximum(curve[1], 1e-4))
    return np.asarray((log_errors[:-2] - log_errors[2:]) / (log_steps[2:] - log_steps[:-2]))


def elsewhere(batches: Batches) -> Any:
    """A note: the protocol, the same in networks that Fig. 5a does not show, and without regard to time."""

    def note(rows: Rows) -> Iterator[str]:
        yield from where_read(main(batches))(rows)
        others = [name for name in ARCHITECTURES if name != RESIDUAL]
        own, other = (_means(within_runs(batches, of, *others), rows) for of in (of_own_run, of_another_seed))
        found = [f"{name} {own[name]:.2f} ({other[name]:.2f})" for name in own if name in other]
        if found:
            yield f"Not in Fig. 5a (in brackets, the information of another seed): {', '.join(found)}."
        yield from _without_time(main(batches)(rows).where(architecture=RESIDUAL, **PLAIN))

    return note


def _means(parts: Parts, rows: Rows) -> dict[str, float]:
    held = parts(rows) if callable(parts) else parts
    found = {name: list(read(rows).by_seed.values()) for name, read in held.items()}
    return {name: float(np.nanmean(values)) for name, values in found.items() if np.isfinite(values).any()}


def _without_time(rows: Rows) -> Iterator[str]:
    """The plain correlation within networks of one width, across them and pooled; they may disagree."""
    known, speeds, names = list[float](), list[float](), list[str]()
    for key, group in rows.group_by("width").items():
        errors, information_ = _both_curves(group)
        for seed, curve in information_.items():
            known += curve[1][1:-1].tolist()
            speeds += falls_around(errors[seed]).tolist()
            names += [f"{key} {seed}"] * (len(curve[1]) - 2)
    if known:
        found = grouped_spearman(known, speeds, names)
        turned = ": pooling reverses the sign (Simpson's paradox)" if found.paradox else ""
        words = f"median within a run {found.typical:.2f}, pooled {found.pooled:.2f}{turned}"
        yield f"Without regard to time: {words}."


def across_networks(*factors: str, **where: Any) -> Reading:
    """C8b: over networks that differ in the factors, initial information against speed to 20 % error."""

    def read(rows: Rows) -> Effect:
        networks = list(rows.where(**where, **PLAIN).group_by(*factors).values())
        if len(networks) < 3:
            return Effect({})
        initial = [{s: first(c) for s, c in curves(one, **AFTER).items()} for one in networks]
        speeds = [
            {s: -time_to(HALFWAY_ERROR, c) for s, c in curves(one, **ERROR).items()} for one in networks
        ]
        seeds = set.intersection(*map(set, initial), *map(set, speeds))
        pairs = {s: [np.array([one[s] for one in side]) for side in (initial, speeds)] for s in sorted(seeds)}
        return Effect({seed: rank_correlation(*pair) for seed, pair in pairs.items()})

    return read


QUOTE = (
    "In Fig. 5a, we see that high mutual information produces rapid decrease in test error: The points that "
    "represent the outcome of each epoch of training show a high slope (and decrease in error) at high "
    "mutual information, and a low slope at low mutual information"
)


def fast_when_high(batches: Batches) -> Claim:
    """C8."""
    return Claim(
        **named(
            batches,
            "C8",
            "within a run of a residual network, error falls faster while information is high, beyond what "
            "the number of the step explains.",
            "sec. 3, Fig. 5a",
        ),
        effect="partial rank correlation of information and speed (fall of the log error per unit of "
        "log(1 + step), from the snapshot before to the one after) given the step, within a run of a "
        "residual network",
        unit="",
        smallest_effect=0.3,
        why_smallest="chosen by us: a medium correlation by Cohen's convention; the paper gives no number. "
        "Changed after the results were seen: shuffled labels, the first control, share no course in time; "
        "Fig. 5a shows residual networks alone, and all four architectures were averaged; speed was read "
        "from the snapshot itself on, and information that only follows the error there went with it. "
        "Widths are averaged: a seed without a number at one width has none. Errors counted on few test "
        "images lower the correlation. The step does not stand for a run's own pace",
        basis=Basis.SEEN,
        quote=QUOTE,
        control="the information of another seed at the same steps",
        evidence=evidence(
            within_runs(batches, of_own_run, RESIDUAL),
            control=within_runs(batches, of_another_seed, RESIDUAL),
            notes=elsewhere(batches),
        ),
    )


STARTS_HIGH = (
    "starts with such a high mutual information that the networks are largely trained within a single epoch"
)
ACROSS = Claim(
    **named(
        MINI,
        "C8b",
        "networks of unlike depths and architectures: initial information and speed go together.",
        "sec. 3",
    )
    | {"id": "C8b"},
    effect="rank correlation of initial information and speed to 20 % error at the paper's learning rate, "
    "over architectures and depths; a network that never reaches it counts as twice the run",
    unit="",
    smallest_effect=None,
    quote=STARTS_HIGH,
    control="",
    why_no_control="depth explains both, and the sum holds the first layer, so that a shortcut network's "
    "score is high by construction: the number is reported, not judged",
    evidence=evidence(
        inside(depths(MINI), {"": across_networks("architecture", "depth", architecture=ARCHITECTURES)})
    ),
)
CLAIMS = (*both(fast_when_high), ACROSS)
