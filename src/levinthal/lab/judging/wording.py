"""Estimates, sizes, shares and counts as a verdict writes them."""

from __future__ import annotations

from levinthal.lab.judging.sizes import LEVEL
from levinthal.vocabulary import Estimate, rounded


def estimate_text(estimate: Estimate) -> str:
    """An estimate with its unit and interval, and the level where it is not 95 %.

    Args:
        estimate: the estimate.

    Returns:
        The text, with three significant digits.
    """
    unit = f" {estimate.unit}" if estimate.unit else ""
    interval = estimate.interval
    if interval is None:
        return f"{rounded(estimate.value)}{unit}"
    level = "" if interval.level == LEVEL else f" at {percent(interval.level)}"
    ends = f"[{rounded(interval.low)}, {rounded(interval.high)}]"
    return f"{rounded(estimate.value)}{unit} {ends}{level}"


def seeds_text(count: int) -> str:
    """A number of seeds.

    Args:
        count: the number.

    Returns:
        The number with its noun.

    >>> seeds_text(1), seeds_text(8)
    ('1 seed', '8 seeds')
    """
    return f"{count} seed" if count == 1 else f"{count} seeds"


def size_text(size: float, unit: str) -> str:
    """A size with its unit.

    Args:
        size: the size.
        unit: its unit, or an empty text.

    Returns:
        The text, with three significant digits.

    >>> size_text(0.25, "bits"), size_text(0.9998, "")
    ('0.25 bits', '0.9998')
    """
    return f"{rounded(size)} {unit}".rstrip()


def percent(share: float) -> str:
    """A share as a percentage.

    Args:
        share: the share.

    Returns:
        The text, without decimals.

    >>> percent(0.95)
    '95 %'
    """
    return f"{100 * share:.0f} %"
