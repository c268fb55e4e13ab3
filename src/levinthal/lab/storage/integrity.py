"""Checksums of what is stored: made when it is written, and compared whenever it is read.

The checksum of a run has two halves: one over its row, and one over its measurements. Both are made from the
values as SQLite gives them back, in a form that depends on no version of SQLite or Python.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

TABLES: Mapping[str, tuple[str, ...]] = {
    "runs": (
        *("number", "id", "study", "version", "cell", "seed", "data", "status", "error"),
        *("environment", "started", "duration", "rows"),
    ),
    "frozen": ("number", "study", "version", "preset", "hash", "claims", "finished", "time"),
    "analyses": ("number", "study", "version", "preset", "claim", "judged", "seeds", "time"),
}
"""The tables whose rows have a checksum, and the columns that it covers."""
TEXTS = ("layer", "name", "condition", "unit", "trust", "method", "reasons", "details")
NUMBERS = ("value", "low", "high", "level")
BODY = ("run", "step", *TEXTS, *NUMBERS)
"""The columns of a measurement; the checksum covers all but the number of the run."""
_IN_ORDER = "ORDER BY run, step, layer, name, condition"
_NONE = "\1"
DAMAGED = ""
"""The checksum of values of the wrong type: no other is equal to it."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A row that is not as it was written.

    Attributes:
        table: Where it is.
        number: Its number there.
        row: What it holds now; empty where it is gone.
        why: What is wrong with it.
        head: The checksum of the row as it was written; empty where it is not known.
    """

    table: str
    number: int
    row: tuple[Any, ...]
    why: str
    head: str = ""

    def __str__(self) -> str:
        nouns = {"runs": "run", "frozen": "record of frozen claims", "analyses": "analysis"}
        held = dict(zip(TABLES[self.table], self.row, strict=False))
        named = [held[key] for key in ("study", "cell", "preset", "claim") if key in held]
        named += [f"seed {held['seed']}"] if "seed" in held else []
        words = ", ".join(ascii(one).strip("'") for one in named)
        return f"{nouns[self.table]} {self.number}{f' ({words})' if words else ''}: {self.why}"


class Read(NamedTuple):
    """The rows of a table that are as they were written, and those that are not.

    A row has the columns of the table, then the checksum of its measurements: None where it has none.
    """

    rows: list[tuple[Any, ...]]
    damaged: list[Damage]


def fetched(connection: sqlite3.Connection, query: str, parameters: Sequence[Any] = ()) -> list[Any]:
    """All rows of a query. A text that is no longer UTF-8 has characters that no text is written with."""
    try:
        return connection.execute(query, parameters).fetchall()
    except sqlite3.OperationalError as error:
        if "decode" not in str(error):
            raise
    before, connection.text_factory = (
        connection.text_factory,
        lambda text: text.decode("utf-8", "surrogateescape"),
    )
    try:
        return connection.execute(query, parameters).fetchall()
    finally:
        connection.text_factory = before


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Whether the store is new enough to have a table."""
    query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
    return bool(connection.execute(query, (name,)).fetchone()[0])


def read(connection: sqlite3.Connection, table: str) -> Read:
    """Read all rows of a table, and compare each with its checksum.

    All rows are read, whatever is asked for: a row whose study is damaged would not be found by its study.
    """
    columns = ", ".join(f"{table}.{name}" for name in TABLES[table])
    if not has_table(connection, "checksums"):
        old = f"SELECT {columns}, NULL FROM {table} NOT INDEXED ORDER BY number"
        return Read(fetched(connection, old) if has_table(connection, table) else [], [])
    query = f"""SELECT {columns}, head, body FROM {table} NOT INDEXED LEFT JOIN checksums
                ON of = '{table}' AND checksums.number = {table}.number ORDER BY {table}.number"""
    rows, damaged, last = [], _gone(connection, table), _last_without(connection, table)
    for *row, head, body in fetched(connection, query):
        if head is None and row[0] > last:
            damaged.append(Damage(table, row[0], tuple(row), "its checksum is missing"))
        elif head not in (None, head_sum(row)):
            damaged.append(Damage(table, row[0], tuple(row), "it is not as it was stored", head))
        else:
            rows.append((*row, body))
    return Read(rows, damaged)


def _gone(connection: sqlite3.Connection, table: str) -> list[Damage]:
    there = f"SELECT number FROM {table} NOT INDEXED"
    query = f"SELECT number FROM checksums WHERE of = ? AND number NOT IN ({there})"
    found = fetched(connection, query, (table,))
    return [Damage(table, number, (), "it is gone, and its checksum is there") for (number,) in found]


def _last_without(connection: sqlite3.Connection, table: str) -> int:
    """The number of the last row that is older than checksums."""
    found = fetched(connection, "SELECT value FROM meta WHERE key = ?", (f"{table} without checksum",))
    return int(found[0][0]) if found and str(found[0][0]).isdecimal() else 0


def head_sum(row: Sequence[Any]) -> str:
    """The checksum of a row.

    >>> head_sum((1, "a", None, 0.5))
    '4f3187ec39d50dde4d68d55f554f46c1'
    """
    return hashlib.blake2b(ascii(tuple(row)).encode(), digest_size=16).hexdigest()


def body_sum(rows: Sequence[Sequence[Any]]) -> str:
    """The checksum of the measurements of a run, given in the order of their addresses.

    Lengths and texts of a column, then its numbers as 64 bits: a tenth of the time that reading takes.
    """
    digest = hashlib.blake2b(digest_size=16)
    taken: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * len(BODY)
    columns = dict(zip(BODY, taken, strict=True))
    try:
        columns["method"] = tuple(_NONE if text is None else text for text in columns["method"])
        for name in TEXTS:
            digest.update(np.fromiter(map(len, columns[name]), "<u4", len(rows)).tobytes())
            digest.update("".join(columns[name]).encode())
        for name, kind in (("step", "<i8"), *((name, "<f8") for name in NUMBERS)):
            values = np.array(columns[name], dtype=None if name == "step" and rows else kind)
            digest.update(values.astype(kind, casting="equiv", copy=False).tobytes())
    except (TypeError, ValueError, OverflowError):
        return DAMAGED
    return digest.hexdigest()


def measurements(connection: sqlite3.Connection, run: int) -> list[Any]:
    """All measurements of a run, as `body_sum` takes them."""
    return fetched(
        connection, f"SELECT {', '.join(BODY)} FROM measurements WHERE run = ? {_IN_ORDER}", (run,)
    )


def seal(connection: sqlite3.Connection, table: str, number: int) -> None:
    """Store the checksum of a row that was written in this transaction, from what SQLite gives back of it."""
    query = f"SELECT {', '.join(TABLES[table])} FROM {table} WHERE number = ?"
    row = connection.execute(query, (number,)).fetchone()
    body = body_sum(measurements(connection, number)) if table == "runs" else ""
    connection.execute("INSERT INTO checksums VALUES (?, ?, ?, ?)", (table, number, head_sum(row), body))


def is_sound(connection: sqlite3.Connection, run: int) -> bool:
    """Whether a run and its measurements are as they were stored; an older one without checksum is."""
    found = fetched(connection, "SELECT head, body FROM checksums WHERE of = 'runs' AND number = ?", (run,))
    if not found:
        return run <= _last_without(connection, "runs")
    row = fetched(connection, f"SELECT {', '.join(TABLES['runs'])} FROM runs WHERE number = ?", (run,))
    return bool(row) and found[0] == (head_sum(row[0]), body_sum(measurements(connection, run)))
