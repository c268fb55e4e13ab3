"""Which runs of a store are read, and how their measurements become Rows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from levinthal.lab.storage.rows import Rows
from levinthal.lab.storage.runs import SOURCE, run_id
from levinthal.lab.storage.table import NUMBERS, Levels, table
from levinthal.vocabulary import Task

LONG = ("step", "layer", "name", "condition", "unit", "trust", "method", "reasons", "details", *NUMBERS)
_STORED = f"coalesce(json_extract(environment, '$.\"{SOURCE}\"'), '')"
MADE_BY = f"CASE WHEN json_valid(environment) THEN {_STORED} ELSE '' END"
"""The hash of the code that measured a run, in SQL."""

Chosen = Sequence[tuple[int, str, str, int]]
"""Number, id, cell and seed of the runs to be read, in the order in which they are read."""


def newest_runs(
    connection: sqlite3.Connection, study: str, version: int, data: str
) -> dict[str, tuple[int, str]]:
    """The newest finished run of each name: its number, and the hash of the code that measured it."""
    query = f"""SELECT id, number, {MADE_BY} FROM runs
                WHERE study = ? AND version = ? AND data = ? AND status = 'done' ORDER BY number"""
    found = connection.execute(query, (study, version, data))
    return {name.partition("/")[0]: (number, source) for name, number, source in found}


def newest_version(connection: sqlite3.Connection, study: str) -> int:
    """The highest version of a study that has a finished run, or 0."""
    query = "SELECT coalesce(max(version), 0) FROM runs WHERE study = ? AND status = 'done'"
    return int(connection.execute(query, (study,)).fetchone()[0])


def data_sets(connection: sqlite3.Connection, study: str, version: int) -> list[str]:
    """The checksums of the data sets that a study was run on."""
    query = "SELECT DISTINCT data FROM runs WHERE study = ? AND version = ? AND status = 'done' ORDER BY 1"
    return [data for (data,) in connection.execute(query, (study, version))]


def chosen(
    connection: sqlite3.Connection, study: str, version: int, data: str, tasks: tuple[Task, ...] | None
) -> Chosen:
    """The newest finished runs of a study on one data set: all of them, or those of the tasks."""
    query = """SELECT number, id, cell, seed FROM runs
               WHERE study = ? AND version = ? AND data = ? AND status = 'done' ORDER BY cell, seed"""
    newest = {number: name for name, (number, _) in newest_runs(connection, study, version, data).items()}
    every = connection.execute(query, (study, version, data))
    found = [(number, newest[number], cell, seed) for number, _, cell, seed in every if number in newest]
    if tasks is None:
        return found
    ids = (run_id(study, version, task.cell, seed, data) for task in tasks for seed in task.seeds)
    place = {name: i for i, name in enumerate(ids)}
    return sorted((run for run in found if run[1] in place), key=lambda run: place[run[1]])


def loaded(
    connection: sqlite3.Connection,
    runs: Chosen,
    known: Levels,
    written: Collection[str | float] | None = None,
) -> Rows:
    """The measurements of the runs; `known` and `written` as in `Table`."""
    query = f"""SELECT run, {", ".join(LONG)} FROM measurements
                WHERE run IN (SELECT value FROM json_each(?))
                ORDER BY run, step, layer, name, condition"""
    found = connection.execute(query, (json.dumps([run[0] for run in runs]),)).fetchall()
    taken = list(zip(*found, strict=True)) if found else [()] * (len(LONG) + 1)
    return _assembled(runs, taken, known, written)


def _assembled(
    runs: Chosen, taken: Sequence[Sequence[Any]], known: Levels, written: Collection[str | float] | None
) -> Rows:
    cells = {text: i for i, text in enumerate(dict.fromkeys(cell for _, _, cell, _ in runs))}
    place = {number: cells[text] for number, _, text, _ in runs}
    seeds = {number: seed for number, _, _, seed in runs}
    columns: dict[str, Sequence[Any]] = dict(zip(LONG, taken[1:], strict=True))
    columns["seed"] = [seeds[number] for number in taken[0]]
    long = table(map(json.loads, cells), [place[number] for number in taken[0]], columns, known, written)
    # Runs are stored as they finish; they are read in an order that does not depend on who was faster.
    rank = {number: i for i, (number, *_) in enumerate(runs)}
    order = np.argsort(np.array([rank[number] for number in taken[0]], dtype=np.int64), kind="stable")
    return Rows(long, order)
