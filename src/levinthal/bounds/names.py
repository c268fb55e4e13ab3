"""Names of classes and clusters in an array: whole numbers, truth values or text, none of them missing."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np

from levinthal.arguments import in_short
from levinthal.errors import InputError
from levinthal.user_data import as_array

EXACT = 2.0**53
"""Beyond it neighbouring whole numbers are one float."""


def names_of(values: Any, name: str, what: str, missing: str = "") -> np.ndarray:
    """One name for each row.

    Args:
        values: Whole numbers, truth values or text, as any array or list.
        name: What the argument is called.
        what: What a row of it is: "class", "cluster".
        missing: What to do about a row without one.

    Returns:
        (n,) numbers, or text.

    Raises:
        InputError: A row without a name, numbers that are not whole, another shape or another kind.

    >>> names_of([b"cat", b"dog"], "labels", "class").tolist()
    ['cat', 'dog']
    """
    array, way_out = as_array(values, name), missing or f"name the {what} of each row"
    if array.ndim != 1 or not len(array):
        hint = "pass the largest of each row, .argmax(1)" if array.ndim == 2 else f"pass one {what} a row"
        raise InputError(f"{name} have shape {array.shape}: {hint}")
    if array.dtype.kind == "O":
        array = _of_objects(array, name, way_out)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "backslashreplace")
    if array.dtype.kind == "f":
        _refuse(~np.isfinite(array), array, name, way_out)
        is_name = (array == np.round(array)) & (np.abs(array) < EXACT)
        _refuse(~is_name, array, name, f"which is no {what}: pass whole numbers or text")
    elif array.dtype.kind == "U":
        array = np.char.strip(array)
        _refuse(array == "", array, name, way_out)
    elif array.dtype.kind not in "biu":
        raise InputError(f"{name} have dtype {array.dtype}: pass whole numbers or text")
    return array


def _of_objects(array: np.ndarray, name: str, way_out: str) -> np.ndarray:
    """Objects as numbers where all are, and else as text."""
    _refuse(np.array([_is_missing(each) for each in array]), array, name, way_out)
    if all(isinstance(each, Number) and not isinstance(each, complex) for each in array):
        return np.array([int(each) if float(each) == int(each) else float(each) for each in array])
    plain = [each.decode("utf-8", "backslashreplace") if isinstance(each, bytes) else each for each in array]
    _refuse(np.array([not isinstance(each, str) for each in plain]), array, name, "pass text alone")
    return np.array(plain)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _refuse(bad: np.ndarray, array: np.ndarray, name: str, way_out: str) -> None:
    """Refuse the first of the rows that are bad."""
    if bad.any():
        row = int(bad.argmax())
        value = array[row].item() if isinstance(array[row], np.generic) else array[row]
        shown = "empty" if value is None or value == "" or value != value else in_short(value)
        joint = ", " if way_out.startswith("which") else ": "
        raise InputError(f"{name}[{row}] is {shown}{joint}{way_out}")
