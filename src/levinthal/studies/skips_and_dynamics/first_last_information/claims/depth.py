"""The claims on depth: training time (C4), final error (C4b), information (C5, C5b)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from levinthal.lab.analysis import Effect, Reading, evidence, mapped, of_curve, slope_over
from levinthal.lab.analysis.contrasts import Parts
from levinthal.lab.analysis.curves import curves, last, steps_to
from levinthal.lab.judging.trends import jonckheere
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.arms import (
    budget,
    final_error,
    scored,
    steps,
)
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import (
    ANY_RATE,
    ERROR,
    HALFWAY_ERROR,
    MODES,
    PLAIN,
    information,
    null,
)
from levinthal.studies.skips_and_dynamics.first_last_information.claims.protocols import (
    Batches,
    both,
    depths,
    inside,
    named,
    where_read,
)
from levinthal.vocabulary import Basis, Claim

TIME, SIZE = scored(steps(HALFWAY_ERROR)), 0.25
"""The steps to 20 % error at the best learning rate, and the smallest slope (C4, C4b) that counts."""
SHALLOW, DEEP = 5, 10
"""The effect is read from 10 layers on, the slope beside it up to 5: they share no network."""


def when_deeper(batches: Batches, of: Reading) -> Parts:
    """C4, C4b: a reading of the MLP's depths from 10 layers on, at any learning rate."""
    return inside(depths(batches), {"": lambda rows: of(_mlp(rows, lambda depth: depth >= DEEP))})


def _mlp(rows: Rows, depth: Callable[[int], bool]) -> Rows:
    return rows.where(architecture="mlp", depth=depth, **ERROR, **ANY_RATE)


def slower(rows: Rows) -> Effect:
    """C4: slope of log2 of the steps to 20 % error on log2 of the depth, seed by seed."""
    if not len(rows):
        return Effect({})
    found = slope_over("depth", of=lambda here: TIME(here).map(partial(_logarithm, budget(rows))))(rows)
    arms = {float(depth): TIME(part).by_seed for (depth,), part in rows.group_by("depth").items()}
    times = {s: {depth: arm[s] for depth, arm in arms.items() if arm} for s in found.by_seed}
    return replace(found, by_seed={s: bounded_slope(each, budget(rows)) for s, each in times.items()})


def ends_worse(rows: Rows) -> Effect:
    """C4b: slope of log2 of the final error on log2 of the depth."""
    return slope_over("depth", of=lambda here: final_error(here, SIZE).map(partial(_logarithm, math.inf)))(
        rows
    )


def bounded_slope(times: Mapping[float, float], most: float) -> float:
    """Slope of log2 of the steps on log2 of the depth; no number where unfinished runs leave it open.

    A run that never reaches the error (inf) counts as its budget, `most`. Of deep runs alone that is a lower
    bound, and counts if it is large enough; of shallow ones alone an upper bound, and counts if it denies.

    >>> bounded_slope({10: 20, 20: math.inf}, 40), bounded_slope({10: 39, 20: math.inf}, 40)
    (1.0, nan)
    """
    depth, late = np.log2(list(times)), np.isinf(list(times.values()))
    slope = float(np.polyfit(depth, np.log2(np.minimum(list(times.values()), most)), 1)[0])
    is_deep = depth[late] > depth.mean()
    decided = (is_deep.all() and slope >= SIZE) or (not is_deep.any() and slope <= 0)
    return round(slope, 9) if not late.any() or (decided and not late.all()) else math.nan


def _logarithm(most: float, number: float) -> float:
    return math.log2(min(number, most)) if number == number else math.nan


def ordered(batches: Batches, *, of: Reading, slope: Reading, words: str) -> Callable[[Rows], Iterator[str]]:
    """A note: the protocol, the slope of shallow networks, and Jonckheere's test over all depths."""

    def note(rows: Rows) -> Iterator[str]:
        yield from where_read(depths(batches))(rows)
        mlp = _mlp(depths(batches)(rows), lambda depth: depth > 0)
        if not len(mlp):
            return
        shallow = slope(_mlp(mlp, lambda depth: depth <= SHALLOW)).by_seed.values()
        known = [number for number in shallow if number == number]
        if known:
            yield f"The same up to {SHALLOW} layers, in other networks: {np.mean(known):.2f} log2 ratio."
        cap = 2 * budget(mlp)
        arms = (of(one).by_seed for one in mlp.group_by("depth").values())
        groups = [[min(v, cap) for v in one.values() if v == v] for one in arms]
        groups = [group for group in groups if group]
        if len(groups) > 1:
            yield f"Jonckheere's test over depth, {words}: p = {jonckheere(groups).p_value:.2g}."

    return note


def loss_per_doubling(batches: Batches, of: Callable[[str], Reading]) -> Parts:
    """C5, C5b: information lost when the depth of the MLP is twice as large."""
    return inside(
        depths(batches),
        {
            f"{mode} statistics": mapped(
                slope_over("depth", of=of(mode), architecture="mlp", **PLAIN), lambda gain: -gain
            )
            for mode in MODES
        },
    )


