"""The targets of the judge, each held against its worst cell."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.simulated.cells import CLEAN, CONFOUNDED, Cell, all_cells
from benchmarks.simulated.judged import Counts
from benchmarks.simulated.noises import NAMES

FAILING = "one in ten fails"
FEWEST_REPLICATING = 8
"""The fewest seeds at which the judge may say *replicates*."""


class Share(NamedTuple):
    """How many of how many."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        """The share; not a number where nothing was counted."""
        return self.hits / self.total if self.total else math.nan

    @property
    def error(self) -> float:
        """The Monte-Carlo standard error; of a share of 0 or 1 that of one study in all.

        >>> round(Share(50, 100).error, 3), round(Share(0, 100).error, 3)
        (0.05, 0.01)
        """
        if not self.total:
            return math.nan
        inside = min(max(self.value, 1 / self.total), 1 - 1 / self.total)
        return math.sqrt(max(inside * (1 - inside), 0.0) / self.total)


Read = Callable[[Counts], Share]


def share(hit: str, of: str = "studies") -> Read:
    """Reads a share of the counts of a cell."""
    return lambda counts: Share(counts[hit], counts[of])


def failed_to_replicate(counts: Counts) -> Share:
    """Studies without the word *replicates*."""
    return Share(counts["studies"] - counts["replicates"], counts["studies"])


@dataclass(frozen=True, slots=True)
class Target:
    """A share that must lie between two limits in each group of cells."""

    says: str
    groups: tuple[tuple[Cell, ...], ...]
    read: Read
    most: float
    least: float = 0.0

    @property
    def limits(self) -> str:
        """The limits in per cent."""
        if not self.least:
            return f"at most {100 * self.most:g}"
        return (
            f"at least {100 * self.least:g}"
            if self.most >= 1
            else f"{100 * self.least:g} to {100 * self.most:g}"
        )

    def distance(self, found: Share) -> float:
        """How far beyond its limits a share lies; below 0 within them."""
        above, below = found.value - self.most, self.least - found.value
        return above if not self.least else below if self.most >= 1 else max(above, below)

    def worst(self, counts: Callable[[Cell], Counts]) -> tuple[tuple[Cell, ...], Share] | None:
        """The group farthest beyond the limits, or nearest to them; None before anything has run."""
        found = [(group, self.read(total(counts(cell) for cell in group))) for group in self.groups]
        known = [(group, share) for group, share in found if share.total]
        return max(known, key=lambda pair: self.distance(pair[1]), default=None)

    def mark(self, found: Share) -> str:
        """Met, missed, or missed by less than two Monte-Carlo errors.

        >>> target = Target("x", (), share("x"), most=0.03)
        >>> target.mark(Share(2, 100)), target.mark(Share(4, 100)), target.mark(Share(20, 100))
        ('met', 'missed, within error', 'missed')
        """
        beyond = self.distance(found)
        if beyond <= 1e-12:
            return "met"
        return "missed, within error" if beyond <= 2 * found.error else "missed"


def words_cells(test: Callable[[Cell], bool]) -> tuple[Cell, ...]:
    """The cells of words that pass a test."""
    return tuple(cell for cell in all_cells() if cell.kind == "words" and test(cell))


def alone(cells: Iterable[Cell]) -> tuple[tuple[Cell, ...], ...]:
    """Each cell as a group of its own."""
    return tuple((cell,) for cell in cells)


def is_plain(cell: Cell) -> bool:
    """One condition without a control."""
    return cell.parts == 1 and cell.control is None


def at_exactly() -> Iterator[Target]:
    """One target for each law: *replicates* where the truth is exactly the smallest effect size."""
    cells = words_cells(lambda c: c.is_borderline and c.spread == 0.5)
    says = "*replicates* at exactly the smallest size"
    for name in NAMES:
        groups = alone(cell for cell in cells if cell.noise == name)
        if name != FAILING:
            yield Target(f"{says}: {name}", groups, share("replicates"), 0.03)
            continue
        for group in groups:
            yield Target(f"{says}: {name}, {group[0].seeds} seeds", (group,), share("replicates"), 0.12)


def with_controls() -> Iterator[Target]:
    """What a control may and may not do."""
    half = words_cells(lambda c: (c.truth, c.control) == CLEAN[1] and c.parts > 1)
    replicating = (c for c in half if c.seeds >= FEWEST_REPLICATING and c.spread <= 0.5)
    positive = words_cells(lambda c: c.positive)
    for spread in (0.25, 0.5, 1.0):
        says = f"a condition set aside: effect 4, control .5, spread {spread:g}"
        yield Target(says, alone(c for c in half if c.spread == spread), share("set aside"), 0.05)
    yield Target(
        "the same at spread .25 and .5: *replicates* withheld", alone(replicating), failed_to_replicate, 0.05
    )
    yield Target(
        "the same: effect 4.5, control .5 and never negative", alone(positive), share("set aside"), 0.05
    )
    for pair in CONFOUNDED:
        cells = (c for c in words_cells(is_confounded) if (c.truth, c.control) == pair)
        says = f"confounding passed: effect {pair[0]:g}, control {pair[1]:g}"
        yield Target(says, alone(cells), share("replicates"), 0.03)
    says = "confounding passed in one condition of several: effect 2, control 2 there"
    yield Target(says, alone(words_cells(lambda c: c.in_one)), share("replicates"), 0.03)


def is_confounded(cell: Cell) -> bool:
    """Whether every condition has the same control."""
    return cell.control is not None and not cell.in_one


def settling() -> Iterator[Target]:
    """The number of seeds that would settle a claim, over all truths."""
    asked = [cell for cell in all_cells() if cell.kind == "settle"]
    kinds = dict.fromkeys((cell.spread, cell.seeds) for cell in asked)
    for spread, seeds in kinds:
        group = tuple(cell for cell in asked if (cell.spread, cell.seeds) == (spread, seeds))
        says = f"the seeds asked for settle the claim: spread {spread:g}, {seeds} seeds"
        yield Target(says, (group,), share("settled with added seeds", "asked"), 0.9, 0.75)


def targets() -> Iterator[Target]:
    """All of them, in the order of the page."""
    nil = words_cells(lambda c: c.truth == 0)
    yield Target("*replicates* at nil: all laws, conditions, seeds", alone(nil), share("replicates"), 0.005)
    yield from at_exactly()
    law = ("normal", 0.5, 8, 2.0)
    twice = words_cells(lambda c: c.control in (None, 0.0) and (c.noise, c.spread, c.seeds, c.truth) == law)
    says = "*replicates* at twice the smallest size: normal, spread .5, 8 seeds"
    yield Target(says, alone(twice), share("replicates"), 1.0, 0.9)
    yield from with_controls()
    yield from settling()


def total(counts: Iterable[Counts]) -> Counts:
    """The sum of counts."""
    found = Counts()
    for more in counts:
        found.update(more)
    return found


def coverage(counts: Callable[[Cell], Counts], noise: str, seeds: int) -> Share:
    """Intervals that held the truth, over all truths (an interval moves with the effect)."""
    cells = words_cells(lambda c: is_plain(c) and (c.noise, c.seeds, c.spread) == (noise, seeds, 0.5))
    return share("covered", "intervals")(total(counts(cell) for cell in cells))
