"""What L3 reads: whether five layers stay saturated, at two learning rates, where four do not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from levinthal.lab.analysis import Effect, Reading
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.last_layer_saturation.claims.notes import about
from levinthal.studies.trainability.last_layer_saturation.claims.readings import (
    SPREAD,
    at_best,
    saturated_desaturation,
    stays,
)
from levinthal.studies.trainability.last_layer_saturation.design import STANDARD, Arm, arm, trains

FOUR: Arm = ("sigmoid", STANDARD, 4, "true")
FIVE: Arm = ("sigmoid", STANDARD, 5, "true")
AT_CHANCE = 0.85
"""An error above this is that of ten classes at chance level: one class learnt lowers it from .9 to .8."""


def five_stay(rows: Rows) -> Effect:
    """L3: `stays` of five layers, up to the last reading, at the best rate of four and at that of its own
    lowest error, seed by seed: the smaller counts.

    At chance level a layer that never saturates at the own rate says nothing, and neither does the edge of
    the grid: the rate with the lowest error is then one of many.
    """
    here, own = at_best(partial(stays, layer=5), FIVE, FOUR)(rows), _at_own_rate(rows)
    both = {seed: _smaller(number, own.by_seed.get(seed, math.nan)) for seed, number in here.by_seed.items()}
    return Effect(both, here.rates + own.rates, here.at_edge or own.at_edge)


def _at_own_rate(rows: Rows) -> Effect:
    """`stays` of five layers, each seed at the rate of its own lowest error, where a minority that learns is
    seen too; inf where it says nothing at chance level.
    """
    five, found, rates, at_edge = arm(rows, *FIVE), dict[int, float](), set[float](), False
    grid = [float(rate) for rate in five.where(name="error", steps=trains).distinct("rate")]
    read = {rate: stays(five.where(rate=rate, steps=trains), 5) for rate in grid}
    for seed, (error, rate) in lowest_errors(five).items():
        number, learns = read[rate].get(seed, math.nan), error <= AT_CHANCE
        found[seed] = number if learns or number == number else math.inf
        at_edge |= learns and rate in (min(grid), max(grid))
        rates |= {rate} if learns else set()
    return Effect(found or dict.fromkeys(five.distinct("seed"), math.inf), tuple(sorted(rates)), at_edge)


def lowest_errors(five: Rows) -> dict[int, tuple[float, float]]:
    """Seed -> its lowest error at the end, and the learning rate of that error."""
    ends, found = five.where(name="error", steps=trains).at_last_step(), dict[int, tuple[float, float]]()
    for rate in ends.distinct("rate"):
        errors = {s: e for s, e in ends.where(rate=rate).by_seed().items() if math.isfinite(e)}
        found |= {s: min(found.get(s, (math.inf, rate)), (e, rate)) for s, e in errors.items()}
    return found


def _smaller(here: float, own: float) -> float:
    """The smaller; not a number if the own one is none, the own one if it is finite and the other is none."""
    if here == here:
        return min(own, here)
    return own if math.isfinite(own) else math.nan


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
    """A reading that has no number unless four layers leave saturation, on the mean over seeds."""

    def read(rows: Rows) -> Effect:
        found, four = reading(rows), at_best(saturated_desaturation, FOUR)(rows).by_seed
        risen = float(np.nan_to_num(list(four.values())).mean()) if four else 0.0
        if risen >= SPREAD:
            return found
        note = (
            f"The spread of four layers rises by {risen:.2g} of activation, less than {SPREAD:g}: five "
            "layers cannot be compared with them."
        )
        return replace(found, by_seed=dict.fromkeys(found.by_seed, math.nan), note=note)

    return read
