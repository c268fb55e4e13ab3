"""Training times of two arms at one depth or several, where runs that never reach the error give bounds.

A run that never reaches it counts as its budget. Of the slow arm that makes the ratio a lower bound, of the
fast arm an upper one, as long as its error still falls: an error that has come to rest above the level says
nothing of speed. `bounds.decided` says which bounds count in a mean over depths.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from levinthal.lab.analysis import Effect, Reading
from levinthal.lab.analysis.curves import Curve, curves
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.arms import (
    at_paper_rate,
    budget,
    fall_per_doubling,
    final,
    scored,
    steps,
)
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import ERROR
from levinthal.studies.skips_and_dynamics.first_last_information.design import RATE

STILL_FALLS = 0.1
"""An error falls if it does so by a fifteenth per doubling of the steps (.1, log2), median over seeds."""
FALLS_LESS = (
    "falls by less than a fifteenth per doubling of the steps at the end, at this rate or at that of the "
    "lowest error"
)
"""That the error of an arm rests, in the words of a note."""


@dataclass(frozen=True)
class Race:
    """The steps to an error of a slow and of a fast arm, seed by seed: inf where a run never reaches it.

    Attributes:
        slow: the steps of the slow arm, at its best learning rate or at the paper's.
        fast: the same of the fast arm.
        most: the steps of the longest run, which count for a run that never reaches the error.
        resting: the arms, "slow" or "fast", of which some runs never reach the error, and the median error
            of these runs no longer falls at the end, at their learning rate or at that of the lowest error.
    """

    slow: Effect
    fast: Effect
    most: float
    resting: frozenset[str] = frozenset()

    @property
    def seeds(self) -> list[int]:
        """The seeds that both arms have."""
        return [seed for seed in self.slow.by_seed if seed in self.fast.by_seed]

    def ratio(self, seed: int) -> float:
        """log2 of the slow arm's steps over the fast one's, each at most the budget."""
        slow, fast = self.slow.by_seed[seed], self.fast.by_seed[seed]
        return math.log2(min(slow, self.most) / min(fast, self.most))

    def is_lower_bound(self, seed: int) -> bool:
        """Whether the slow arm never reaches the error: the true ratio is larger, if the fast one does."""
        return math.isinf(self.slow.by_seed[seed])

    def is_upper_bound(self, seed: int) -> bool:
        """Whether the fast arm never reaches the error: the true ratio is smaller, if the slow one does."""
        return math.isinf(self.fast.by_seed[seed])

    def is_open(self, seed: int) -> bool:
        """Whether neither arm reaches the error."""
        return self.is_lower_bound(seed) and self.is_upper_bound(seed)

    @property
    def is_mostly_open(self) -> bool:
        """Whether neither arm reaches the error in most seeds."""
        return sum(map(self.is_open, self.seeds)) > len(self.seeds) / 2

    def effect(self, by_seed: Mapping[int, float], note: str = "") -> Effect:
        """An effect that rests on the learning rates of both arms."""
        rates, at_edge = self.slow.rates + self.fast.rates, self.slow.at_edge or self.fast.at_edge
        return Effect(by_seed, rates, at_edge, note) if by_seed else Effect({})


def race(
    slow: Mapping[str, Any], fast: Mapping[str, Any], error: float, *, best: bool = True
) -> Callable[[Rows], Race]:
    """The steps of two arms to an error: each at its best learning rate, or both at the paper's."""
    times = scored(steps(error)) if best else at_paper_rate(steps(error))

    def read(rows: Rows) -> Race:
        arms = {"slow": rows.where(**slow), "fast": rows.where(**fast)}
        found = {name: times(arm) for name, arm in arms.items()}
        resting = {name for name, arm in arms.items() if found[name].by_seed and _rests(arm, found[name])}
        return Race(found["slow"], found["fast"], budget(rows), frozenset(resting))

    return read


def _rests(arm: Rows, times: Effect) -> bool:
    """Whether runs that never reach the error have come to rest, at the learning rate of the times or at
    that of the lowest error at the end: where no rate reaches the error, the first is the middle of the grid.
    """
    late = [seed for seed, time in times.by_seed.items() if math.isinf(time)]
    rates = {*times.rates, *scored(final)(arm).rates} if times.rates else {RATE}
    ends = [_runs_at(arm, rate, late) for rate in rates] if late else []
    return any(fall_per_doubling(runs) < STILL_FALLS for runs in ends if runs)


def _runs_at(arm: Rows, rate: float, seeds: Iterable[int]) -> list[Curve]:
    """The errors of some runs at a learning rate."""
    found = curves(arm.where(rate=rate), **ERROR)
    return [found[seed] for seed in seeds if seed in found]


def faster(
    slow: Mapping[str, Any],
    fast: Mapping[str, Any],
    error: float,
    *,
    best: bool = True,
    neither: float = 0.0,
    about: str = "",
) -> Reading:
    """log2 of the steps of one arm over those of another, bounds as they are, as for a control.

    A fast arm that has come to rest above the error may have been fast until then: it has no number.
    `neither` is the number of a seed in which both never reach the error; notes that begin with `about`
    count them.
    """
    read = race(slow, fast, error, best=best)

    def ratio(found: Race, seed: int) -> float:
        if found.is_upper_bound(seed) and "fast" in found.resting:
            return math.nan
        return neither if found.is_open(seed) else found.ratio(seed)

    def ratios(rows: Rows) -> Effect:
        found = read(rows)
        notes = " ".join(_notes_of_control(about, found)) if about else ""
        return found.effect({seed: ratio(found, seed) for seed in found.seeds}, notes)

    return ratios


def _notes_of_control(about: str, found: Race) -> Iterator[str]:
    """In how many seeds the fast arm rests above the error, neither arm reaches it, or the slow one never."""
    of, both = f"of {len(found.seeds)} seeds", sum(map(found.is_open, found.seeds))
    upper = sum(map(found.is_upper_bound, found.seeds))
    lower = sum(map(found.is_lower_bound, found.seeds)) - both
    if upper and "fast" in found.resting:
        late = f"{about}: in {upper} {of} it never reaches the error"
        yield f"{late}. They have no number: their median error {FALLS_LESS}."
    elif both:
        yield f"{about}: in {both} {of} neither arm reaches the error, which counts as no gain."
    if lower:
        late = f"{about}: in {lower} {of} the MLP never reaches the error, and the control does"
        yield f"{late}. The MLP counts as if it did at the last step: a lower bound of the control."
