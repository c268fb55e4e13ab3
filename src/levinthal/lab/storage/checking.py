"""What is wrong with a store: all that can be found without knowing the studies in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from levinthal.lab.storage import integrity
from levinthal.lab.storage.heads import Head, Heads, heads

SHOWN = 3
"""So many damaged rows are named in one line."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a look at a whole store found.

    Attributes:
        faults: A line for each fault; none for a sound store.
        notes: A line for each thing that is no fault: damaged runs that were measured again, and runs
            without a checksum.
        runs: The number of runs.
        measurements: The number of measurements.
        unsealed: The number of runs without a checksum.
    """

    faults: list[str]
    notes: list[str]
    runs: int
    measurements: int
    unsealed: int


def checked(connection: sqlite3.Connection) -> Report:
    """Read a store wholly: SQLite's own check, each checksum, and the numbers of measurements."""
    lines = [line for (line,) in integrity.fetched(connection, "PRAGMA integrity_check") if line != "ok"]
    found = heads(connection)
    lines += [str(damage) for damage in found.faults()]
    superseded = [damage for damage in found.lost if str(damage) not in lines]
    notes = [f"{damage}; it was measured again since" for damage in superseded]
    for line, newer in _bodies(connection, found):
        (notes if newer else lines).append(f"{line}; it was measured again since" if newer else line)
    for table in ("frozen", "analyses"):
        lines += [str(damage) for damage in integrity.read(connection, table).damaged]
    unsealed = sum(head.body is None for head in found.heads)
    (rows,) = connection.execute("SELECT count(*) FROM measurements").fetchone()
    return Report(lines, notes, len(found.heads) + len(found.lost), rows, unsealed)


def _bodies(connection: sqlite3.Connection, found: Heads) -> Iterator[tuple[str, bool]]:
    """The runs whose measurements are damaged or missing, and whether a newer run stands for each."""
    newest = {head.name: head.number for head in found.heads if head.status == "done"}
    for head in found.heads:
        if line := _body(connection, head):
            yield line, newest.get(head.name, 0) > head.number
    query = "SELECT DISTINCT run FROM measurements WHERE run NOT IN (SELECT number FROM runs NOT INDEXED)"
    for (number,) in connection.execute(query):
        yield f"measurements of run {number} are there, and the run is not", False


def _body(connection: sqlite3.Connection, head: Head) -> str:
    held = integrity.measurements(connection, head.number)
    if len(held) != head.rows:
        return f"run {head.id} has {len(held)} of {head.rows} measurements"
    damaged = head.body is not None and integrity.body_sum(held) != head.body
    return str(head.damage()) if damaged else ""


def sealed(connection: sqlite3.Connection) -> int:
    """Give a checksum to each row that has none; how many got one. What they hold now is taken as right."""
    count = 0
    for table in integrity.TABLES:
        query = f"SELECT number FROM {table} WHERE number NOT IN (SELECT number FROM checksums WHERE of = ?)"
        for (number,) in connection.execute(query, (table,)).fetchall():
            integrity.seal(connection, table, number)
            count += 1
    return count


def in_one_line(path: Path, damaged: Sequence[integrity.Damage]) -> str:
    """What was left out because it is damaged, and the way out; empty where nothing is."""
    if not damaged:
        return ""
    named = "; ".join(map(str, damaged[:SHOWN])) + ("; ..." if len(damaged) > SHOWN else "")
    are = "1 row is" if len(damaged) == 1 else f"{len(damaged)} rows are"
    runs = any(damage.table == "runs" for damage in damaged)
    again = "`--again` measures the runs again, and " if runs else ""
    return f"{path}: {are} damaged and left out ({named}): {again}`levinthal store check` lists all"
