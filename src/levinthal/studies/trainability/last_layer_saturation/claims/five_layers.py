"""What L3 reads: whether five layers stay saturated, at two learning rates, where four do not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from levinthal.lab.analysis import Effect, Reading, best_at_end
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.last_layer_saturation.claims.notes import about
from levinthal.studies.trainability.last_layer_saturation.claims.readings import (
    SPREAD,
    at_best,
    desaturation,
    stays,
)
from levinthal.studies.trainability.last_layer_saturation.design import STANDARD, Arm, arm, trains

FOUR: Arm = ("sigmoid", STANDARD, 4, "true")
FIVE: Arm = ("sigmoid", STANDARD, 5, "true")
AT_CHANCE = 0.85
"""An error above this is that of ten classes at chance level: one class learnt lowers it from .9 to .8."""


def five_stay(rows: Rows) -> Effect:
    """L3: `stays` of five layers at the best rate of four and at their own: the smaller counts, seed by seed.

    At chance level a layer that never saturates at the own rate says nothing, and neither does the edge of
    the grid: the rate with the lowest error is then one of many.
    """
    here, own = at_best(partial(stays, layer=5), FIVE, FOUR)(rows), _at_own_rate(rows)
    both = {seed: _smaller(number, own.by_seed.get(seed, math.nan)) for seed, number in here.by_seed.items()}
    return Effect(both, here.rates + own.rates, here.at_edge or own.at_edge)


def _at_own_rate(rows: Rows) -> Effect:
    """`stays` of five layers at the rate of their lowest error; inf where it says nothing at chance level."""
    five = arm(rows, *FIVE)
    found = best_at_end(five, "error", steps=trains)
    if found is None:
        return Effect(dict.fromkeys(five.distinct("seed"), math.inf))
    numbers = stays(five.where(rate=found.rate, steps=trains), 5)
    if np.median(list(found.scores.values())) <= AT_CHANCE:
        return Effect(numbers, (found.rate,), found.at_edge)
    return Effect({seed: math.inf if number != number else number for seed, number in numbers.items()})


def _smaller(here: float, own: float) -> float:
    """The smaller; not a number if the own one is none, the own one if it is finite and the other is none."""
    if here == here:
        return min(own, here)
    return own if math.isfinite(own) else math.nan


def about_five(rows: Rows) -> Iterator[str]:
    """The notes of L3, and the learning rate of the lowest error of five layers, if that is not chance."""
    yield from about(FOUR, FIVE)(rows)
    found = best_at_end(arm(rows, *FIVE), "error", steps=trains)
    if found and (error := float(np.median(list(found.scores.values())))) <= AT_CHANCE:
        yield f"Five layers have their lowest error, {error:.0%}, at the learning rate {found.rate:g}."


def where_four_desaturate(reading: Reading) -> Reading:
    """A reading that has no number unless four layers leave saturation, on the mean over seeds."""

    def read(rows: Rows) -> Effect:
        found, four = reading(rows), at_best(desaturation, FOUR)(rows).by_seed
        risen = float(np.nan_to_num(list(four.values())).mean()) if four else 0.0
        if risen >= SPREAD:
            return found
        note = (
            f"The spread of four layers rises by {risen:.2g} of activation, less than {SPREAD:g}: five "
            "layers cannot be compared with them."
        )
        return replace(found, by_seed=dict.fromkeys(found.by_seed, math.nan), note=note)

    return read
