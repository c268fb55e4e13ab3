"""Arms at their own best learning rates: training time, final error, and whether an error is final."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from levinthal.lab.analysis import Effect, Reading, compare, log2_ratio
from levinthal.lab.analysis.curves import Curve, curves, last, steps_to
from levinthal.lab.analysis.effects import log2_speedup
from levinthal.lab.analysis.rates import best_of
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import ERROR
from levinthal.studies.skips_and_dynamics.first_last_information.design import RATE

Score = Callable[[Curve], float]
"""From a run's test error over training to a number, lower is better."""
STILL_FALLING = 0.15
"""log2 ratio of the errors at half of the budget and at its end, from which on an error is not final."""


def steps(error: float) -> Score:
    """Steps to an error, at least half a one; inf for a run that never reaches it."""
    return lambda curve: max(steps_to(curve, error), 0.5)


def final(curve: Curve) -> float:
    """The error at the end, at least a ten-thousandth."""
    return max(last(curve), 1e-4)


def never(rows: Rows) -> float:
    """The number of steps that counts for a run that never reaches an error: twice its budget."""
    return 2 * float(max(rows.values("steps")))


def scored(score: Score) -> Reading:
    """The score of one arm at its best learning rate, by the rule of `best_of`; none for fewer than three."""

    def read(rows: Rows) -> Effect:
        groups = rows.where(rate=lambda rate: rate > 0).group_by("rate").items()
        every = {rate: {s: score(c) for s, c in curves(part, **ERROR).items()} for (rate,), part in groups}
        winner = best_of({rate: scores for rate, scores in every.items() if scores})
        return Effect(winner.scores, (winner.rate,), winner.at_edge) if winner else Effect({})

    return read


def at_paper_rate(score: Score) -> Reading:
    """The score of one arm at the paper's learning rate."""
    return lambda rows: Effect({s: score(c) for s, c in curves(rows.where(rate=RATE), **ERROR).items()})


def final_error(rows: Rows) -> Effect:
    """The final error of one arm at its best learning rate: not a number while the error still falls."""
    found = scored(final)(rows)
    if not found.by_seed:
        return found
    here = curves(rows.where(rate=found.rates[0]), **ERROR).values()
    fall = math.log2(np.median([_halfway(curve) for curve in here]) / np.median([*map(final, here)]))
    if fall < STILL_FALLING:
        return found
    budget = int(max(rows.values("steps")))
    why = f"The error of {arm_words(rows)} is not final: it still falls by a factor of {2**fall:.2f} in the "
    why += f"second half of {budget:,} steps."
    return Effect(dict.fromkeys(found.by_seed, math.nan), found.rates, found.at_edge, why)


def _halfway(curve: Curve) -> float:
    steps_, errors = curve
    return max(float(errors[steps_ <= steps_[-1] / 2][-1]), 1e-4)


def arm_words(rows: Rows) -> str:
    """Architecture, initialisation and depth of one arm."""
    architecture, init, depth = (rows.distinct(key)[0] for key in ("architecture", "init", "depth"))
    return f"{architecture} ({init.replace('_', ' ')}, D={depth})"


def faster(
    slow: Mapping[str, Any],
    fast: Mapping[str, Any],
    error: float,
    *,
    best: bool = True,
    neither: float = math.nan,
) -> Reading:
    """log2 of one arm's steps to an error over another's; `neither` where no arm of a seed reaches it.

    Where that is so in most seeds, nothing is said of either arm (no seeds, and a note), unless `neither`
    is a number: 0 for a control, which then shows no effect within the budget.
    """
    read_arm = scored(steps(error)) if best else at_paper_rate(steps(error))

    def read(rows: Rows) -> Effect:
        sides = [rows.where(**arm) for arm in (slow, fast)]
        one, other = (read_arm(side) for side in sides)
        if not (one.by_seed and other.by_seed):
            return Effect({})
        cap = never(rows)
        both_fail = partial(_ratio, cap=cap, neither=neither)
        found = compare(lambda _: one, lambda _: other, both_fail)(rows)
        if sum(map(math.isnan, found.by_seed.values())) > len(found.by_seed) / 2:
            depth = rows.distinct("depth")[0]
            return Effect({}, note=f"Left out, because neither arm reaches the error: D={depth}.")
        return found

    return read


def _ratio(slow: float, fast: float, *, cap: float, neither: float) -> float:
    return neither if math.isinf(slow) and math.isinf(fast) else log2_speedup(slow, fast, cap)


def ends_better(worse: Mapping[str, Any], better: Mapping[str, Any]) -> Reading:
    """log2 of one arm's final error over another's, each at its best learning rate."""
    return compare(_final_of(worse), _final_of(better), log2_ratio)


def _final_of(arm: Mapping[str, Any]) -> Reading:
    return lambda rows: final_error(rows.where(**arm))
