"""Units of claims, with their meanings: the `terms` of a study that uses them."""

from __future__ import annotations

__all__ = ["DIGITS", "LOG2_RATIO", "LOG10_RATIO"]

LOG2_RATIO = {"log2 ratio": "logarithm to base 2 of a ratio: 1 is twice, 2 is four times, -1 is half"}
LOG10_RATIO = {"log10 ratio": "logarithm to base 10 of a ratio: 1 is ten times, -1 is a tenth"}
DIGITS = {"digits": "correct decimal digits: minus the logarithm to base 10 of the relative error"}
