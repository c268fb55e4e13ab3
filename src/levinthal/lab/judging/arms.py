"""An effect seed by seed, and its mean over seeds or over conditions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import SupportsFloat

from levinthal.lab.judging.statistics import FEWEST_SEEDS, mean_estimate
from levinthal.vocabulary import Estimate, Interval

Seeds = Mapping[int, SupportsFloat]


@dataclass(frozen=True, slots=True)
class Arm:
    """An effect seed by seed: the finite values, how many seeds were lost, and the mean over the rest."""

    values: Mapping[int, float]
    lost: int
    estimate: Estimate | None

    @property
    def n(self) -> int:
        """Seeds with a finite effect."""
        return len(self.values)

    @property
    def interval(self) -> Interval:
        """The interval over seeds; endless in both directions below five of them."""
        known = self.estimate and self.estimate.interval
        return known if known and self.n >= FEWEST_SEEDS else Interval(-math.inf, math.inf)


def arm_of(effects: Seeds, unit: str) -> Arm:
    """The finite effects of an arm, and their mean."""
    values = {seed: float(e) for seed, e in sorted(effects.items()) if math.isfinite(float(e))}
    estimate = mean_estimate(list(values.values()), unit) if values else None
    return Arm(values, len(effects) - len(values), estimate)


def over_parts(effects: Mapping[str, Seeds]) -> dict[int, float]:
    """Mean over the conditions for each seed that ran in all of them; NaN if it was lost in one."""
    arms = list(effects.values())
    common = set(arms[0]).intersection(*arms[1:]) if arms else set()
    return {seed: math.fsum(float(arm[seed]) for arm in arms) / len(arms) for seed in common}
