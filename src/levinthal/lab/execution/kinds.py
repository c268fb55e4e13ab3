"""What a field of a study, a measurement or a figure may hold, and how the fault of a field is said."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

LONGEST = 10_000
"""The most characters of a text."""
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Kind:
    """What a field may hold: a test, and what to give in its place, as the end of a sentence."""

    holds: Callable[[Any], bool]
    words: str


Kinds = Mapping[str, Kind]
"""Field -> what it may hold."""


def faults(thing: object, kinds: Kinds) -> Iterator[str]:
    """What is wrong with the fields of a value.

    Args:
        thing: the value.
        kinds: what each of its fields may hold.

    Yields:
        For each fault: field, value, and what to give.

    >>> from types import SimpleNamespace
    >>> list(faults(SimpleNamespace(says=5), {"says": TEXT}))
    ['says=5: give a text']
    """
    for field, kind in kinds.items():
        value = getattr(thing, field)
        if not kind.holds(value):
            yield f"{field}={shown(value)}: {kind.words}"


def shown(value: object) -> str:
    """A value as one would write it, in one short line.

    >>> shown("a"), shown(print), shown("x" * 99)[-4:]
    ("'a'", 'a builtin_function_or_method', 'x...')
    """
    try:
        text = " ".join(repr(value).split())
    except Exception:  # the code of a stranger's class, which may fail
        text = "<"
    if text.startswith("<"):
        return value.__name__ if isinstance(value, type) else f"a {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def is_text(value: object) -> bool:
    """Whether a value is a text that can be stored: of some length, and without half characters."""
    if not isinstance(value, str) or len(value) > LONGEST:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_number(value: object) -> bool:
    """Whether a value is a number that a float can hold; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        float(value)
    except OverflowError:
        return False
    return True


def is_finite(value: object) -> bool:
    """Whether a value is a finite number."""
    return is_number(value) and math.isfinite(value)  # type: ignore[arg-type]


def is_whole(value: object, low: int, high: int) -> bool:
    """Whether a value is a whole number of a range; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool) and low <= int(value) <= high


def is_list(value: object, kind: Callable[[Any], bool]) -> bool:
    """Whether a value is a tuple or a list whose items are of a kind."""
    return isinstance(value, tuple | list) and all(map(kind, value))


def of(kind: type) -> Callable[[object], bool]:
    """The test whether a value is of a class."""
    return lambda value: isinstance(value, kind)


def takes(*places: str, **named: object) -> Callable[[object], bool]:
    """The test whether a value is a function that can be called with these arguments."""
    return lambda value: (
        callable(value) and not inspect.iscoroutinefunction(value) and _fits(value, places, named)
    )


def _fits(function: Callable[..., Any], places: Sequence[str], named: Mapping[str, object]) -> bool:
    try:
        inspect.signature(function).bind(*places, **named)
    except TypeError:
        return False
    except ValueError:  # a function of C without a signature
        return True
    return True


TEXT = Kind(is_text, "give a text")
SENTENCE = Kind(lambda value: is_text(value) and bool(value.strip()), "give a text that is not empty")
TRUTH = Kind(of(bool), "give True or False")
