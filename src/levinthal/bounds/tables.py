"""Columns of a user's table of outcomes: CSV, JSONL, NPY or Parquet."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from levinthal.arguments import in_short
from levinthal.errors import InputError, said_by
from levinthal.shown import one_line

KINDS = (".csv", ".tsv", ".jsonl", ".npy", ".parquet")
MOST_NAMED = 12
"""So many columns are named in a message."""
NUMBER = re.compile(
    r"[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?(nan|inf(inity)?)", re.I | re.A
)
WHOLE = re.compile(r"[+-]?(0|[1-9][0-9]{0,17})", re.A)
"""A whole number as it is written that fits 64 bits."""
ONLY = ""
"""The name of the one column of a file that names none."""


Read = Callable[[str, bool], np.ndarray]
"""From the name of a column, and whether it is wanted as text, to its values."""


class Table:
    """The columns of a file, each read when it is asked for.

    Attributes:
        name: The file, as the user gave it.
        columns: The names of its columns; one empty name for an array without names.
    """

    def __init__(self, name: str, columns: Sequence[str], read: Read) -> None:
        self.name, self.columns, self._read = name, tuple(columns), read

    def column(self, name: str, *, as_text: bool = False) -> np.ndarray:
        """The values of a column, in the order of the file.

        Args:
            name: The column.
            as_text: Whether numbers are wanted as they are written.

        Raises:
            InputError: There is no such column; the line names those that there are. Or it is empty.
        """
        if name not in self.columns:
            shown = ", ".join(repr(each) for each in self.columns[:MOST_NAMED])
            more = f" and {len(self.columns) - MOST_NAMED} more" if len(self.columns) > MOST_NAMED else ""
            known = "one array without names" if self.columns == (ONLY,) else f"{shown}{more}"
            raise InputError(f"{self.name} has no column {name!r}: it has {known}")
        values = self._read(name, as_text)
        if not len(values):
            raise InputError(f"{self.name} has no rows: give a file that has some")
        return values

    def numbers(self, name: str) -> np.ndarray:
        """The values of a column of numbers, as floats.

        Raises:
            InputError: As `column`; or it holds something else.
        """
        values = self.column(name)
        if values.dtype.kind not in "biuf":
            what = f"values of type {values.dtype}"
            if values.dtype.kind == "U":
                row = next((i for i, value in enumerate(values) if not NUMBER.fullmatch(value)), 0)
                what = f"the text {in_short(values[row].item())} in row {row + 1}"
            raise InputError(f"{self.name}: {name!r} holds {what}: give numbers from 0 to 1")
        return values.astype(np.float64)


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
    if place.is_dir():
        raise InputError(f"{name} is a folder: name a file of outcomes")
    if place.suffix.lower() not in KINDS:
        raise InputError(f"{name} ends in {place.suffix or 'nothing'}: give one of {', '.join(KINDS)}")
    if not place.is_file():
        what = "is not there" if not place.exists() else "is no file"
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
        header = [each.strip() for each in header]
        if len(header) == 1 and (mark := next((each for each in ";\t|" if each in header[0]), "")):
            said = {"\t": "tabs"}.get(mark, repr(mark))
            raise InputError(f"{name} has {said} between its values: give commas, or tabs in a .tsv file")
        columns: list[list[str]] = [[] for _ in header]
        for line in lines:
            if len(line) != len(header):
                if not line:
                    continue
                many = f"{len(line)} values, and {len(header)} columns are named"
                raise InputError(f"{name}:{lines.line_num}: {many}: give one value for each")
            for column, value in zip(columns, line, strict=True):
                column.append(value.strip())
    _require_unlike(header, name)
    held = dict(zip(header, columns, strict=True))

    def read(column: str, as_text: bool) -> np.ndarray:
        return np.array(held[column]) if as_text else _numbers_or_text(held[column])

    return Table(name, header, read)


def _require_unlike(names: Sequence[str], file: str) -> None:
    twice = next((each for place, each in enumerate(names) if each in names[:place]), None)
    if twice is not None:
        raise InputError(f"{file} names the column {twice!r} twice: give each its own name")


def _numbers_or_text(values: list[str]) -> np.ndarray:
    """Numbers where all are written as such (007 is a name), and truth values; else the text."""
    if values and set(values) <= {"True", "False", "true", "false"}:
        return np.array([value in ("True", "true") for value in values])
    if not all(NUMBER.fullmatch(value) for value in values):
        return np.array(values)
    is_whole = all(WHOLE.fullmatch(value) for value in values)
    return np.array([int(value) if is_whole else float(value) for value in values])


def _jsonl(place: Path, name: str) -> Table:
    rows = list(_objects(place, name))
    columns = list(dict.fromkeys(key for row in rows for key in row))

    def read(column: str, as_text: bool) -> np.ndarray:
        values = []
        for number, row in enumerate(rows, 1):
            if column not in row:
                raise InputError(f"{name}: row {number} has no {column!r}: give it in every row")
            value = row[column]
            if not isinstance(value, str | int | float | bool):
                what = "null" if value is None else in_short(value)
                raise InputError(
                    f"{name}: row {number} has {column}={what}: give a single value in every row"
                )
            values.append(value if isinstance(value, str) or not as_text else json.dumps(value))
        if any(isinstance(value, str) for value in values):
            return np.array([value if isinstance(value, str) else json.dumps(value) for value in values])
        return np.array(values)

    return Table(name, columns, read)


def _objects(place: Path, name: str) -> Iterator[dict[str, Any]]:
    """One object for each line that is not empty."""
    with place.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line, object_pairs_hook=_unlike)
            except (ValueError, RecursionError) as error:
                raise InputError(
                    f"{name}:{number}: {one_line(str(error))}: give one object a line"
                ) from error
            if not isinstance(row, dict):
                raise InputError(f"{name}:{number}: a {type(row).__name__}: give one object a line")
            yield row


def _unlike(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, of which json would take the last of two equal keys without a word."""
    held = dict(pairs)
    if len(held) < len(pairs):
        twice = next(key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1)
        raise ValueError(f"the key {twice!r} stands there twice")
    return held


