"""Converters of options: one reads the last word that was given for its option."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from cyclopts import Token

T = TypeVar("T")


def last_word(read: Callable[[Token], T]) -> Callable[[type, Sequence[Token]], T]:
    """A converter for `Parameter(converter=...)`.

    Args:
        read: makes the value of a word. Its errors are no ValueErrors, to which the parser would add words
            of its own.

    Returns:
        The converter.

    >>> last_word(lambda token: len(token.value))(int, [Token(value="a"), Token(value="bcd")])
    3
    """

    def converted(kind: type, tokens: Sequence[Token]) -> T:
        del kind
        return read(tokens[-1])

    return converted
