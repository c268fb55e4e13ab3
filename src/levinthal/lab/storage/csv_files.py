"""Rows as CSV: which columns there are, and how they are written to a file or a stream."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from levinthal.lab.storage.table import NUMBERS

_ADDRESS = ("seed", "step", "layer", "name", "condition")
COLUMNS = (*_ADDRESS, *NUMBERS, "unit", "method", "trust", "reasons", "details")
"""The columns of every row; the factors of the cells stand before them."""


@runtime_checkable
class Text(Protocol):
    """Anything text can be written to."""

    def write(self, text: str, /) -> object:
        """Take one more piece of text."""
        ...


def write_csv(target: str | Path | Text, columns: Iterable[tuple[str, Sequence[Any]]]) -> None:
    """Write named columns as CSV: a line with the names, then one line a row.

    Args:
        target: a file to write, or an open text stream.
        columns: name and values, one a row; two columns may have one name.
    """
    names, values = zip(*columns, strict=True)
    with _open(target) as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(names)
        out.writerows(zip(*values, strict=True))


def _open(target: str | Path | Text) -> AbstractContextManager[Text]:
    if isinstance(target, str | Path):
        return open(target, "w", newline="", encoding="utf-8")
    return nullcontext(target)
