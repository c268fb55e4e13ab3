"""What is simulated: one cell is a kind of study, judged again and again with new seeds."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from benchmarks.simulated.noises import NAMES

Kind = Literal["words", "settle", "looks", "page"]
SEEDS = (5, 8, 12, 32)
LOOKS = (5, 8, 12, 16, 24, 32)
TRUTHS = {0.0: "nil", 0.5: "half", 1.0: "exactly", 2.0: "twice"}
CLAIMS = 12


@dataclass(frozen=True, slots=True)
class Cell:
    """A kind of study. All sizes are multiples of the smallest effect size of interest.

    `truth` is the effect in every condition (`uneven`: the first condition has none), `shared` the
    correlation of the conditions (or of the claims of a page) within a seed, `control` the effect in the
    control arm, None without one (`in_one`: only in the control of the first condition, else 0); a control
    that cannot be negative is `positive`. `counted` says that the judge is told how many analyses there were.
    """

    kind: Kind
    noise: str
    spread: float
    seeds: int
    truth: float
    parts: int = 1
    shared: float = 0.0
    control: float | None = None
    positive: bool = False
    uneven: bool = False
    counted: bool = False
    in_one: bool = False

    @property
    def key(self) -> str:
        """The cell in words, the same in every run."""
        words = ("positive", "uneven", "counted", "in_one")
        extra = "".join(f", {word.replace('_', ' ')}" for word in words if getattr(self, word))
        return (
            f"{self.kind}: {self.noise}, spread {self.spread:g}, {self.seeds} seeds, truth {self.truth:g}, "
            f"{self.parts} conditions, shared {self.shared:g}, control {self.control}{extra}"
        )

    @property
    def number(self) -> int:
        """The cell's part of the seed of its random numbers."""
        return zlib.crc32(self.key.encode())

    @property
    def weight(self) -> float:
        """Draws as a multiple of those asked for: more for a target, fewer for a long study."""
        kinds: dict[Kind, float] = {"words": 1.0, "settle": 0.5, "looks": 0.25, "page": 0.125}
        longer = {1: 1.0, 4: 0.5, 12: 0.25}[self.parts] if self.kind == "words" else 1.0
        return kinds[self.kind] * longer * (4.0 if self.is_borderline else 1.0)

    @property
    def is_borderline(self) -> bool:
        """Whether the cell belongs to a target for the truth exactly at the smallest effect size."""
        return self.kind == "words" and self.truth == 1.0 and self.control is None and self.parts == 1


def one_condition() -> Iterator[Cell]:
    """Every law, without a control: words and coverage."""
    for noise, seeds, truth in itertools.product(NAMES, SEEDS, TRUTHS):
        yield Cell("words", noise, 0.5, seeds, truth)
    wide = ("normal", "lognormal .5, tail down", "exponential, tail down", "one in ten fails")
    for noise, seeds, truth in itertools.product(wide, SEEDS, TRUTHS):
        yield Cell("words", noise, 2.0, seeds, truth)


def conditions() -> Iterator[Cell]:
    """Four and twelve conditions, each with a control of its own without effect."""
    for parts, shared, seeds in itertools.product((4, 12), (0.0, 0.5), SEEDS):
        for truth in (0.0, 1.0, 2.0):
            yield Cell("words", "normal", 0.5, seeds, truth, parts, shared, control=0.0)
        yield Cell("words", "normal", 0.5, seeds, 3.0, parts, shared, control=0.0, uneven=True)
    laws = ("t, 3 d.f.", "exponential, tail up", "exponential, tail down", "one in ten fails")
    for noise, parts, truth in itertools.product(laws, (1, 4, 12), (0.0, 1.0, 2.0)):
        yield Cell("words", noise, 0.5, 8, truth, parts, control=0.0)


CONFOUNDED = ((2.0, 1.0), (1.0, 1.0), (2.0, 2.0), (3.0, 3.0))
"""Effect and control where the control explains the claim: what is left is no more than the smallest size."""
CLEAN = ((4.0, 0.0), (4.0, 0.5))
"""Effect and control where the effect stands: no condition may be set aside."""
BETWEEN = ((3.0, 1.5), (1.2, 0.8))
"""Effect and control without a target: both count and one exceeds the other; or neither is far from the
size."""


def controls() -> Iterator[Cell]:
    """Controls from nil to the effect itself."""
    for parts, seeds, spread in itertools.product((1, 4, 12), (5, 8, 12), (0.25, 0.5, 1.0)):
        for effect, control in (*CONFOUNDED, *CLEAN, *BETWEEN):
            if spread == 0.5 or (effect, control) in (CONFOUNDED[0], CONFOUNDED[2], CLEAN[1]):
                yield Cell("words", "normal", spread, seeds, effect, parts, control=control)
    for parts, seeds in itertools.product((1, 4, 12), (5, 8, 12)):
        yield Cell("words", "normal", 0.5, seeds, 4.5, parts, control=0.5, positive=True)
    for parts, seeds, spread in itertools.product((4, 12), (5, 8, 12), (0.5, 1.0)):
        yield Cell("words", "normal", spread, seeds, 2.0, parts, control=2.0, in_one=True)
    for seeds in (5, 8, 12):
        yield Cell("words", "normal", 0.5, seeds, 2.0, control=0.0)


def looks() -> Iterator[Cell]:
    """A study judged again after seeds were added, at 5, 8, 12, 16, 24 and 32."""
    for spread, truth, counted in itertools.product((0.5, 1.0), (0.0, 1.0, 2.0), (False, True)):
        yield Cell("looks", "normal", spread, LOOKS[-1], truth, counted=counted)


def settling() -> Iterator[Cell]:
    """Whether as many seeds as the judge asks for settle an open claim."""
    for spread, seeds, truth in itertools.product((1.0, 2.0, 4.0), (5, 8), TRUTHS):
        yield Cell("settle", "normal", spread, seeds, truth)


def pages() -> Iterator[Cell]:
    """Twelve claims at once."""
    for seeds, truth, shared in itertools.product((8, 12, 32), (0.0, 1.0), (0.0, 0.5)):
        yield Cell("page", "normal", 0.5, seeds, truth, CLAIMS, shared)


def all_cells() -> tuple[Cell, ...]:
    """Every cell once, in the order of the page."""
    groups = (one_condition(), conditions(), controls(), looks(), settling(), pages())
    return tuple(dict.fromkeys(itertools.chain.from_iterable(groups)))
