"""Columns of a user's table of outcomes: CSV, JSONL, NPY or Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from levinthal.arguments import in_short
from levinthal.errors import InputError, said_by
from levinthal.shown import one_line

KINDS = (".csv", ".tsv", ".jsonl", ".npy", ".parquet")
MOST_NAMED = 12
"""So many columns are named in a message."""
ONLY = ""
"""The name of the one column of a file that names none."""


class Table:
    """The columns of a file, each read when it is asked for.

    Attributes:
        name: The file, as the user gave it.
        columns: The names of its columns; one empty name for an array without names.
    """

    def __init__(self, name: str, columns: Sequence[str], read: Any) -> None:
        self.name, self.columns, self._read = name, tuple(columns), read

    def column(self, name: str) -> np.ndarray:
        """The values of a column, in the order of the file.

        Raises:
            InputError: There is no such column; the line names those that there are.
        """
        if name not in self.columns:
            shown = ", ".join(repr(each) for each in self.columns[:MOST_NAMED])
            more = f" and {len(self.columns) - MOST_NAMED} more" if len(self.columns) > MOST_NAMED else ""
            known = "one array without names" if self.columns == (ONLY,) else f"{shown}{more}"
            raise InputError(f"{self.name} has no column {name!r}: it has {known}")
        values = self._read(name)
        if not len(values):
            raise InputError(f"{self.name} has no rows: give a file that has some")
        return np.asarray(values)


def read_table(path: str | Path) -> Table:
    """The table in a file; its ending says which kind it is.

    Args:
        path: A `.csv` or `.tsv` file with names in its first line, a `.jsonl` file with an object a line, a
            `.npy` file with one value a row or with named fields, or a `.parquet` file (needs pyarrow).

    Returns:
        The table.

    Raises:
        InputError: There is no such file, it is of another kind, or it cannot be read; the line says where.
    """
    place, name = Path(path), str(path)
    if place.suffix.lower() not in KINDS:
        raise InputError(f"{name} ends in {place.suffix or 'nothing'}: give one of {', '.join(KINDS)}")
    if not place.is_file():
        what = "is a folder" if place.is_dir() else "is not there" if not place.exists() else "is no file"
        raise InputError(f"{name} {what}: name a file of outcomes")
    readers = {".jsonl": _jsonl, ".npy": _npy, ".parquet": _parquet}
    try:
        return readers.get(place.suffix.lower(), _csv)(place, name)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or one_line(str(error))}") from error
    except (ValueError, csv.Error, EOFError, RecursionError) as error:  # UnicodeDecodeError is one
        raise InputError(f"{name} is no {place.suffix} file that can be read: {said_by(error)}") from error


def _csv(place: Path, name: str) -> Table:
    delimiter = "\t" if place.suffix.lower() == ".tsv" else ","
    with place.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file, delimiter=delimiter, strict=True)
        header = next(lines, None)
        if header is None:
            raise InputError(f"{name} is empty: its first line names the columns")
        columns: list[list[str]] = [[] for _ in header]
        for line in lines:
            if len(line) != len(header):
                if not line:
                    continue
                many = f"{len(line)} values, and {len(header)} columns are named"
                raise InputError(f"{name}:{lines.line_num}: {many}: give one value for each")
            for column, value in zip(columns, line, strict=True):
                column.append(value)
    _require_unlike(header, name)
    held = dict(zip(header, columns, strict=True))
    return Table(name, header, lambda column: _numbers_or_text(held[column]))


def _require_unlike(names: Sequence[str], file: str) -> None:
    twice = next((each for place, each in enumerate(names) if each in names[:place]), None)
    if twice is not None:
        raise InputError(f"{file} names the column {twice!r} twice: give each its own name")


def _numbers_or_text(values: list[str]) -> np.ndarray:
    """Numbers where all are, and truth values as numbers; else the text."""
    words = set(values)
    if words <= {"True", "False", "true", "false"} and words:
        return np.array([value in ("True", "true") for value in values])
    try:
        return np.array([int(value) for value in values])
    except (ValueError, OverflowError):
        pass
    try:
        return np.array(values, dtype=np.float64) if values else np.empty(0)
    except ValueError:
        return np.array(values)


def _jsonl(place: Path, name: str) -> Table:
    rows = list(_objects(place, name))
    columns = list(dict.fromkeys(key for row in rows for key in row))

    def read(column: str) -> np.ndarray:
        values = []
        for number, row in enumerate(rows, 1):
            if column not in row:
                raise InputError(f"{name}: row {number} has no {column!r}: give it in every row")
            if not isinstance(row[column], str | int | float | bool):
                what = in_short(row[column])
                raise InputError(f"{name}: row {number} has {column}={what}, which is no single value")
            values.append(row[column])
        kinds = {str if isinstance(value, str) else float for value in values}
        if len(kinds) > 1:
            raise InputError(f"{name}: {column!r} is text in some rows and a number in others: give one kind")
        return np.array(values)

    return Table(name, columns, read)


def _objects(place: Path, name: str) -> Iterator[dict[str, Any]]:
    """One object for each line that is not empty."""
    with place.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise InputError(
                    f"{name}:{number}: {one_line(str(error))}: give one object a line"
                ) from error
            if not isinstance(row, dict):
                raise InputError(f"{name}:{number}: a {type(row).__name__}: give one object a line")
            yield row


def _npy(place: Path, name: str) -> Table:
    array = np.load(place, allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise InputError(f"{name} holds several arrays: save one with numpy.save")
    if array.ndim != 1:
        raise InputError(f"{name} has shape {array.shape}: give one value a row, or named fields")
    names = array.dtype.names
    return Table(name, names or (ONLY,), lambda column: array[column] if names else array)


def _parquet(place: Path, name: str) -> Table:
    try:
        from pyarrow import lib, parquet
    except ImportError:
        raise InputError(f"{name}: Parquet is read by pyarrow: pip install 'levinthal[parquet]'") from None
    try:
        file = parquet.ParquetFile(place)
        names = list(file.schema_arrow.names)
    except lib.ArrowException as error:
        raise InputError(f"{name} is no Parquet file that can be read: {said_by(error)}") from error
    _require_unlike(names, name)

    def read(column: str) -> np.ndarray:
        try:
            values = file.read([column]).column(0)
        except (lib.ArrowException, OSError) as error:
            raise InputError(f"{name}: the column {column!r} cannot be read: {said_by(error)}") from error
        if values.null_count:
            raise InputError(
                f"{name}: {values.null_count} rows have no {column!r}: leave them out, and say so"
            )
        return np.asarray(values.to_numpy())

    return Table(name, names, read)
