"""The store: runs and one long table of measurements in one SQLite file that only grows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from levinthal.errors import InputError, StoreError
from levinthal.lab.storage.rows import Rows
from levinthal.lab.storage.runs import SOURCE, Run, Status, cell_text, run_id
from levinthal.lab.storage.schema import errors_in_one_line, open_store, transaction
from levinthal.lab.storage.table import NUMBERS, Levels, encoded, levels_of, table
from levinthal.vocabulary import Cell, Measurement, Task

_RUN = "study, version, cell, seed, data, status, error, environment, started, duration"
_STORED = f"coalesce(json_extract(environment, '$.\"{SOURCE}\"'), '')"
_SOURCE = f"CASE WHEN json_valid(environment) THEN {_STORED} ELSE '' END"
_LONG = ("step", "layer", "name", "condition", "unit", "trust", "method", "reasons", "details", *NUMBERS)


class Store:
    """One SQLite file (WAL). A finished run is never changed or deleted.

    A run that is measured again, because the code of its study has changed, stands beside the older ones:
    `finished` and `rows` read the newest, `runs` gives all.

    Args:
        path: the file. It is made where it does not exist, unless `read_only`.
        read_only: open the store as it is, also on a medium that cannot be written.
        wait: how many seconds to wait for another process that writes.

    Raises:
        StoreError: the file is not a store, is damaged, is from a newer version, or cannot be written. Such
            a file is not touched.

    >>> from levinthal.vocabulary import Estimate
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "store.sqlite") as store:
    ...     run = Run("toy", 1, {"width": 20}, seed=0)
    ...     store.write([run], [Measurement("error", Estimate.exact(0.1), seed=0)])
    ...     store.rows("toy").where(width=20).by_seed()
    1
    {0: 0.1}
    """

    def __init__(self, path: str | Path, *, read_only: bool = False, wait: float = 60.0) -> None:
        self.path = Path(path)
        self._wait = wait
        self._connection = open_store(self.path, read_only=read_only, wait=wait)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the last to close it folds the log into it."""
        self._connection.close()

    @contextmanager
    def _reported(self) -> Iterator[sqlite3.Connection]:
        with errors_in_one_line(self.path, self._wait):
            yield self._connection

    def write(
        self, runs: Sequence[Run], measurements: Iterable[Measurement] = (), *, again: bool = False
    ) -> int:
        """Store the runs of one task with their measurements, all or nothing.

        A measurement belongs to the run of its seed. A run that is already finished is left as it is:
        the first wins. A failed run gives way to the next attempt.

        Args:
            runs: the same cell with each of its seeds.
            measurements: those of all the runs, in any order.
            again: store a finished run once more where other code measured it (`Run.source`).

        Returns:
            How many of the runs are new.

        Raises:
            InputError: two measurements share an address, or one cannot be stored.
            StoreError: the store cannot be written.
        """
        by_seed = _by_seed(runs, measurements)
        with self._reported() as connection, transaction(connection):
            new = [run for run in runs if not self._is_finished(run, again)]
            for run in new:
                name = self._next_id(run)
                connection.execute("DELETE FROM runs WHERE id = ? AND status = 'failed'", (name,))
                _insert(connection, run, name, by_seed[run.seed])
        return len(new)

    def _is_finished(self, run: Run, again: bool) -> bool:
        sources = self._attempts(run)
        return bool(sources) and (not again or sources[-1] == run.source)

    def _next_id(self, run: Run) -> str:
        """The run's name, with the number of the attempt after a slash from the second on."""
        before = len(self._attempts(run))
        return f"{run.id}/{before + 1}" if before else run.id

    def _attempts(self, run: Run) -> list[str]:
        """The hashes of the code that made the finished runs of this name, oldest first."""
        query = f"""SELECT {_SOURCE} FROM runs WHERE id >= ?1 AND id <= ?1 || '/~' AND status = 'done'
                    ORDER BY number"""
        return [source for (source,) in self._connection.execute(query, (run.id,))]

    def _newest_runs(self, study: str, version: int, data: str) -> dict[str, tuple[int, str]]:
        """The newest finished run of each name: its number, and the hash of the code that measured it."""
        query = f"""SELECT id, number, {_SOURCE} FROM runs
                    WHERE study = ? AND version = ? AND data = ? AND status = 'done' ORDER BY number"""
        found = self._connection.execute(query, (study, version, data))
        return {name.partition("/")[0]: (number, source) for name, number, source in found}

    def finished(self, study: str, version: int, data: str = "", *, source: str | None = None) -> set[str]:
        """The finished runs of a study on one data set.

        Args:
            study: its name.
            version: of the study.
            data: the checksum of the data set; empty for a study without data.
            source: only runs that code with this hash measured (`Run.source`); all where not given.

        Returns:
            Their ids.
        """
        with self._reported():
            found = self._newest_runs(study, version, data)
        return {name for name, (_, made_by) in found.items() if source in (None, made_by)}

    def runs(self, study: str | None = None, *, version: int | None = None) -> list[Run]:
        """The runs of a study, finished and failed.

        Args:
            study: its name; all studies where not given.
            version: of the study; all versions where not given.

        Returns:
            The runs, oldest first.
        """
        query = f"""SELECT {_RUN} FROM runs WHERE (?1 IS NULL OR study = ?1)
                    AND (?2 IS NULL OR version = ?2) ORDER BY number"""
        with self._reported() as connection:
            return [_run(row) for row in connection.execute(query, (study, version))]

    def rows(
        self,
        study: str,
        *,
        version: int | None = None,
        tasks: Iterable[Task] | None = None,
        data: str | None = None,
        levels: Iterable[Cell] = (),
    ) -> Rows:
        """The measurements of a study's finished runs: all of them, or those of the tasks.

        Args:
            study: its name.
            version: of the study; the newest stored where not given.
            tasks: whose runs are wanted.
            data: a checksum; may be left out where the store holds what is asked for on one data set only.
            levels: every cell of every preset, where they are known. `Rows.where` then refuses a level of
                a factor that neither they nor the rows have.

        Returns:
            The measurements, in an order that does not depend on which run finished first.

        Raises:
            StoreError: the store holds what is asked for on several data sets, or cannot be read.
        """
        wanted = None if tasks is None else tuple(tasks)
        with self._reported():
            version = self._newest(study) if version is None else version
            names = self._data(study, version) if data is None else [data]
            found = {name: self._chosen(study, version, name, wanted) for name in names}
        held = {name: chosen for name, chosen in found.items() if chosen}
        if len(held) > 1:
            named = ", ".join(name[:12] or "none" for name in held)
            raise StoreError(f"{self.path} holds {study} on {len(held)} data sets ({named}): pass data=")
        known = levels_of(levels, names={key for task in wanted or () for key in task.cell})
        return self._load(next(iter(held.values()), []), known)

    def _newest(self, study: str) -> int:
        query = "SELECT coalesce(max(version), 0) FROM runs WHERE study = ? AND status = 'done'"
        return int(self._connection.execute(query, (study,)).fetchone()[0])

    def _data(self, study: str, version: int) -> list[str]:
        query = (
            "SELECT DISTINCT data FROM runs WHERE study = ? AND version = ? AND status = 'done' ORDER BY 1"
        )
        return [data for (data,) in self._connection.execute(query, (study, version))]

    def _chosen(
        self, study: str, version: int, data: str, tasks: tuple[Task, ...] | None
    ) -> list[tuple[int, str, str, int]]:
        query = """SELECT number, id, cell, seed FROM runs
                   WHERE study = ? AND version = ? AND data = ? AND status = 'done' ORDER BY cell, seed"""
        newest = {number: name for name, (number, _) in self._newest_runs(study, version, data).items()}
        every = self._connection.execute(query, (study, version, data))
        found = [(number, newest[number], cell, seed) for number, _, cell, seed in every if number in newest]
        if tasks is None:
            return found
        ids = (run_id(study, version, task.cell, seed, data) for task in tasks for seed in task.seeds)
        place = {name: i for i, name in enumerate(ids)}
        return sorted((run for run in found if run[1] in place), key=lambda run: place[run[1]])

    def _load(self, chosen: Sequence[tuple[int, str, str, int]], known: Levels) -> Rows:
        query = f"""SELECT run, {", ".join(_LONG)} FROM measurements
                    WHERE run IN (SELECT value FROM json_each(?))
                    ORDER BY run, step, layer, name, condition"""
        with self._reported() as connection:
            found = connection.execute(query, (json.dumps([run[0] for run in chosen]),)).fetchall()
        taken = list(zip(*found, strict=True)) if found else [()] * (len(_LONG) + 1)
        return _assembled(chosen, taken, known)

    def check(self) -> list[str]:
        """Look for damage: SQLite's own integrity check, and runs that lack measurements.

        Returns:
            One line for each fault; empty for a sound store.
        """
        short = """SELECT 'run ' || id || ' has ' || count(run) || ' of ' || rows || ' measurements' FROM runs
                   LEFT JOIN measurements ON run = number GROUP BY number HAVING count(run) != rows"""
        with self._reported() as connection:
            faults = [line for (line,) in connection.execute("PRAGMA integrity_check") if line != "ok"]
            return faults + [line for (line,) in connection.execute(short)]


