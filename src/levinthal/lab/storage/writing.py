"""One run and its measurements, as they go into the tables of a store beside earlier attempts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from levinthal.errors import InputError
from levinthal.lab.storage import integrity
from levinthal.lab.storage.heads import source_of
from levinthal.lab.storage.reading import LONG
from levinthal.lab.storage.runs import Run, Status, cell_text
from levinthal.lab.storage.table import encoded
from levinthal.vocabulary import Measurement

RUN = "study, version, cell, seed, data, status, error, environment, started, duration"
_ATTEMPTS = (
    "SELECT number, id, status, environment FROM runs WHERE id >= ?1 AND id <= ?1 || '/~' ORDER BY number"
)


def store_run(
    connection: sqlite3.Connection, run: Run, rows: Sequence[Mapping[str, Any]], *, again: bool
) -> bool:
    """Store a run with its checksum, unless it is finished; a failed attempt gives way. Whether it is new."""
    if is_finished(connection, run, again=again):
        return False
    name = _next_id(connection, run)
    drop_failed(connection, name)
    integrity.seal(connection, "runs", insert(connection, run, name, rows))
    return True


def drop_failed(connection: sqlite3.Connection, name: str) -> None:
    """A failed attempt gives way to the next."""
    failed = "SELECT number FROM runs WHERE id = ? AND status = 'failed'"
    for number in connection.execute(failed, (name,)).fetchall():
        connection.execute("DELETE FROM checksums WHERE of = 'runs' AND number = ?", number)
        connection.execute("DELETE FROM runs WHERE number = ?", number)


def is_finished(connection: sqlite3.Connection, run: Run, *, again: bool) -> bool:
    """Whether a run is in the store; with `again`, as the same code measured it, and undamaged."""
    found = integrity.fetched(connection, _ATTEMPTS, (run.id,))
    done = [(number, environment) for number, _, status, environment in found if status == Status.DONE]
    if not done or not again:
        return bool(done)
    number, environment = done[-1]
    return source_of(environment) == run.source and integrity.is_sound(connection, number)


def _next_id(connection: sqlite3.Connection, run: Run) -> str:
    """The run's name, with the number of the attempt after a slash from the second on."""
    found = integrity.fetched(connection, _ATTEMPTS, (run.id,))
    taken = {name for _, name, status, _ in found if status != Status.FAILED}
    number = len(taken) + 1
    while (name := f"{run.id}/{number}" if number > 1 else run.id) in taken:
        number += 1
    return name


def by_seed(runs: Sequence[Run], measurements: Iterable[Measurement]) -> dict[int, list[dict[str, Any]]]:
    """The measurements of each run's seed, encoded; raises InputError for one that cannot be stored."""
    found: dict[int, list[dict[str, Any]]] = {run.seed: [] for run in runs}
    for measurement in measurements:
        if measurement.seed not in found:
            given = ", ".join(map(str, found))
            raise InputError(f"{measurement.name} is of seed {measurement.seed}; the runs have seeds {given}")
        try:
            found[measurement.seed].append(encoded(measurement))
        except (TypeError, ValueError) as error:
            raise InputError(f"{measurement.name}: {error}") from error
    return found


def insert(connection: sqlite3.Connection, run: Run, name: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """One run with its measurements; its number. Raises InputError for what no table can hold."""
    row = (name, run.study, run.version, cell_text(run.cell), run.seed, run.data, str(run.status))
    rest = (run.error, json.dumps(dict(run.environment)), run.started, run.duration, len(rows))
    marks = ", ".join(f":{key}" for key in LONG)
    try:
        number = connection.execute(
            f"INSERT INTO runs (id, {RUN}, rows) VALUES ({', '.join('?' * 12)})", (*row, *rest)
        ).lastrowid
        connection.executemany(
            f"INSERT INTO measurements (run, {', '.join(LONG)}) VALUES ({number}, {marks})", rows
        )
    except (sqlite3.IntegrityError, OverflowError, UnicodeEncodeError) as error:
        raise InputError(f"seed {run.seed}: a measurement cannot be stored ({error})") from error
    return int(number or 0)
