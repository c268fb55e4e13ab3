"""The tables of frozen claims and of analyses, which only grow."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime

from levinthal.lab.storage.claims import Frozen

_KEY = "study = ? AND version = ? AND preset = ?"
FIRST_VERSION = 2
"""The version of the schema from which on a store has these tables."""


def has_tables(connection: sqlite3.Connection) -> bool:
    """Whether the store is new enough to hold frozen claims."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0]) >= FIRST_VERSION


def records(connection: sqlite3.Connection, study: str, version: int, preset: str) -> list[Frozen]:
    """All that was stored for a preset, oldest first; nothing in an older store."""
    if not has_tables(connection):
        return []
    query = f"SELECT claims, time, finished FROM frozen WHERE {_KEY} ORDER BY number"
    found = connection.execute(query, (study, version, preset))
    return [Frozen(**json.loads(claims), time=time, finished=n) for claims, time, n in found]


def older_version(connection: sqlite3.Connection, study: str, version: int, preset: str) -> int:
    """The newest version below this one whose claims were stored for the preset, or 0."""
    if not has_tables(connection):
        return 0
    query = "SELECT coalesce(max(version), 0) FROM frozen WHERE study = ? AND version < ? AND preset = ?"
    return int(connection.execute(query, (study, version, preset)).fetchone()[0])


def add(connection: sqlite3.Connection, now: Frozen, runs: Iterable[str]) -> None:
    """Store the claims of a preset unless they are the last that were stored.

    `runs` are the ids of the preset's runs; those that are finished are counted.
    """
    held = records(connection, now.study, now.version, now.preset)
    if held and held[-1].hash == now.hash:
        return
    count = """SELECT count(*) FROM runs WHERE status = 'done' AND id IN (SELECT value FROM json_each(?))"""
    finished = connection.execute(count, (json.dumps(sorted(runs)),)).fetchone()[0]
    content = json.dumps(now.content, sort_keys=True, allow_nan=False)
    connection.execute(
        """INSERT INTO frozen (study, version, preset, hash, claims, finished, time)
           VALUES (?, ?, ?, ?, ?, ?, ?)""",
        (now.study, now.version, now.preset, now.hash, content, finished, _now()),
    )


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
    """On how many sets of seeds a claim was judged so far, `judged` among them, stored or not."""
    if not has_tables(connection):
        return 1
    query = f"SELECT count(*) FROM analyses WHERE {_KEY} AND claim = ? AND judged != ?"
    return 1 + int(connection.execute(query, (*key, claim, judged)).fetchone()[0])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
