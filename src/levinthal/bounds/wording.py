"""Shares, numbers of models and limits as a reader sees them."""

from __future__ import annotations

import math

NAMES = {10**3: "a thousand", 10**6: "a million", 10**9: "a billion", 10**12: "a trillion"}
WIDE = 32
"""Characters of the longest picture."""


def percent(share: float, digits: int = 2) -> str:
    """A share in percent. Where more than two digits are asked for, it is rounded up, as a limit has to be.

    >>> percent(0.0365269), percent(0.0365269, 3)
    ('3.65 %', '3.653 %')
    """
    value = 100 * share
    if digits > 2:
        value = math.ceil(round(value * 10**digits, 6)) / 10**digits
    return f"{value:.{digits}f} %"


def above(share: float) -> str:
    """A difference of two shares, in points.

    >>> above(0.0115269)
    '+1.15 pt'
    """
    return f"{100 * share:+.2f} pt"


def many(number: int) -> str:
    """A whole number in words, in digits, or with its power of ten.

    >>> many(10**9), many(40), many(123_456_789)
    ('a billion', '40', '1.23e8')
    """
    if number in NAMES:
        return NAMES[number]
    if number < 10**6:
        return f"{number:,}"
    return f"{float(number):.3g}".replace("e+0", "e").replace("e+", "e")


def picture(mean: float, limit: float, largest: float) -> str:
    """The way from a measured share to its limit, on an axis that begins at 0.

    >>> picture(0.5, 1.0, 1.0)
    '                •───────────────┤'
    """
    at, end = (round(WIDE * min(share, largest) / largest) for share in (mean, limit))
    return f"{' ' * at}•{'─' * max(end - at - 1, 0)}{'┤' if limit <= largest else '▸'}"