def at_the_end(key: Callable[[str], Mapping[str, Any]], mode: str) -> Reading:
    """The last value of a curve of information."""
    return of_curve(last, **key(mode))


def at_equal_error(mode: str) -> Reading:
    """Information when the error has come down to 20 %, interpolated in log(1 + step)."""

    def read(rows: Rows) -> Effect:
        errors, known = curves(rows, **ERROR), curves(rows, **information(mode))
        times = {s: steps_to(errors[s], HALFWAY_ERROR) for s in known if s in errors}
        return Effect(
            {
                s: float(np.interp(np.log1p(t), np.log1p(known[s][0]), known[s][1]))
                if math.isfinite(t)
                else math.nan
                for s, t in times.items()
            }
        )

    return read


QUOTE_C4 = (
    "As we see in Figure 4b, beyond 5 to 10 layers, adding depth to a MLP slows training and converges to a "
    "lower accuracy."
)
QUOTE_C5 = (
    "Our measures of mutual information also show that deeper networks reduce mutual information between the "
    "first and last layer"
)
WHY_NO_CONTROL_C4 = "up to 5 layers the slope need not be zero: the paper says nothing of it"


def depth_slows(batches: Batches) -> Claim:
    """C4."""
    return Claim(
        **named(batches, "C4", "beyond 5 to 10 layers a deeper MLP trains slower.", "sec. 4, Fig. 4b"),
        effect="steps to 20 % error when the MLP is twice as deep, from 10 layers on, at the best rates",
        unit="log2 ratio",
        smallest_effect=SIZE,
        why_smallest="chosen by us before the first run: a fifth more time at twice the depth. Since the "
        "results were seen, a run that never reaches the error counts as its budget, where that decides; it "
        "counted as twice its budget, which was an effect by itself",
        basis=Basis.SEEN,
        quote=QUOTE_C4,
        control="",
        why_no_control=WHY_NO_CONTROL_C4,
        evidence=evidence(
            when_deeper(batches, slower),
            notes=ordered(batches, of=TIME, slope=slower, words="steps to 20 % error"),
        ),
    )


def depth_ends_worse(batches: Batches) -> Claim:
    """C4b."""
    return Claim(
        **named(batches, "C4b", "beyond 5 to 10 layers a deeper MLP ends worse.", "sec. 4, Fig. 4b"),
        effect="final error when the MLP is twice as deep, from 10 layers on, at the best rates",
        unit="log2 ratio",
        smallest_effect=SIZE,
        why_smallest="chosen by us before the first run: a fifth more error at twice the depth. Since the "
        "results were seen, an error is final if it is at most 20 % and falls by less than a quarter of this "
        "size in the second half: an error that had not begun to fall counted. A later fall is possible",
        basis=Basis.SEEN,
        quote=QUOTE_C4,
        control="",
        why_no_control=WHY_NO_CONTROL_C4,
        evidence=evidence(
            when_deeper(batches, ends_worse),
            notes=ordered(batches, of=partial(final_error, size=SIZE), slope=ends_worse, words="final error"),
        ),
    )


def depth_loses_information(batches: Batches) -> Claim:
    """C5."""
    return Claim(
        **named(batches, "C5", "deeper networks have lower first-last information.", "sec. 4, Fig. 4b"),
        effect="information lost when the MLP is twice as deep, at the end of training",
        unit="bits",
        smallest_effect=0.25,
        why_smallest="chosen by us before the first run: a quarter of a bit; the paper gives no number",
        quote=QUOTE_C5,
        control="the same layers with the images of one side shuffled",
        evidence=evidence(
            loss_per_doubling(batches, partial(at_the_end, information)),
            control=loss_per_doubling(batches, partial(at_the_end, null)),
            notes=where_read(depths(batches)),
        ),
    )


def depth_loses_it_at_one_error(batches: Batches) -> Claim:
    """C5b."""
    sentence = "deeper networks have lower first-last information, also when they have learnt as much."
    return Claim(
        **named(batches, "C5b", sentence, "") | {"source": "ours"},
        effect="information lost when the MLP is twice as deep, at the step where its error is 20 %",
        unit="bits",
        smallest_effect=0.25,
        why_smallest="a quarter of a bit, as in C5; added after its results were seen on digits",
        basis=Basis.SEEN,
        control="the same layers with the images of one side shuffled, at the end of training",
        evidence=evidence(
            loss_per_doubling(batches, at_equal_error),
            control=loss_per_doubling(batches, partial(at_the_end, null)),
            notes=where_read(depths(batches)),
        ),
    )


MAKERS = (depth_slows, depth_ends_worse, depth_loses_information, depth_loses_it_at_one_error)
CLAIMS = tuple(claim for make in MAKERS for claim in both(make))
