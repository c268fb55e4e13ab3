"""An effect seed by seed, and its mean over seeds or over conditions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import SupportsFloat

from levinthal.errors import InputError
from levinthal.lab.judging.shares import bounded_interval
from levinthal.lab.judging.sizes import Sizes
from levinthal.lab.judging.statistics import FEWEST_SEEDS, finite_mean, mean_estimate
from levinthal.vocabulary import Estimate, Interval, Trust

Seeds = Mapping[int, SupportsFloat]


@dataclass(frozen=True, slots=True)
class Arm:
    """An effect seed by seed: the finite values, how many seeds failed, and the mean over the rest."""

    values: Mapping[int, float]
    failed: int
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


def arm_of(effects: Seeds, sizes: Sizes) -> Arm:
    """The finite effects of an arm, and their mean."""
    values = {seed: float(e) for seed, e in sorted(effects.items()) if math.isfinite(float(e))}
    failed = len(effects) - len(values)
    if not values:
        return Arm(values, failed, None)
    estimate = estimate_of(list(values.values()), sizes)
    if failed:
        are = "is" if failed == 1 else "are"
        why = f"{failed} of {len(effects)} seeds failed and {are} left out"
        estimate = replace(estimate, reasons=(*estimate.reasons, why))
    return Arm(values, failed, estimate)


def estimate_of(values: list[float], sizes: Sizes, floor: float = 0.0) -> Estimate:
    """The mean of effects; those of a binary claim cannot leave [floor, 1]."""
    estimate = mean_estimate(values, sizes.unit, level=sizes.level, deterministic=sizes.deterministic)
    if not sizes.binary or estimate.trust is Trust.EXACT:
        return estimate
    interval = bounded_interval(values, floor, 1.0, level=sizes.level)
    if estimate.trust is Trust.UNRELIABLE:
        return replace(estimate, interval=interval)
    return replace(estimate, interval=interval, trust=Trust.CALIBRATED, reasons=())


def excess_of(arm: Arm, control: Arm, sizes: Sizes) -> Arm:
    """The effect less that of the control, seed by seed, among the seeds that have both."""
    common = sorted(arm.values.keys() & control.values.keys())
    values = {seed: arm.values[seed] - control.values[seed] for seed in common}
    return Arm(values, 0, estimate_of(list(values.values()), sizes, -1.0) if values else None)


def over_parts(effects: Mapping[str, Seeds]) -> dict[int, float]:
    """Mean over the conditions for each seed that ran in all of them; NaN if it failed in one."""
    arms = list(effects.values())
    common = set(arms[0]).intersection(*arms[1:]) if arms else set()
    return {seed: finite_mean([float(arm[seed]) for arm in arms]) for seed in sorted(common)}


def effects_of(effects: Mapping[str, Seeds], parts: Iterable[str]) -> dict[str, Seeds]:
    """The effects of another arm in these conditions: each its own, or the one that stands for all."""
    common = effects.get("")
    if common is not None and not effects.keys() & set(parts):
        return {"": common}
    return {part: effects.get(part, common or {}) for part in parts}


def refuse_other_than_zero_and_one(name: str, arms: Mapping[str, Mapping[str, Seeds]]) -> None:
    """A binary claim has effects of 0 and 1, or none where a seed failed."""
    for arm, parts in arms.items():
        for part, effects in parts.items():
            for seed, effect in effects.items():
                value = float(effect)
                if math.isfinite(value) and value not in (0.0, 1.0):
                    where = f"{arm}{f' of {part}' if part else ''}, seed {seed}"
                    raise InputError(f"claim {name} is binary, and its {where} is {value:g}: give 1 or 0")
