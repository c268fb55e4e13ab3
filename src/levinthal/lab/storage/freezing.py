"""The tables of frozen claims and of analyses, which only grow."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Container, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from levinthal.lab.storage.claims import Frozen
from levinthal.lab.storage.heads import heads
from levinthal.lab.storage.integrity import TABLES, Damage, read, seal
from levinthal.lab.storage.runs import cell_name

CELLS = "cells of the plan"
"""The key beside the frozen claims that names the cells of the preset; older records have none."""
Key = tuple[str, int, str]
"""Name of a study, its version, and a preset."""


class Record(NamedTuple):
    """A row of the table of frozen claims."""

    content: dict[str, Any]
    time: str
    finished: int

    def frozen(self) -> Frozen:
        """As others know it."""
        fields = {name: value for name, value in self.content.items() if name != CELLS}
        return Frozen(**fields, time=self.time, finished=self.finished)


def records(connection: sqlite3.Connection, key: Key) -> tuple[list[Frozen], list[Damage]]:
    """All that was stored for a preset, oldest first; and what is damaged of the whole table."""
    found, damaged = _records(connection)
    of_preset = [record for at, record in found if at == key]
    return [_seen(connection, of_preset[: i + 1]).frozen() for i in range(len(of_preset))], damaged


def _records(connection: sqlite3.Connection) -> tuple[list[tuple[Key, Record]], list[Damage]]:
    """Every record of the store with its preset, oldest first, also where an older one was merged."""
    rows, damaged = read(connection, "frozen")
    found = [
        ((study, version, preset), Record(json.loads(claims), time, finished))
        for _, study, version, preset, _, claims, finished, time, _ in sorted(
            rows, key=lambda row: (row[7], row[0])
        )
    ]
    return found, damaged


def _seen(connection: sqlite3.Connection, until: Sequence[Record]) -> Record:
    """The last of some records; runs that began before it, and were merged since, count as finished then."""
    last = until[-1]
    cells = {cell for record in until for cell in record.content.get(CELLS, ())}
    study, version = last.content["study"], last.content["version"]
    return last._replace(finished=max(last.finished, _finished(connection, study, version, cells, last.time)))


def older_version(connection: sqlite3.Connection, key: Key) -> int:
    """The newest version below this one whose claims were stored for the preset, or 0."""
    study, version, preset = key
    found = [at for at, _ in _records(connection)[0] if (at[0], at[2]) == (study, preset)]
    return max((at[1] for at in found if at[1] < version), default=0)


def add(connection: sqlite3.Connection, now: Frozen, cells: Iterable[str]) -> None:
    """Store the claims of a preset unless they are the last that were stored.

    `cells` are the names of the preset's cells (`cell_name`). Finished runs of these and of the cells of all
    earlier plans of the preset are counted: whoever changes the plan has seen the results of those.
    """
    held = [record for at, record in _records(connection)[0] if at == (now.study, now.version, now.preset)]
    if held and held[-1].frozen().hash == now.hash:
        return
    own = sorted(cells)
    seen = {*own, *(cell for record in held for cell in record.content.get(CELLS, ()))}
    content = json.dumps({**now.content, CELLS: own}, sort_keys=True, allow_nan=False)
    finished = _finished(connection, now.study, now.version, seen)
    row = (now.study, now.version, now.preset, now.hash, content, finished, _now())
    insert(connection, "frozen", row)


def insert(connection: sqlite3.Connection, table: str, row: Sequence[Any]) -> None:
    """Add a row, less its number, with its checksum, unless one with the same key is there."""
    columns = TABLES[table][1:]
    added = connection.execute(
        f"""INSERT INTO {table} ({", ".join(columns)}) VALUES ({", ".join("?" * len(columns))})
            ON CONFLICT DO NOTHING""",
        row,
    )
    if added.rowcount:
        seal(connection, table, int(added.lastrowid or 0))


def _finished(
    connection: sqlite3.Connection, study: str, version: int, cells: Container[str], before: str = ""
) -> int:
    """How many runs of these cells are finished, of any seed; or those of them that began before a time."""
    runs = heads(connection).of(study, version)
    counted = [head for head in runs if not before or "" < head.started < before]
    cell_names = {(head.cell, head.data): "" for head in counted}
    for cell, data in cell_names:
        cell_names[cell, data] = cell_name(study, version, json.loads(cell), data)
    return len({head.name for head in counted if cell_names[head.cell, head.data] in cells})


def add_analysis(connection: sqlite3.Connection, key: Key, claim: str, judged: str, seeds: int) -> None:
    """Note that a claim was judged on these seeds, unless it was before."""
    insert(connection, "analyses", (*key, claim, judged, seeds, _now()))


def analyses(connection: sqlite3.Connection, key: Key, claim: str, judged: str) -> tuple[int, list[Damage]]:
    """On how many different data a claim was judged so far, and what is damaged.

    `judged` is among these data, stored or not.

    Older rows hash the seeds of the effect alone. They are the part before the colon of later ones, beside
    which they do not count again.
    """
    rows, damaged = read(connection, "analyses")
    found = {judged, *(row[5] for row in rows if row[1:5] == (*key, claim))}
    return len(found - {one.partition(":")[0] for one in found if ":" in one}), damaged


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
