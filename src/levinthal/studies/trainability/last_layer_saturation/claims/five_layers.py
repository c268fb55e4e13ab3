"""What L3 reads: whether five layers stay saturated at every learning rate, where four do not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from levinthal.lab.analysis import Effect, Reading
from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.last_layer_saturation.claims.notes import about
from levinthal.studies.trainability.last_layer_saturation.claims.readings import (
    SPREAD,
    at_best,
    best,
    saturated_desaturation,
    stays,
)
from levinthal.studies.trainability.last_layer_saturation.design import STANDARD, Arm, arm, trains

FOUR: Arm = ("sigmoid", STANDARD, 4, "true")
FIVE: Arm = ("sigmoid", STANDARD, 5, "true")
AT_CHANCE = 0.85
"""An error above this is that of ten classes at chance level: one class learnt lowers it from .9 to .8."""
ESCAPED = 0.5
"""What L3 asks for: below it a layer has left saturation."""


def five_stay(rows: Rows) -> Effect:
    """L3: the smallest `stays` of five layers over the learning rates at which they saturate, seed by seed.

    All rates count, because a network that leaves saturation may end at chance level: its error does not show
    which rate that is. A rate at which a layer learns without saturating leaves a seed open, unless the layer
    escapes at another; one that never saturates at chance level says nothing. The grid's edge counts where
    the lowest error, of five layers that learn or of four, is there.
    """
    five, four = arm(rows, *FIVE), best(rows, FOUR)
    if four is None:
        return Effect(dict.fromkeys(five.where(name="error", steps=trains).distinct("seed"), math.nan))
    lowest, grid = lowest_errors(five), _grid(five)
    by_rate = {rate: stays(five.where(rate=rate, steps=trains), 5) for rate in grid}
    free = _learns_without_saturating(five, by_rate)
    learnt = {rate for error, rate in lowest.values() if error <= AT_CHANCE}
    found = {
        seed: _smallest([one.get(seed, math.nan) for one in by_rate.values()], seed in free)
        for seed in lowest
    }
    at_edge = four.at_edge or bool(learnt & {min(grid), max(grid)})
    return Effect(found, (four.rate, *sorted(learnt)), at_edge)


def _grid(five: Rows) -> list[float]:
    return [float(rate) for rate in five.where(name="error", steps=trains).distinct("rate")]


def _learns_without_saturating(five: Rows, by_rate: Mapping[float, BySeed]) -> set[int]:
    """The seeds whose error falls below that of chance level at a rate at which the layer never saturates."""
    ends = five.where(name="error", steps=trains).at_last_step()
    learn = {
        rate: {s for s, e in ends.where(rate=rate).by_seed().items() if e <= AT_CHANCE} for rate in by_rate
    }
    return {s for rate, seeds in learn.items() for s in seeds if math.isnan(by_rate[rate].get(s, math.nan))}


def _smallest(stays_: list[float], is_open: bool) -> float:
    """The smallest number; none where there is none, or where an open seed has no escape."""
    known = [number for number in stays_ if number == number]
    smallest = min(known, default=math.nan)
    return math.nan if is_open and not smallest < ESCAPED else smallest


def lowest_errors(five: Rows) -> dict[int, tuple[float, float]]:
    """Seed -> its lowest error at the end, and the learning rate of that error."""
    ends, found = five.where(name="error", steps=trains).at_last_step(), dict[int, tuple[float, float]]()
    for rate in ends.distinct("rate"):
        errors = {s: e for s, e in ends.where(rate=rate).by_seed().items() if math.isfinite(e)}
        found |= {s: min(found.get(s, (math.inf, rate)), (e, rate)) for s, e in errors.items()}
    return found


def about_five(rows: Rows) -> Iterator[str]:
    """The notes of L3, and the learning rate of the lowest error of five layers, if that is not chance."""
    yield from about(FOUR, FIVE)(rows)
    lowest = lowest_errors(arm(rows, *FIVE))
    learn = sorted({rate for error, rate in lowest.values() if error <= AT_CHANCE})
    count = sum(error <= AT_CHANCE for error, _ in lowest.values())
    if learn:
        where = " and ".join(f"{rate:g}" for rate in learn)
        share = f"{count} of {len(lowest)} networks of five layers end with an error of at most 85 %"
        yield f"{share}; the lowest error of each is at {where}."


def where_four_desaturate(reading: Reading) -> Reading:
    """A reading that has no number unless most networks of four layers leave saturation."""

    def read(rows: Rows) -> Effect:
        found, four = reading(rows), at_best(saturated_desaturation, FOUR)(rows).by_seed
        risen = float(np.median(np.nan_to_num(list(four.values())))) if four else 0.0
        if risen >= SPREAD:
            return found
        note = (
            f"The spread of four layers over images rises by {risen:.2g} of activation, median over seeds, "
            f"less than {SPREAD:g}: five layers cannot be compared with them."
        )
        return replace(found, by_seed=dict.fromkeys(found.by_seed, math.nan), note=note)

    return read
