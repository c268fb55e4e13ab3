"""Refusals of a level that no row has, in one line with the nearest level, or with all of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from levinthal.errors import InputError, UnknownFactorError, require_one_of
from levinthal.lab.storage.spelling import meant, words_of

Scalar = str | int | float


def refuse(
    key: str,
    value: Scalar,
    levels: Collection[Scalar] | None,
    measured: Sequence[Any],
    written: Collection[str | float] | None,
) -> None:
    """Raise UnknownFactorError for a level that no row has, and that no run to come may have.

    Args:
        key: the factor.
        value: a level that is not among those measured.
        levels: those of the presets, where they are known.
        measured: the levels that were measured.
        written: the words and the numbers of the code that measures; None where it is not known.
    """
    if levels:
        _refuse_level(key, value, levels)
    elif written is not None and isinstance(value, str):
        _refuse_text(key, value, measured, written)
    elif written is not None and not isinstance(value, str):
        _refuse_number(key, value, measured, written)


def _refuse_level(key: str, value: Scalar, levels: Collection[Scalar]) -> None:
    """Raise for a level of a factor that is not among those of the presets."""
    if value in levels:
        return
    known = sorted({str(level) for level in levels})
    try:
        require_one_of(key, str(value), known)
    except InputError as error:
        raise UnknownFactorError(str(error)) from None
    raise UnknownFactorError(f"unknown {key} {value!r}: its levels are {', '.join(known)}, of another type")


def _refuse_text(key: str, value: str, measured: Sequence[Any], written: Collection[str | float]) -> None:
    """Raise for a text that `measure` does not write and that is near to a level that was measured.

    A name of a measurement is refused where it is near to none, too.
    """
    if all(word in written for word in words_of(value)):
        return
    kind = "measurement" if key == "name" else key
    levels = sorted(level for level in measured if isinstance(level, str))
    if near := meant(value, levels):
        raise UnknownFactorError(f"unknown {kind} '{value}': did you mean '{near}'?")
    if key == "name" and levels:
        raise UnknownFactorError(f"unknown {kind} '{value}': the runs have {', '.join(levels)}")


def _refuse_number(key: str, value: float, measured: Sequence[Any], written: Collection[str | float]) -> None:
    """Raise for a number that `measure` does not write, although it writes all numbers that were measured."""
    levels = [level for level in measured if level is not None]
    numbers = [level for level in levels if isinstance(level, int | float)]
    if len(numbers) < max(2, len(levels)) or abs(value) in written:
        return
    if all(abs(level) in written for level in numbers):
        known = ", ".join(f"{level:g}" for level in sorted(numbers))
        raise UnknownFactorError(f"unknown {key} {value:g}: its levels are {known}")
