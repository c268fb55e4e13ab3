"""The units of a claim: those of its effects, its control and its rival against each other and its own.

Before the run a unit is known where a description has it; after it, where the measurements have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from levinthal.errors import InputError
from levinthal.lab.analysis import Description, Effect, Expression
from levinthal.lab.analysis.comparisons import RATIO_UNITS, SAME_UNIT
from levinthal.lab.storage.rows import Rows
from levinthal.vocabulary import Claim

__all__ = ["faults_of_units", "require_measured_units"]

ONE_CLAIM_EACH = "make one claim of each"
NAME_IT = "name the unit with described(..., unit='...')"

Parts = Mapping[str, Description]


def faults_of_units(claim: Claim, parts: Parts, arms: Mapping[str, Parts]) -> Iterator[str]:
    """What is wrong with the units of a claim.

    Args:
        claim: a claim of a study.
        parts: condition -> what is known of its effect.
        arms: "control" and "rival" -> the same of that arm.

    Yields:
        For each fault, the rest of a sentence that begins with the claim.
    """
    known = {name: part.unit for name, part in parts.items() if part.unit}
    for (one, unit), (other, another) in pairwise(known.items()):
        if unit != another:
            yield f"is in {unit} in {in_words(one)} and in {another} in {in_words(other)}: {ONE_CLAIM_EACH}"
    yield from _differences(parts, known)
    for name, unit in known.items():
        if claim.unit and unit != claim.unit:
            yield (
                f"has unit='{claim.unit}' and is in {unit} in {in_words(name)}: name the unit that it is in"
            )
    for arm, found in arms.items():
        for name, part in found.items():
            yield from _beside(arm, name, part, claim.unit or next(iter(known.values()), ""), parts)


def _differences(parts: Parts, known: Mapping[str, str]) -> Iterator[str]:
    """Refuse a difference of numbers without unit beside a ratio: their mean is no number of either kind."""
    ratios = [(name, unit) for name, unit in known.items() if unit in RATIO_UNITS]
    for name, part in parts.items():
        if ratios and _is_plain_difference(part):
            other, unit = ratios[0]
            yield (
                f"is in {unit} in {in_words(other)} and a difference of readings without unit in "
                f"{in_words(name)}: {ONE_CLAIM_EACH}, or {NAME_IT}"
            )


def _beside(arm: str, name: str, part: Description, unit: str, effects: Parts) -> Iterator[str]:
    """Refuse an arm in another unit than the effect: the one says nothing of the other."""
    here = f"its {arm} in '{name}'" if name else f"its {arm}"
    if part.unit and unit and part.unit != unit:
        yield f"is in {unit} and {here} is in {part.unit}: read the {arm} in the unit of the effect"
    elif _all_ratios(effects) and _is_plain_difference(part):
        yield (
            f"is in {unit} and {here} is a difference of readings without unit: compare both in the same "
            f"way, or {NAME_IT}"
        )
    elif not unit and part.unit in RATIO_UNITS and any(map(_is_plain_difference, effects.values())):
        yield (
            f"is a difference of readings without unit and {here} is in {part.unit}: compare both in the "
            f"same way, or {NAME_IT}"
        )


def _all_ratios(effects: Parts) -> bool:
    return bool(effects) and all(part.unit in RATIO_UNITS for part in effects.values())


def _is_plain_difference(part: Description) -> bool:
    return not part.unit and _comparison(part.recipe) in SAME_UNIT


def _comparison(recipe: tuple[Any, ...]) -> Any:
    """How a reading, or that of which it is the mean, compares two others; None where it does not."""
    while recipe and recipe[0] in ("mean", "inside"):
        recipe = recipe[-1]
    return recipe[1] if recipe and recipe[0] == "compare" else None


def in_words(name: str) -> str:
    """A condition in a sentence."""
    return f"'{name}'" if name else "its only part"


def require_measured_units(claim: Claim, rows: Rows) -> None:
    """Refuse a claim whose unit is not that of what was measured for it.

    Args:
        claim: a claim; nothing is known of evidence that is a function of one's own.
        rows: the measurements. One seed is read, as all have the same units.

    Raises:
        InputError: the effect, the control or the rival has another unit than the claim, or another than the
            effect where the claim names none.
    """
    if not isinstance(claim.evidence, Expression) or not len(rows):
        return
    one_seed = rows.where(seed=rows.distinct("seed")[0])
    wanted, of = claim.unit, f"the claim has unit='{claim.unit}'"
    for arm in ("effects", "control", "rival"):
        what = "effect" if arm == "effects" else arm
        for unit in _measured(getattr(claim.evidence, arm), one_seed):
            if wanted and unit != wanted:
                raise InputError(f"{of} and its {what} is measured in {unit}: give both the same unit")
            wanted, of = (wanted, of) if wanted else (unit, f"the {what} is measured in {unit}")


def _measured(side: Any, rows: Rows) -> list[str]:
    """The known units of an arm. What cannot be read from one seed is not known."""
    try:
        found = side(rows) if callable(side) else side or {}
        effects = [found] if isinstance(found, Effect) else [read(rows) for read in found.values()]
    except Exception:
        return []
    return [effect.unit for effect in effects if effect.unit and effect.by_seed]