def _npy(place: Path, name: str) -> Table:
    try:
        array = np.load(place, allow_pickle=False)
    except Exception as error:  # a damaged header may say anything
        raise InputError(f"{name} is no .npy file that can be read: {said_by(error)}") from error
    if not isinstance(array, np.ndarray):
        raise InputError(f"{name} holds several arrays: save one with numpy.save")
    if array.ndim != 1:
        raise InputError(f"{name} has shape {array.shape}: give one value a row, or named fields")
    names = array.dtype.names

    def read(column: str, as_text: bool) -> np.ndarray:
        values = np.asarray(array[column] if names else array)
        if values.ndim != 1:
            raise InputError(f"{name}: {column!r} holds several values a row: give one")
        if values.dtype.kind == "S":
            values = np.char.decode(values, "utf-8", "backslashreplace")
        return values.astype(str) if as_text else values

    return Table(name, names or (ONLY,), read)


def _parquet(place: Path, name: str) -> Table:
    try:
        from pyarrow import lib, parquet, types
    except ImportError:
        raise InputError(f"{name}: Parquet is read by pyarrow: pip install 'levinthal[parquet]'") from None
    try:
        file = parquet.ParquetFile(place)
        names = list(file.schema_arrow.names)
    except lib.ArrowException as error:
        raise InputError(f"{name} is no Parquet file that can be read: {said_by(error)}") from error
    _require_unlike(names, name)

    def read(column: str, as_text: bool) -> np.ndarray:
        try:
            values = file.read([column]).column(0)
        except (lib.ArrowException, OSError) as error:
            raise InputError(f"{name}: the column {column!r} cannot be read: {said_by(error)}") from error
        if values.null_count:
            many = f"{values.null_count} rows have no {column!r}"
            raise InputError(f"{name}: {many}: leave them out, and say so")
        kind = values.type
        if not any(is_of(kind) for is_of in (types.is_integer, types.is_floating, types.is_boolean)):
            if not (types.is_string(kind) or types.is_large_string(kind) or types.is_dictionary(kind)):
                raise InputError(f"{name}: {column!r} holds {kind}: give numbers or text")
            return np.array(values.to_pylist(), dtype=str)
        array = np.asarray(values.to_numpy())
        return array.astype(str) if as_text else array

    return Table(name, names, read)
