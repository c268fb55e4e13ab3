"""Training times of two arms at one depth or several, where runs that never reach the error give bounds.

A run that never reaches it counts as its budget. Of the slow arm that makes the ratio a lower bound, of the
fast arm an upper one, as long as its error still falls: an error that has come to rest above the level says
nothing of speed. `decided` says which bounds count in a mean over depths.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from levinthal.lab.analysis import Effect, Reading
from levinthal.lab.analysis.curves import Curve, curves
from levinthal.lab.analysis.effects import BySeed
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

IS_LARGER = "the true ratio is larger"
STILL_FALLS = 0.1
"""An error falls if it does so by a fifteenth per doubling of the steps (.1, log2), median over seeds."""


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
    """In how many seeds the fast arm rests above the error, or neither arm reaches it."""
    of, both = f"of {len(found.seeds)} seeds", sum(map(found.is_open, found.seeds))
    upper = sum(map(found.is_upper_bound, found.seeds))
    if upper and "fast" in found.resting:
        yield f"{about}: in {upper} {of} its error does not fall at the end: they have no number."
    elif both:
        yield f"{about}: in {both} {of} neither arm reaches the error, which counts as no gain."


def decided(races: Mapping[int, Race], needed: float) -> dict[int, Effect]:
    """The ratios at each depth, without the bounds that do not decide the mean of a seed over the depths.

    A bound counts only while the error of its arm still falls. A lower bound counts if it is at least
    `needed` at its depth and the seed's mean over the depths is, too. An upper bound counts if the mean of
    the seed is at most 0. Where both arms never reach the error, or a seed has bounds of both kinds, nothing
    is decided. At a depth at which neither arm reaches it in most seeds no seed has a number.

    Args:
        races: depth -> the steps of both arms; a depth without seeds has not run.
        needed: the smallest mean that the claim asks for, as a log2 ratio.

    Returns:
        Depth -> the ratios: not a number where nothing is decided, which counts as a seed that failed.

    >>> one = Race(Effect({0: 40.0, 1: 40.0}), Effect({0: 20.0, 1: math.inf}), 80.0)
    >>> two = Race(Effect({0: math.inf, 1: 80.0}), Effect({0: 10.0, 1: 5.0}), 80.0)
    >>> {depth: found.by_seed for depth, found in decided({5: one, 10: two}, 1.0).items()}
    {5: {0: 1.0, 1: nan}, 10: {0: 3.0, 1: 4.0}}
    """
    known = {depth: found for depth, found in races.items() if found.seeds}
    return {depth: _counted(depth, known, needed) for depth in races}


def _counted(depth: int, races: Mapping[int, Race], needed: float) -> Effect:
    """The ratios at one depth; those that decide nothing are not a number."""
    if depth not in races:
        return Effect({})
    here = races[depth]
    if sum(map(here.is_open, here.seeds)) > len(here.seeds) / 2:
        open_ = sum(map(here.is_open, here.seeds))
        note = (
            f"D={depth} decides nothing: in {open_} of {len(here.seeds)} seeds neither arm reaches the error."
        )
        return here.effect(dict.fromkeys(here.seeds, math.nan), note)
    counts = {
        seed: here.ratio(seed) if _decides(seed, here, races, needed) else math.nan for seed in here.seeds
    }
    return here.effect(counts, " ".join(_notes(depth, here, counts)))


def _decides(seed: int, here: Race, races: Mapping[int, Race], needed: float) -> bool:
    """Whether the ratio of a seed at one depth is a number, or a bound that counts."""
    lower, upper = here.is_lower_bound(seed), here.is_upper_bound(seed)
    if not (lower or upper):
        return True
    if (lower and "slow" in here.resting) or (upper and "fast" in here.resting):
        return False
    everywhere = [one for one in races.values() if seed in one.seeds]
    mean = sum(one.ratio(seed) for one in everywhere) / len(everywhere)
    if lower:
        is_mixed = any(one.is_upper_bound(seed) for one in everywhere)
        return not is_mixed and mean >= needed and here.ratio(seed) >= needed
    return mean <= 0 and not any(one.is_lower_bound(seed) for one in everywhere)


def _notes(depth: int, here: Race, counts: BySeed) -> Iterator[str]:
    """How many runs of each arm alone never reach the error, and what then counts."""
    of, both = f"of {len(here.seeds)}", sum(map(here.is_open, here.seeds))
    lower = [seed for seed in here.seeds if here.is_lower_bound(seed) and not here.is_open(seed)]
    upper = [seed for seed in here.seeds if here.is_upper_bound(seed) and not here.is_open(seed)]
    if lower:
        counted = _counted_words("slow" in here.resting, lower, counts, f"the claim: {IS_LARGER}")
        late = f"{len(lower)} {of} runs of the MLP"
        yield f"D={depth}: {late} never reach the error; the shortcut does. {counted}"
    if upper:
        counted = _counted_words("fast" in here.resting, upper, counts, "a denial")
        late = f"{len(upper)} {of} runs of the shortcut"
        yield f"D={depth}: {late} never reach the error; the MLP does. {counted}"
    if both:
        yield f"D={depth}: in {both} {of} seeds neither arm reaches the error: they have no number."


def _counted_words(rests: bool, bounds: Sequence[int], counts: BySeed, wanted: str) -> str:
    """What counts of the seeds of one bound.

    >>> print(_counted_words(False, [0, 1], {0: 2.0, 1: 3.0}, "it"))
    At this depth 2 of them count as if they did at the last step, which is enough for it.
    """
    if rests:
        return (
            "They have no number: their median error does not fall at the end, at this rate or at that of "
            "the lowest error."
        )
    known = sum(math.isfinite(counts[seed]) for seed in bounds)
    if not known:
        return (
            "They have no number: reached at the last step, it is not enough for "
            f"{wanted.partition(':')[0]}, or the seed has bounds of both kinds."
        )
    verb, left = "counts as if it" if known == 1 else "count as if they", len(bounds) - known
    others = f" The other {left} {'has' if left == 1 else 'have'} no number." if left else ""
    return f"At this depth {known} of them {verb} did at the last step, which is enough for {wanted}.{others}"
