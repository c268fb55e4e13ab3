"""What the effects of a claim are held against: its null value, its smallest effect size, and a level."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from levinthal.errors import InputError
from levinthal.vocabulary import Claim, Interval, Outcome

LEVEL = 0.95
"""The level of every interval in the first analysis."""
LEVEL_AGAIN = 0.99
"""The level of every interval from the second analysis on, where seeds were added after the first."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """The null value and the smallest effect size of a claim, in its unit, and how its intervals are made."""

    null: float
    smallest: float
    unit: str
    level: float = LEVEL
    deterministic: bool = False
    binary: bool = False

    @property
    def counts(self) -> float:
        """How far an effect must lie beyond another to count: from the null value to the smallest size."""
        return self.smallest - self.null

    @property
    def zero(self) -> str:
        """The null value in words."""
        return f"{self.null:.3g}" if self.null else "zero"

    def at(self, level: float) -> Sizes:
        """The same sizes with intervals of another level."""
        return replace(self, level=level)

    def for_other_arm(self) -> Sizes:
        """The same for a control or a rival, which may be random where the effect is not."""
        return replace(self, deterministic=False)

    def beyond_null(self, interval: Interval) -> bool:
        """Whether a whole interval lies beyond the null value."""
        return interval.low > self.null

    def is_open(self, interval: Interval) -> bool:
        """Whether an interval holds both the null value and the smallest size."""
        return not self.beyond_null(interval) and interval.high >= self.smallest

    def outcome(self, interval: Interval) -> Outcome:
        """The outcome by the interval alone."""
        if interval.low >= self.smallest:
            return Outcome.REPLICATES
        if interval.high < self.smallest:
            return Outcome.WEAKER if self.beyond_null(interval) else Outcome.DOES_NOT_REPLICATE
        return Outcome.PARTIALLY if self.beyond_null(interval) else Outcome.INCONCLUSIVE


def sizes_of(claim: Claim, analyses: int) -> Sizes:
    """The sizes of a claim.

    Args:
        claim: the claim. Nothing reaches the smallest size of one that is only reported.
        analyses: how often it was judged, this time included.

    Returns:
        The sizes, with the level of this analysis.

    Raises:
        InputError: fewer analyses than this one; a smallest size that does not lie above the null value.
    """
    if analyses < 1:
        raise InputError(f"analyses={analyses}: count this one too, from 1")
    smallest = math.inf if claim.smallest_effect is None else claim.smallest_effect
    if not smallest > claim.null:
        raise InputError(
            f"claim {claim.id} has smallest_effect={smallest:g} and null={claim.null:g}: "
            "the smallest effect must lie above the null"
        )
    level = LEVEL if analyses == 1 else LEVEL_AGAIN
    return Sizes(claim.null, smallest, claim.unit, level, claim.deterministic, claim.binary)