def _assembled(
    chosen: Sequence[tuple[int, str, str, int]], taken: Sequence[Sequence[Any]], known: Levels
) -> Rows:
    cells = {text: i for i, text in enumerate(dict.fromkeys(cell for _, _, cell, _ in chosen))}
    place = {number: cells[text] for number, _, text, _ in chosen}
    seeds = {number: seed for number, _, _, seed in chosen}
    columns: dict[str, Sequence[Any]] = dict(zip(_LONG, taken[1:], strict=True))
    columns["seed"] = [seeds[number] for number in taken[0]]
    long = table(map(json.loads, cells), [place[number] for number in taken[0]], columns, known)
    # Runs are stored as they finish; they are read in an order that does not depend on who was faster.
    rank = {number: i for i, (number, *_) in enumerate(chosen)}
    order = np.argsort(np.array([rank[number] for number in taken[0]], dtype=np.int64), kind="stable")
    return Rows(long, order)


def _by_seed(runs: Sequence[Run], measurements: Iterable[Measurement]) -> dict[int, list[dict[str, Any]]]:
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


def _insert(connection: sqlite3.Connection, run: Run, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
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
        f"INSERT INTO runs (id, {_RUN}, rows) VALUES ({', '.join('?' * 12)})", (*row, *rest)
    ).lastrowid
    marks = ", ".join(f":{key}" for key in _LONG)
    try:
        connection.executemany(
            f"INSERT INTO measurements (run, {', '.join(_LONG)}) VALUES ({number}, {marks})", rows
        )
    except sqlite3.IntegrityError as error:
        raise InputError(f"seed {run.seed}: a measurement cannot be stored ({error})") from error


def _run(row: tuple[Any, ...]) -> Run:
    study, version, cell, seed, data, status, error, environment, started, duration = row
    found = json.loads(environment)
    return Run(study, version, json.loads(cell), seed, data, Status(status), error, found, started, duration)
