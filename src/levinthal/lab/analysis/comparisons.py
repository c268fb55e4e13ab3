"""How two numbers of a seed are compared, and what follows for the unit and the range of the result.

difference, log2_ratio, log10_ratio    for `compare(how=)`
unit_of, range_of                      the unit and the range of a comparison
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from levinthal.errors import InputError
from levinthal.lab.analysis.descriptions import ANY, Range

__all__ = ["How", "difference", "log2_ratio", "log10_ratio", "range_of", "unit_of"]

How = Callable[[float, float], float]
"""From both numbers of a seed to the effect."""


def difference(one: float, other: float) -> float:
    """The first number less the second, for `compare(how=)`.

    Args:
        one: a number.
        other: a number.

    Returns:
        one - other.

    >>> difference(5, 3)
    2
    """
    return one - other


def log2_ratio(one: float, other: float) -> float:
    """log2(one / other), for `compare(how=)`: how often the first number must be halved to give the second.

    Args:
        one: a positive number; 0 or less has no ratio.
        other: a positive number; 0 or less has no ratio.

    Returns:
        The logarithm: 1 for twice, 2 for four times, -1 for half; inf where the second number is not
        positive, -inf where the first alone is not, or where the second is infinite. A seed whose number is
        not finite counts as failed.

    >>> log2_ratio(8, 2), log2_ratio(1, 0), log2_ratio(0, 1), log2_ratio(1, math.inf)
    (2.0, inf, -inf, -inf)
    """
    return _ratio(math.log2, one, other)


def log10_ratio(one: float, other: float) -> float:
    """log10(one / other), for `compare(how=)`.

    Args:
        one: a positive number; 0 or less has no ratio.
        other: a positive number; 0 or less has no ratio.

    Returns:
        The logarithm: 1 for ten times; inf where the second number is not positive, -inf where the
        first alone is not, or where the second is infinite. A seed whose number is not finite counts as
        failed.

    >>> log10_ratio(100, 0.1), log10_ratio(1, 0), log10_ratio(0, 1), log10_ratio(1, math.inf)
    (3.0, inf, -inf, -inf)
    """
    return _ratio(math.log10, one, other)


def _ratio(logarithm: Callable[[float], float], one: float, other: float) -> float:
    if other <= 0:
        return math.inf
    quotient = one / other
    return -math.inf if quotient <= 0 else logarithm(quotient)


RATIOS: Mapping[How, tuple[str, float]] = {log2_ratio: ("log2 ratio", 2), log10_ratio: ("log10 ratio", 10)}
RATIO_UNITS = frozenset(unit for unit, _ in RATIOS.values())
SAME_UNIT: tuple[How, ...] = (difference, min, max)


def unit_of(how: How, one: str, other: str) -> str:
    """The unit of a comparison.

    Args:
        how: how two numbers are compared.
        one: the unit of the first; empty where it is not known.
        other: the unit of the second.

    Returns:
        The unit; empty where it is not known, as for a function of one's own.

    Raises:
        InputError: two known units that differ.

    >>> unit_of(difference, "bits", "bits"), unit_of(log2_ratio, "bits", "")
    ('bits', 'log2 ratio')
    """
    if how not in RATIOS and how not in SAME_UNIT:
        return ""
    if one and other and one != other:
        raise InputError(f"{one} compared with {other}: compare numbers of one unit")
    return RATIOS[how][0] if how in RATIOS else one or other


def range_of(how: How, one: Range, other: Range) -> Range:
    """The range of a comparison, from the ranges of both sides.

    Args:
        how: how two numbers are compared.
        one: the lowest and the highest value of the first.
        other: those of the second.

    Returns:
        The lowest and the highest value; infinite where they are not known.

    >>> range_of(difference, (0, 1), (0, 1)), range_of(log2_ratio, (1, 4), (2, 2))
    ((-1, 1), (-1.0, 1.0))
    """
    if how is difference:
        return one[0] - other[1], one[1] - other[0]
    if how is min or how is max:
        return how(one[0], other[0]), how(one[1], other[1])
    if how in RATIOS and min(*one, *other) > 0:
        return _logarithm(how, one[0], other[1]), _logarithm(how, one[1], other[0])
    return ANY


def _logarithm(how: How, one: float, other: float) -> float:
    """The logarithm of one end over another; an end may be infinite."""
    base = RATIOS[how][1]
    return math.log(one, base) - math.log(other, base)
