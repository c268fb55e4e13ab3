"""Arms at their own best learning rates: training time, final error, and whether an error is final."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

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
    steps_, ends = here[0][0], np.median([*map(final, here)])
    halfway = int(np.argmin(np.abs(steps_ - steps_[-1] / 2)))
    fall = math.log2(np.median([max(float(curve[1][halfway]), 1e-4) for curve in here]) / ends)
    per_doubling = fall / math.log2((1 + steps_[-1]) / (1 + steps_[halfway]))
    if -size / 2 < per_doubling < size / 4 and ends <= HALFWAY_ERROR:
        return found
    course = f"{'falls' if fall > 0 else 'rises'} by a factor of {2 ** abs(fall):.2f}"
    why = f"it still {course} from step {steps_[halfway]:,.0f} to {steps_[-1]:,.0f}"
    if ends > HALFWAY_ERROR:
        why = f"it is still above {HALFWAY_ERROR:.0%} at step {steps_[-1]:,.0f}"
    note = f"The error of {arm_words(rows)} is not final: {why}."
    return Effect(dict.fromkeys(found.by_seed, math.nan), found.rates, found.at_edge, note)


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
    needed: float | None = None,
) -> Reading:
    """log2 of one arm's steps to an error over another's, a run that never reaches it counted as its budget.

    Where `slow` never reaches it, that is a lower bound: a seed whose bound is less than `needed` has no
    number, and a seed in which neither arm reaches it has none. Where that is so in most seeds, no seed has
    one. Without `needed`, as for a control, bounds count as they are,
    and neither arm is faster where both fail.
    """
    read_arm = scored(steps(error)) if best else at_paper_rate(steps(error))

    def read(rows: Rows) -> Effect:
        one, other = (read_arm(rows.where(**arm)) for arm in (slow, fast))
        if not (one.by_seed and other.by_seed):
            return Effect({})
        ratio = partial(_ratio, most=budget(rows), needed=needed)
        found = compare(lambda _: one, lambda _: other, ratio)(rows)
        if needed is None:
            return found
        failed = [s for s in found.by_seed if math.isinf(one.by_seed[s])]
        both, depth = sum(math.isinf(other.by_seed[s]) for s in failed), rows.distinct("depth")[0]
        if both > len(found.by_seed) / 2:
            why = f"D={depth} decides nothing: neither arm reaches the error."
            return replace(found, by_seed=dict.fromkeys(found.by_seed, math.nan), note=why)
        return replace(found, note=_bounded(depth, len(failed), len(found.by_seed)) if failed else "")

    return read


def _ratio(slow: float, fast: float, *, most: float, needed: float | None) -> float:
    if math.isinf(slow) and math.isinf(fast):
        return 0.0 if needed is None else math.nan
    bound = math.log2(min(slow, most) / min(fast, most))
    is_open = needed is not None and math.isinf(slow) and bound < needed
    return math.nan if is_open else bound


def _bounded(depth: int, failed: int, seeds: int) -> str:
    words = f"D={depth}: {failed} of {seeds} runs of the MLP never reach the error. They count as if they "
    return words + "did at the last step, where that decides: the true ratio is larger."


def ends_better(worse: Mapping[str, Any], better: Mapping[str, Any], size: float) -> Reading:
    """log2 of one arm's final error over another's, each at its best learning rate."""
    return compare(_final_of(worse, size), _final_of(better, size), log2_ratio)


def _final_of(arm: Mapping[str, Any], size: float) -> Reading:
    return lambda rows: final_error(rows.where(**arm), size)
