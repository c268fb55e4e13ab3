"""The readings of a claim against each other, its null and its presets, as far as they are known.

What is known of a reading is its description (`levinthal.lab.analysis.descriptions`). Nothing is known of a
plain function, and nothing is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from levinthal.errors import InputError, require_one_of
from levinthal.lab.analysis import Description, Expression, describe
from levinthal.lab.analysis.parts import parts_of, planned
from levinthal.lab.storage.rows import Rows
from levinthal.lab.storage.runs import cell_text
from levinthal.studies.validity_of_units import ONE_CLAIM_EACH, faults_of_units, in_words
from levinthal.vocabulary import Claim, Preset, Study

__all__ = ["Plan", "faults_of_parts"]

FEWEST_RATES = 3
MAY_FAIL = 0.025
"""With n agreeing seeds a share of failing ones of 1 - MAY_FAIL ** (1 / n) is not excluded (97.5 %)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The cells that a study will run: each preset's, by name, their factors, and the most seeds."""

    presets: Mapping[str, Rows]
    factors: frozenset[str]
    seeds: int

    @classmethod
    def of(cls, study: Study) -> Plan:
        """The plan of a study."""
        cells = {name: [task.cell for task in preset.tasks] for name, preset in study.presets.items()}
        factors = frozenset(key for some in cells.values() for cell in some for key in cell)
        factors |= {"rate"} if "rates" in factors else set()
        presets = {name: planned(some, factors) for name, some in cells.items()}
        return cls(presets, factors, max(map(_seeds, study.presets.values()), default=0))

    def levels(self, preset: str, factor: str, where: Mapping[str, Any]) -> list[Any]:
        """The levels of a factor that a reading may meet; words of a condition are not known yet."""
        known = {key: level for key, level in where.items() if key in self.factors}
        found = self.presets[preset].where(**known).distinct(factor) if factor in self.factors else []
        return [level for level in found if level is not None]


def _seeds(preset: Preset) -> int:
    """The most seeds of a cell, which several tasks may share."""
    found: dict[str, set[int]] = {}
    for task in preset.tasks:
        found.setdefault(cell_text(task.cell), set()).update(task.seeds)
    return max(map(len, found.values()), default=0)


def faults_of_parts(claim: Claim, protocol: Iterable[str], plan: Plan) -> Iterator[str]:
    """What is wrong with the readings of a claim.

    Args:
        claim: a claim of a study.
        protocol: the factors that make a protocol in this study.
        plan: the cells of the study.

    Yields:
        For each fault, the rest of a sentence that begins with the claim.
    """
    if not isinstance(claim.evidence, Expression):
        return
    yield from _conditions(claim.evidence)
    arms = dict[str, Mapping[str, Any]]()
    for preset, cells in plan.presets.items():
        parts, control, rival = (
            {name: describe(reading) for name, reading in parts_of(side, cells).items()}
            for side in (claim.evidence.effects, claim.evidence.control, claim.evidence.rival)
        )
        yield from faults_of_units(claim, parts, {"control": control, "rival": rival})
        yield from _same("name", "reads", parts)
        for factor in protocol:
            yield from _same(factor, f"has {factor}", parts)
            yield from _averaged(factor, parts, plan, preset)
        if claim.smallest_effect is not None:
            yield from _ranges(claim, claim.smallest_effect, parts, plan.seeds)
        arms |= {repr(arm): arm for part in parts.values() for arm in part.rated}
    for arm in arms.values():
        yield from _rates(arm, plan)


def _conditions(found: Expression) -> Iterator[str]:
    """Refuse a control of a condition that the effect does not have, where both are written down."""
    for arm in ("control", "rival"):
        side = getattr(found, arm)
        if not (isinstance(side, Mapping) and isinstance(found.effects, Mapping)):
            continue
        for name in [one for one in side if one]:
            try:
                require_one_of("condition", name, found.effects)
            except InputError as error:
                yield f"has a {arm} of an {error}"


def _same(factor: str, verb: str, parts: Mapping[str, Description]) -> Iterator[str]:
    """Refuse parts that fix different levels of a factor."""
    known = {name: part.where[factor] for name, part in parts.items() if factor in part.where}
    for (one, level), (other, another) in pairwise(known.items()):
        if not callable(level) and not callable(another) and level != another:
            yield f"{verb} {level} in {in_words(one)} and {another} in {in_words(other)}: {ONE_CLAIM_EACH}"


def _averaged(factor: str, parts: Mapping[str, Description], plan: Plan, preset: str) -> Iterator[str]:
    """Refuse a mean over a protocol that has several levels in a preset."""
    for name, part in parts.items():
        levels = plan.levels(preset, factor, part.where) if factor in part.averaged else []
        if len(levels) > 1:
            words = ", ".join(map(str, levels))
            yield f"averages over {factor} ({words}) in {in_words(name)}: {ONE_CLAIM_EACH}"


def _ranges(claim: Claim, size: float, parts: Mapping[str, Description], seeds: int) -> Iterator[str]:
    for name, part in parts.items():
        low, high = part.within
        if high <= claim.null:
            yield (
                f"has null={claim.null:g} and {in_words(name)} is {high:g} at most: leave it out, it can "
                "never lie beyond the null"
            )
        elif low >= claim.null and not claim.binary:
            yield (
                f"has null={claim.null:g} and {in_words(name)} is {low:g} at least: set null to the value at "
                "chance level, or noise alone lies beyond it"
            )
        elif high < size:
            here = in_words(name)
            yield f"has smallest_effect={size:g} and {here} is {high:g} at most: choose a smaller size"
        elif seeds and not (claim.deterministic or claim.binary):
            yield from _few_seeds(claim, size, high, in_words(name), seeds)


def _few_seeds(claim: Claim, size: float, high: float, part: str, seeds: int) -> Iterator[str]:
    """Refuse a size that the largest mean misses where the seeds that may fail, unseen, are at the null."""
    share = (size - claim.null) / (high - claim.null)
    if math.isfinite(high) and MAY_FAIL ** (1 / seeds) < share:
        way_out = "choose a smaller size"
        if share < 1:
            enough = math.ceil(math.log(MAY_FAIL) / math.log(share))
            way_out = f"give a preset {enough} seeds, or {way_out}"
        yield (
            f"has smallest_effect={size:g} and {part} is {high:g} at most, which cannot replicate with "
            f"{seeds} seeds: {way_out}"
        )


def _rates(arm: Mapping[str, Any], plan: Plan) -> Iterator[str]:
    """Refuse an arm at its best rate that has, in every preset, fewer rates than a grid needs."""
    where = {key: level for key, level in arm.items() if key != "rate"}
    most = max((len(plan.levels(preset, "rate", where)) for preset in plan.presets), default=0)
    if 0 < most < FEWEST_RATES:
        words = ", ".join(f"{key}={level}" for key, level in where.items() if not callable(level))
        yield (
            f"compares best learning rates, and no preset has more than {most} for {words}: a grid has "
            f"{FEWEST_RATES} or more"
        )
