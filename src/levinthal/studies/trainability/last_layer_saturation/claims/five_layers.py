"""What L3 reads: whether five layers stay saturated at every learning rate, where four do not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from levinthal.lab.analysis import Effect, Reading
from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.last_layer_saturation.claims.notes import about
from levinthal.studies.trainability.last_layer_saturation.claims.readings import (
    SPREAD,
    at_best,
    best,
    brief_saturations,
    desaturation,
    stays,
)
from levinthal.studies.trainability.last_layer_saturation.design import STANDARD, Arm, arm, trains

FOUR: Arm = ("sigmoid", STANDARD, 4, "true")
FIVE: Arm = ("sigmoid", STANDARD, 5, "true")
AT_CHANCE = 0.85
"""An error above this is that of ten classes at chance level: one class learnt lowers it from .9 to .8."""
ESCAPED = 0.5
"""What L3 asks for: below it a layer has left saturation, by more than (1 - `ESCAPED`) of `SPREAD`."""


def five_stay(rows: Rows) -> Effect:
    """L3: the smallest `stays` of five layers over the learning rates at which they saturate, seed by seed.

    All rates count, because a network that leaves saturation may end at chance level: its error does not show
    which rate that is. A seed has a number only if it ran at every rate of four layers. A rate at which a
    layer learns without saturating, or is saturated at single readings alone and leaves, leaves a seed open,
    unless the layer escapes at another; one that never saturates at chance level says nothing. The grid's
    edge counts where the lowest error, of five layers that learn or of four, is there.
    """
    five, four = arm(rows, *FIVE), best(rows, FOUR)
    if four is None:
        return Effect(dict.fromkeys(five.where(name="error", steps=trains).distinct("seed"), math.nan))
    lowest, grid = lowest_errors(five), sorted({*grid_of(arm(rows, *FOUR)), *grid_of(five)})
    by_rate = {rate: stays(five.where(rate=rate, steps=trains), 5) for rate in grid}
    free = _learns_without_saturating(five, by_rate).union(
        *(brief_saturations(five.where(rate=rate, steps=trains), 5) for rate in grid)
    )
    learnt = {rate for error, rate in lowest.values() if error <= AT_CHANCE}
    whole = {seed: [one[seed] for one in by_rate.values() if seed in one] for seed in lowest}
    found = {
        seed: _smallest(every, seed in free) if len(every) == len(grid) else math.nan
        for seed, every in whole.items()
    }
    at_edge = four.at_edge or bool(learnt & {min(grid), max(grid)})
    return Effect(found, (four.rate, *sorted(learnt - {four.rate})), at_edge, _not_run(grid, five))


def grid_of(nets: Rows) -> list[float]:
    """The learning rates at which networks were trained to the end."""
    return sorted(float(rate) for rate in nets.where(name="error", steps=trains).distinct("rate"))


def _not_run(grid: list[float], five: Rows) -> str:
    """A note on the learning rates of four layers at which five have not run."""
    missing = [f"{rate:g}" for rate in grid if rate not in grid_of(five)]
    return f"Five layers have not run at the learning rates {', '.join(missing)} yet." if missing else ""


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
    """The notes of L3: the rates at which five layers saturate and escape, and how many of them learn."""
    yield from about(FOUR, FIVE)(rows)
    five = arm(rows, *FIVE)
    lowest = lowest_errors(five)
    by_rate = {rate: stays(five.where(rate=rate, steps=trains), 5).values() for rate in grid_of(five)}
    known = {rate: [n for n in one if n == n] for rate, one in by_rate.items()}
    counts = [
        f"{sum(n < ESCAPED for n in one)} of {len(one)} at {rate:g}" for rate, one in known.items() if one
    ]
    if counts:
        leave = f"leave saturation (by more than {(1 - ESCAPED) * SPREAD:g})"
        yield f"Of the saturated networks of five layers these {leave}: {', '.join(counts)}."
    yield from _about_brief(five)
    learn = sorted({rate for error, rate in lowest.values() if error <= AT_CHANCE})
    count = sum(error <= AT_CHANCE for error, _ in lowest.values())
    if learn:
        where = " and ".join(f"{rate:g}" for rate in learn)
        share = f"{count} of {len(lowest)} networks of five layers end with an error of at most 85 %"
        yield f"{share}; the lowest error of each is at {where}."


def _about_brief(five: Rows) -> Iterator[str]:
    """A note on the rates at which five layers are saturated at single readings alone, and leave."""
    brief = {rate: brief_saturations(five.where(rate=rate, steps=trains), 5) for rate in grid_of(five)}
    counts = [f"{len(seeds)} at {rate:g}" for rate, seeds in brief.items() if seeds]
    if counts:
        yield (
            "Networks of five layers that are saturated at single readings alone, and then leave (by "
            f"{SPREAD:g} or more): {', '.join(counts)}. Each leaves its seed open, unless the layer leaves "
            "saturation at another rate."
        )


def where_four_desaturate(reading: Reading) -> Reading:
    """A reading that has no number unless most networks of four layers leave saturation."""

    def read(rows: Rows) -> Effect:
        found, four = reading(rows), at_best(desaturation, FOUR)(rows).by_seed
        left = sum(risen >= SPREAD for risen in four.values())
        if left > len(four) / 2:
            return found
        note = (
            f"{left} of {len(four)} networks of four layers saturate and end {SPREAD:g} above it in spread "
            "over images: five layers cannot be compared with them."
        )
        return replace(
            found, by_seed=dict.fromkeys(found.by_seed, math.nan), note=f"{found.note} {note}".strip()
        )

    return read
