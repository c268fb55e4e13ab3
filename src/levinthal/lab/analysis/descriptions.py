"""What is known of a reading before anything has run: its unit, the range of its values, its conditions.

Description    unit, range, conditions            described       a reading of one's own, with its description
describe       the description of a reading       Described       a reading that carries it

A study is checked with these when it is loaded (`levinthal.studies.validity`). A plain function of the rows
has the empty description: nothing is known of it, and nothing is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from levinthal.errors import InputError
from levinthal.lab.analysis.effects import Effect
from levinthal.lab.storage.rows import Rows

__all__ = ["ANY", "Described", "Description", "Range", "Reading", "describe", "described"]

Reading = Callable[[Rows], Effect]
"""From the rows to an effect."""

Range = tuple[float, float]
"""The lowest and the highest possible value."""

ANY: Range = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of a reading before anything has run.

    Attributes:
        unit: the unit of its numbers; empty where it is not known.
        within: the lowest and the highest value that a seed can have.
        where: the conditions that it fixes, as in `Rows.where`. A comparison fixes those that both sides fix
            the same.
        averaged: the factors over which it takes a mean.
        rated: the conditions of each arm that is read at its best learning rate.
        recipe: how the number comes about: equal recipes give equal numbers. Empty where it is not known.
    """

    unit: str = ""
    within: Range = ANY
    where: Mapping[str, Any] = field(default_factory=dict)
    averaged: frozenset[str] = frozenset()
    rated: tuple[Mapping[str, Any], ...] = ()
    recipe: tuple[Any, ...] = ()

    def made(self, *how: Any, of: tuple[tuple[Any, ...], ...] = ()) -> Description:
        """The same with its recipe.

        Args:
            how: what is done.
            of: the recipes of what it is done to; one that is not known leaves this unknown too.

        Returns:
            The description.
        """
        return replace(self, recipe=(*how, *of) if all(of) else ())

    def inside(self, averaged: tuple[str, ...], where: Mapping[str, Any]) -> Description:
        """The same within conditions, averaged over more factors.

        Args:
            averaged: the factors.
            where: the conditions.

        Returns:
            The description; a condition that was fixed already stays.
        """
        rated = tuple({**where, **arm} for arm in self.rated)
        more = self.averaged | frozenset(averaged)
        inner = replace(self, where={**where, **self.where}, averaged=more, rated=rated)
        return inner.made("inside", averaged, where, of=(self.recipe,))

    def combined_with(self, other: Description, unit: str, within: Range) -> Description:
        """That of a comparison with another reading.

        Args:
            other: the description of the other side.
            unit: the unit of the comparison.
            within: its range.

        Returns:
            The conditions that both sides fix to the same level, and the arms of both.
        """
        same = {key: level for key, level in self.where.items() if key in other.where}
        same = {key: level for key, level in same.items() if other.where[key] == level}
        return Description(unit, within, same, self.averaged | other.averaged, self.rated + other.rated)


UNKNOWN = Description()


@dataclass(frozen=True, slots=True)
class Described:
    """A reading that carries its description."""

    read: Reading
    description: Description

    def __call__(self, rows: Rows) -> Effect:
        """The effect, from the rows."""
        return self.read(rows)


def describe(reading: object) -> Description:
    """The description of a reading.

    Args:
        reading: a reading of this package, or any function of the rows.

    Returns:
        What is known of it: nothing for a plain function.

    >>> describe(lambda rows: Effect({0: 1.0})).within
    (-inf, inf)
    """
    return reading.description if isinstance(reading, Described) else UNKNOWN


def described(
    reading: Reading, *, like: Reading | None = None, unit: str = "", within: Range = ANY, **where: Any
) -> Described:
    """A reading of one's own with its description, so that the study can be checked when it is loaded.

    Args:
        reading: from the rows to an effect.
        like: a reading that has the same description, where that of `reading` is not known.
        unit: the unit of its numbers; empty leaves it as it is.
        within: the lowest and the highest value that a seed can have.
        where: the conditions that it fixes. They describe alone: the rows are not narrowed by them.

    Returns:
        The reading, with what is said of it added to what was known of it.

    Raises:
        InputError: a range whose lower end is not below its upper end.

    >>> share = described(lambda rows: Effect({0: 0.25}), unit="share", within=(0, 1), batch="64")
    >>> describe(share).unit, describe(share).within, describe(share).where
    ('share', (0, 1), {'batch': '64'})
    """
    low, high = within
    if not low < high:
        raise InputError(f"within=({low:g}, {high:g}): give the lowest value, then the highest")
    old = describe(reading if like is None else like)

    def read(rows: Rows) -> Effect:
        effect = reading(rows)
        return replace(effect, unit=unit) if unit else effect

    narrow = (max(low, old.within[0]), min(high, old.within[1]))
    new = replace(old, unit=unit or old.unit, within=narrow, where={**old.where, **where}, recipe=())
    return Described(read, new)
