"""The tables of frozen claims and of analyses, which only grow."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Container, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from levinthal.lab.storage.claims import Frozen
from levinthal.lab.storage.runs import cell_name

_KEY = "study = ? AND version = ? AND preset = ?"
CELLS = "cells of the plan"
"""The key beside the frozen claims that names the cells of the preset; older records have none."""
FIRST_VERSION = 2
"""The version of the schema from which on a store has these tables."""


def has_tables(connection: sqlite3.Connection) -> bool:
    """Whether the store is new enough to hold frozen claims."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0]) >= FIRST_VERSION


def records(connection: sqlite3.Connection, study: str, version: int, preset: str) -> list[Frozen]:
    """All that was stored for a preset, oldest first; nothing in an older store."""
    found = _contents(connection, study, version, preset)
    return [_frozen(content, time, finished) for content, time, finished in found]


def _contents(
    connection: sqlite3.Connection, study: str, version: int, preset: str
) -> list[tuple[dict[str, Any], str, int]]:
    if not has_tables(connection):
        return []
    query = f"SELECT claims, time, finished FROM frozen WHERE {_KEY} ORDER BY number"
    found = connection.execute(query, (study, version, preset))
    return [(json.loads(content), time, finished) for content, time, finished in found]


def _frozen(content: Mapping[str, Any], time: str, finished: int) -> Frozen:
    fields = {name: value for name, value in content.items() if name != CELLS}
    return Frozen(**fields, time=time, finished=finished)


def older_version(connection: sqlite3.Connection, study: str, version: int, preset: str) -> int:
    """The newest version below this one whose claims were stored for the preset, or 0."""
    if not has_tables(connection):
        return 0
    query = "SELECT coalesce(max(version), 0) FROM frozen WHERE study = ? AND version < ? AND preset = ?"
    return int(connection.execute(query, (study, version, preset)).fetchone()[0])


def add(connection: sqlite3.Connection, now: Frozen, cells: Iterable[str]) -> None:
    """Store the claims of a preset unless they are the last that were stored.

    `cells` are the names of the preset's cells (`cell_name`). Finished runs of these and of the cells of all
    earlier plans of the preset are counted: whoever changes the plan has seen the results of those.
    """
    held = _contents(connection, now.study, now.version, now.preset)
    if held and _frozen(*held[-1]).hash == now.hash:
        return
    own = sorted(cells)
    seen = {*own, *(cell for content, _, _ in held for cell in content.get(CELLS, ()))}
    content = json.dumps({**now.content, CELLS: own}, sort_keys=True, allow_nan=False)
    connection.execute(
        """INSERT INTO frozen (study, version, preset, hash, claims, finished, time)
           VALUES (?, ?, ?, ?, ?, ?, ?)""",
        (now.study, now.version, now.preset, now.hash, content, _finished(connection, now, seen), _now()),
    )


def _finished(connection: sqlite3.Connection, now: Frozen, cells: Container[str]) -> int:
    """How many runs of these cells are finished, of any seed."""
    query = """SELECT cell, data, count(DISTINCT seed) FROM runs
               WHERE study = ? AND version = ? AND status = 'done' GROUP BY cell, data"""
    found = connection.execute(query, (now.study, now.version))
    names = ((cell_name(now.study, now.version, json.loads(cell), data), n) for cell, data, n in found)
    return sum(n for name, n in names if name in cells)


def add_analysis(
    connection: sqlite3.Connection, key: tuple[str, int, str], claim: str, judged: str, seeds: int
) -> None:
    """Note that a claim was judged on these seeds, unless it was before."""
    connection.execute(
        """INSERT INTO analyses (study, version, preset, claim, judged, seeds, time)
           VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING""",
        (*key, claim, judged, seeds, _now()),
    )


def analyses(connection: sqlite3.Connection, key: tuple[str, int, str], claim: str, judged: str) -> int:
    """On how many different data a claim was judged so far, `judged` among them, stored or not.

    Older rows hash the seeds of the effect alone. They are the part before the colon of later ones, beside
    which they do not count again.
    """
    if not has_tables(connection):
        return 1
    query = f"SELECT judged FROM analyses WHERE {_KEY} AND claim = ?"
    found = {judged, *(one for (one,) in connection.execute(query, (*key, claim)))}
    return len(found - {one.partition(":")[0] for one in found if ":" in one})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
