"""Shares, limits, confidence and numbers of models as a reader sees them."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal

NAMES = {10**3: "a thousand", 10**6: "a million", 10**9: "a billion", 10**12: "a trillion"}
WIDE = 32
"""Characters of the longest picture."""
DIGITS, SMALLEST = 4, Decimal("1e-4")
"""Significant digits of a share, and the percentage below which it is written with its power of ten."""


def at_most(share: float) -> str:
    """A limit in percent, rounded up: what is printed is never below it.

    >>> at_most(0.0365269), at_most(2.9957e-9), at_most(1.5)
    ('3.653 %', '2.996e-7 %', 'over 100 %')
    """
    return "over 100 %" if share > 1 else _percent(share, ROUND_CEILING)


def percent(share: float) -> str:
    """A measured share in percent.

    >>> percent(0.025), percent(1 / 3)
    ('2.5 %', '33.33 %')
    """
    return _percent(share, ROUND_HALF_EVEN)


def _percent(share: float, rounding: str) -> str:
    value = Context(prec=DIGITS, rounding=rounding).multiply(Decimal(share), Decimal(100)).normalize()
    plain = not value or value >= SMALLEST
    return f"{value:f} %" if plain else f"{value:e} %"


def above(mean: float, limit: float) -> str:
    """How far a limit is above what was measured, in points; "" for a limit over 100 %.

    >>> above(0.025, 0.0365269), above(0.5, 1.2)
    ('+1.15 pt', '')
    """
    return f"{100 * (limit - mean):+.3g} pt" if limit <= 1 else ""


def confidence(delta: float) -> str:
    """The confidence of a limit that fails with a chance of delta.

    >>> confidence(0.05), confidence(1e-12)
    ('95 % confidence', 'a confidence of 1 - 1e-12')
    """
    return f"{100 * (1 - delta):.10g} % confidence" if delta >= 1e-6 else f"a confidence of 1 - {delta:.3g}"


def units(number: int, unit: str) -> str:
    """A number of rows or clusters.

    >>> units(1, "rows"), units(1200, "rows")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {unit.removesuffix('s') if number == 1 else unit}"


def many(number: int) -> str:
    """A whole number in words, in digits, or with its power of ten.

    >>> many(10**9), many(40), many(123_456_789)
    ('a billion', '40', '1.23e8')
    """
    if number in NAMES:
        return NAMES[number]
    if number < 10**6:
        return f"{number:,}"
    return f"{Decimal(number):.2e}".replace("e+", "e")


def picture(mean: float, limit: float, largest: float) -> str:
    """The way from a measured share to its limit, on an axis that begins at 0.

    >>> picture(0.5, 1.0, 1.0)
    '                •───────────────┤'
    """
    at, end = (round(WIDE * min(share, largest) / largest) for share in (mean, limit))
    return f"{' ' * at}•{'─' * max(end - at - 1, 0)}{'┤' if limit <= largest else '▸'}"
