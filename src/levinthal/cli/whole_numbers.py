"""Whole numbers on the command line: `1.5` is refused, and never rounded."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cyclopts import Token


def whole_number(kind: type, tokens: Sequence[Token]) -> int:
    """The whole number of an option, for `Parameter(converter=...)`.

    Args:
        kind: the type of the option.
        tokens: the words that were given; the last one counts.

    Returns:
        The number.

    Raises:
        ValueError: anything else than digits with a sign before them.

    >>> whole_number(int, [Token(value="-12")])
    -12
    """
    del kind
    text = tokens[-1].value.strip()
    if not re.fullmatch(r"[+-]?[0-9]{1,99}", text):
        raise ValueError(f"'{text}' is not a whole number")
    return int(text)
