"""One run and its measurements, as they go into the tables of a store."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from levinthal.errors import InputError
from levinthal.lab.storage.reading import LONG
from levinthal.lab.storage.runs import Run, cell_text
from levinthal.lab.storage.table import encoded
from levinthal.vocabulary import Measurement

RUN = "study, version, cell, seed, data, status, error, environment, started, duration"


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


def insert(connection: sqlite3.Connection, run: Run, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """One run with its measurements; raises InputError where two of them share an address."""
    row = (
        name,
        run.study,
        run.version,
        cell_text(run.cell),
        run.seed,
        run.data,
        str(run.status),
        run.error,
    )
    rest = (json.dumps(dict(run.environment)), run.started, run.duration, len(rows))
    number = connection.execute(
        f"INSERT INTO runs (id, {RUN}, rows) VALUES ({', '.join('?' * 12)})", (*row, *rest)
    ).lastrowid
    marks = ", ".join(f":{key}" for key in LONG)
    try:
        connection.executemany(
            f"INSERT INTO measurements (run, {', '.join(LONG)}) VALUES ({number}, {marks})", rows
        )
    except sqlite3.IntegrityError as error:
        raise InputError(f"seed {run.seed}: a measurement cannot be stored ({error})") from error
