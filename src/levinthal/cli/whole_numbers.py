"""Numbers on the command line: `1.5` is refused where a whole number is meant, and never rounded."""

from __future__ import annotations

import re

from cyclopts import Token

from levinthal.cli.last_word import last_word
from levinthal.errors import InputError, LevinthalError

MOST_STEPS = 10**9
MOST_SECONDS = 366 * 24 * 3600.0
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.ASCII | re.IGNORECASE)
LONGEST = 40
"""So many characters of what was given stand in a message."""


@last_word
def whole_number(word: Token) -> int:
    """The whole number of an option: digits, with a sign before them.

    >>> whole_number(int, [Token(value="-12")])
    -12
    """
    text = word.value.strip()
    if not re.fullmatch(r"[+-]?[0-9]{1,4000}", text):
        raise _no_number(word, "a whole number", "digits alone, such as 8")
    return int(text)


@last_word
def share(word: Token) -> float:
    """A share of an option: a number above 0 and below 1.

    >>> share(float, [Token(value="0.05")])
    0.05
    """
    text = word.value.strip()
    if not NUMBER.fullmatch(text):
        raise _no_number(word, "a share", "one such as 0.05")
    if not 0 < float(text) < 1:
        raise LevinthalError(
            f"{word.keyword} is {_short(text)}: give a share above 0 and below 1, such as 0.05"
        )
    return float(text)


@last_word
def seconds(word: Token) -> float:
    """The seconds of an option: a number above 0 and up to a year.

    >>> seconds(float, [Token(value="2.5")])
    2.5
    """
    text = word.value.strip()
    if not NUMBER.fullmatch(text):
        raise _no_number(word, "a number of seconds", "one such as 300")
    if not 0 < float(text) <= MOST_SECONDS:
        given = _short(text)
        raise LevinthalError(
            f"--seconds is {given}: give a number above 0, at most {MOST_SECONDS:.0f} (a year)"
        )
    return float(text)


def bounded(option: str, number: int, least: int, most: int, why: str = "") -> int:
    """Refuse a number that is too small or too large for an option.

    Args:
        option: the option, such as `--seeds`.
        number: what was given.
        least: the smallest that is allowed.
        most: the largest that is allowed.
        why: what sets the bounds, in brackets after them.

    Returns:
        The number.

    Raises:
        InputError: it is not between the bounds.

    >>> bounded("--every", 0, 1, 9)
    Traceback (most recent call last):
        ...
    levinthal.errors.InputError: --every is 0: give a number from 1 to 9
    """
    if not least <= number <= most:
        reason = f" ({why})" if why else ""
        raise InputError(f"{option} is {_short(str(number))}: give a number from {least} to {most:,}{reason}")
    return number


def _no_number(token: Token, what: str, way_out: str) -> LevinthalError:
    """Not a ValueError, to which the parser would add its own words."""
    given = _short(token.value.strip())
    return LevinthalError(f"{token.keyword}: {given!r} is not {what}: give {way_out}")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
