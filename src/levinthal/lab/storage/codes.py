"""Columns as codes: the combinations of several columns, and the levels behind the codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Int


def merged(
    columns: Iterable[Int[np.ndarray, " n"]], index: Int[np.ndarray, " rows"]
) -> Int[np.ndarray, " rows"]:
    """One code for each combination of the codes of several columns, in their order.

    Args:
        columns: the codes of the whole table, the most important column first.
        index: the places of the rows in the table.

    Returns:
        The code of each row, from 0 without gaps.

    >>> merged([np.array([0, 1, 0]), np.array([5, 0, 7])], np.arange(3)).tolist()
    [0, 2, 1]
    """
    codes = np.zeros(len(index), dtype=np.int64)
    for column in columns:
        wide = codes * (int(column.max()) + 1) + column[index]
        codes = np.unique(wide, return_inverse=True)[1].reshape(-1)
    return codes


def array_of(values: list[Any]) -> np.ndarray:
    """An array of numbers, or of objects where the values are not all numbers."""
    kinds = {type(value) for value in values}
    if kinds in ({int}, {float}, {int, float}, {bool}):
        return np.array(values)
    held = np.empty(len(values), dtype=object)
    held[:] = values
    return held


def sort_key(value: Any) -> tuple[int, Any]:
    """The order of levels: None first, numbers before text."""
    if value is None:
        return (0, 0)
    return (2, value) if isinstance(value, str) else (1, value)
