"""Arms at their own best learning rates: training time, final error, and whether an error is final."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Real

from levinthal.lab.analysis import Effect, Reading, compare, log2_ratio
from levinthal.lab.analysis.curves import Curve, curves, last, steps_to
from levinthal.lab.analysis.rates import best_of
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import ERROR, HALFWAY_ERROR
from levinthal.studies.skips_and_dynamics.first_last_information.design import RATE

Score = Callable[[Curve], float]
"""From a run's test error over training to a number, lower is better."""


def steps(error: float) -> Score:
    """Steps to an error, at least half a one; inf for a run that never reaches it."""
    return lambda curve: max(steps_to(curve, error), 0.5)


def final(curve: Curve) -> float:
    """The error at the end, at least a ten-thousandth."""
    return max(last(curve), 1e-4)


def budget(rows: Rows) -> float:
    """The steps of the longest run: what counts for a run that never reaches an error.

    It is the fewest that the run may need, so that a ratio to it is a bound and no invented number.
    """
    return float(max(rows.values("steps")))


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


def final_error(rows: Rows, size: float) -> Effect:
    """The final error of one arm at its best learning rate: not a number while the error is not final.

    It is not if its median is above 20 %, as on a plateau before it falls, or if from near half of the
    budget to its end it falls by a quarter of `size` (log2 ratio) or more, or rises by half of it, per
    doubling of the steps. Of two arms on one power law of the steps, the slower one then needs 16 times as
    many steps to differ by `size`.
    """
    found = scored(final)(rows)
    if not found.by_seed:
        return found
    here = list(curves(rows.where(rate=found.rates[0]), **ERROR).values())
    ends, per_doubling = float(np.median([*map(final, here)])), fall_per_doubling(here)
    if -size / 2 < per_doubling < size / 4 and ends <= HALFWAY_ERROR:
        return found
    steps_ = here[0][0]
    times, halfway = math.log2((1 + steps_[-1]) / (1 + steps_[_halfway(steps_)])), steps_[_halfway(steps_)]
    course = f"{'falls' if per_doubling > 0 else 'rises'} by a factor of {2 ** abs(per_doubling * times):.2f}"
    why = f"it still {course} from step {halfway:,.0f} to {steps_[-1]:,.0f}"
    if ends > HALFWAY_ERROR:
        why = f"it is still above {HALFWAY_ERROR:.0%} at step {steps_[-1]:,.0f}"
    note = f"The error of {arm_words(rows)} is not final: {why}."
    return Effect(dict.fromkeys(found.by_seed, math.nan), found.rates, found.at_edge, note)


def fall_per_doubling(runs: Sequence[Curve]) -> float:
    """By how much the median error falls when the steps double (log2), from near half of the budget on.

    >>> steps_, errors = np.array([0.0, 49.0, 99.0]), np.array([0.9, 0.2, 0.1])
    >>> fall_per_doubling([(steps_, errors)])
    1.0
    """
    steps_ = runs[0][0]
    at = _halfway(steps_)
    half, end = (np.median([max(float(curve[1][i]), 1e-4) for curve in runs]) for i in (at, -1))
    return float(math.log2(half / end) / math.log2((1 + steps_[-1]) / (1 + steps_[at])))


def _halfway(steps_: Real[np.ndarray, " n"]) -> int:
    """The reading nearest to half of the budget."""
    return int(np.argmin(np.abs(steps_ - steps_[-1] / 2)))


def arm_words(rows: Rows) -> str:
    """Architecture, initialisation and depth of one arm."""
    architecture, init, depth = (rows.distinct(key)[0] for key in ("architecture", "init", "depth"))
    return f"{architecture} ({init.replace('_', ' ')}, D={depth})"


def ends_better(worse: Mapping[str, Any], better: Mapping[str, Any], size: float) -> Reading:
    """log2 of one arm's final error over another's, each at its best learning rate."""
    return compare(_final_of(worse, size), _final_of(better, size), log2_ratio)


def _final_of(arm: Mapping[str, Any], size: float) -> Reading:
    return lambda rows: final_error(rows.where(**arm), size)
