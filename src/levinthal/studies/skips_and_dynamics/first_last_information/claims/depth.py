"""The claims on depth: training time (C4), final error (C4b)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from levinthal.lab.analysis import Effect, Reading, evidence, slope_over
from levinthal.lab.analysis.contrasts import Parts
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


QUOTE_C4 = (
    "As we see in Figure 4b, beyond 5 to 10 layers, adding depth to a MLP slows training and converges to a "
    "lower accuracy."
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
        "results were seen, a run that never reaches the error counts as its budget, where that decides; "
        "it counted as twice its budget, which was an effect by itself. Learning rates are a factor of "
        "three apart: a depth that diverges just below one of them gives a slope of 1.7 by itself",
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
        "results were seen, an error is final if it is at most 20 % and per doubling of the steps falls by "
        "less than a quarter of this size, or rises by less than half of it: an error that had not begun "
        "to fall counted. A later fall is possible. All seeds share the test images, whose chance the "
        "interval leaves out: of the 600 of digits this size is three or four. Learning rates are a factor "
        "of three apart, and a best one between two of them may make or hide this size",
        basis=Basis.SEEN,
        quote=QUOTE_C4,
        control="",
        why_no_control=WHY_NO_CONTROL_C4,
        evidence=evidence(
            when_deeper(batches, ends_worse),
            notes=ordered(batches, of=partial(final_error, size=SIZE), slope=ends_worse, words="final error"),
        ),
    )


CLAIMS = (*both(depth_slows), *both(depth_ends_worse))
