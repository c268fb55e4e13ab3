"""The bounds that decide the mean of C3 over the depths, and the notes on them.

A run that never reaches the error gives a bound of the ratio, see `races`. It counts where it decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from levinthal.lab.analysis import Effect
from levinthal.lab.analysis.effects import BySeed
from levinthal.studies.skips_and_dynamics.first_last_information.claims.races import FALLS_LESS, Race

IS_LARGER, IS_SMALLER = "the true ratio is larger", "the true ratio is smaller"
"""What a note says of bounds that the mean over the depths holds; the answer of the study looks for it."""


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
    counts = {depth: _counted(here, known, needed) for depth, here in known.items()}
    whole = _finite_everywhere(counts.values())
    notes = {depth: " ".join(_notes(depth, here, counts[depth], whole)) for depth, here in known.items()}
    return {
        depth: found.effect(counts[depth], notes[depth]) if depth in known else Effect({})
        for depth, found in races.items()
    }


def _counted(here: Race, races: Mapping[int, Race], needed: float) -> BySeed:
    """The ratios at one depth; those that decide nothing are not a number."""
    return {
        seed: here.ratio(seed) if _decides(seed, here, races, needed) else math.nan for seed in here.seeds
    }


def _finite_everywhere(counts: Iterable[BySeed]) -> frozenset[int]:
    """The seeds that have a number at every depth: those whose mean over the depths is one.

    >>> sorted(_finite_everywhere([{0: 1.0, 1: math.nan, 2: 1.0}, {0: 2.0, 1: 2.0}]))
    [0]
    """
    finite = [{seed for seed, number in one.items() if math.isfinite(number)} for one in counts]
    return frozenset(set.intersection(*finite)) if finite else frozenset()


def _decides(seed: int, here: Race, races: Mapping[int, Race], needed: float) -> bool:
    """Whether the ratio of a seed at one depth is a number, or a bound that counts."""
    lower, upper = here.is_lower_bound(seed), here.is_upper_bound(seed)
    if here.is_mostly_open:
        return False
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


def _notes(depth: int, here: Race, counts: BySeed, whole: Set[int]) -> Iterator[str]:
    """How many runs of each arm alone never reach the error, and what then counts.

    The seeds of `whole` have a number at every depth. That the true ratio is larger or smaller is said where
    one of them has such a bound: else the mean over the depths holds none.
    """
    of, both = f"of {len(here.seeds)}", sum(map(here.is_open, here.seeds))
    if here.is_mostly_open:
        yield f"D={depth} decides nothing: in {both} {of} seeds neither arm reaches the error."
        return
    lower = [seed for seed in here.seeds if here.is_lower_bound(seed) and not here.is_open(seed)]
    upper = [seed for seed in here.seeds if here.is_upper_bound(seed) and not here.is_open(seed)]
    if lower:
        wanted = f"the claim: {IS_LARGER}" if whole & {*lower} else "the claim"
        late = f"{len(lower)} {of} runs of the MLP never reach the error; the shortcut does"
        yield f"D={depth}: {late}. {_counted_words('slow' in here.resting, lower, counts, wanted)}"
    if upper:
        wanted = f"a denial: {IS_SMALLER}" if whole & {*upper} else "a denial"
        late = f"{len(upper)} {of} runs of the shortcut never reach the error; the MLP does"
        yield f"D={depth}: {late}. {_counted_words('fast' in here.resting, upper, counts, wanted)}"
    if both:
        yield f"D={depth}: in {both} {of} seeds neither arm reaches the error: they have no number."


def _counted_words(rests: bool, bounds: Sequence[int], counts: BySeed, wanted: str) -> str:
    """What counts of the seeds of one bound.

    >>> print(_counted_words(False, [0, 1], {0: 2.0, 1: 3.0}, "it"))
    At this depth 2 of them count as if they did at the last step, which is enough for it.
    """
    if rests:
        return f"They have no number: their median error {FALLS_LESS}."
    known = sum(math.isfinite(counts[seed]) for seed in bounds)
    if not known:
        return (
            "They have no number: reached at the last step, it is not enough for "
            f"{wanted.partition(':')[0]}, or the seed has bounds of both kinds."
        )
    verb, left = "counts as if it" if known == 1 else "count as if they", len(bounds) - known
    others = f" The other {left} {'has' if left == 1 else 'have'} no number." if left else ""
    return f"At this depth {known} of them {verb} did at the last step, which is enough for {wanted}.{others}"
