"""The store: runs and one long table of measurements in one SQLite file that only grows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from levinthal.errors import StoreError
from levinthal.lab.storage import freezing, reading
from levinthal.lab.storage.claims import Frozen
from levinthal.lab.storage.rows import Rows
from levinthal.lab.storage.runs import Run, Status
from levinthal.lab.storage.schema import errors_in_one_line, open_store, transaction
from levinthal.lab.storage.table import levels_of
from levinthal.lab.storage.writing import RUN, by_seed, insert
from levinthal.vocabulary import Cell, Measurement, Task


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
        self._wait, self._read_only = wait, read_only
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
        found = by_seed(runs, measurements)
        with self._reported() as connection, transaction(connection):
            new = [run for run in runs if not self._is_finished(run, again)]
            for run in new:
                name = self._next_id(run)
                connection.execute("DELETE FROM runs WHERE id = ? AND status = 'failed'", (name,))
                insert(connection, run, name, found[run.seed])
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
        query = f"""SELECT {reading.MADE_BY} FROM runs WHERE id >= ?1 AND id <= ?1 || '/~' AND status = 'done'
                    ORDER BY number"""
        return [source for (source,) in self._connection.execute(query, (run.id,))]

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
        with self._reported() as connection:
            found = reading.newest_runs(connection, study, version, data)
        return {name for name, (_, made_by) in found.items() if source in (None, made_by)}

    def runs(self, study: str | None = None, *, version: int | None = None) -> list[Run]:
        """The runs of a study, finished and failed.

        Args:
            study: its name; all studies where not given.
            version: of the study; all versions where not given.

        Returns:
            The runs, oldest first.
        """
        query = f"""SELECT {RUN} FROM runs WHERE (?1 IS NULL OR study = ?1)
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
        written: Collection[str | float] | None = None,
    ) -> Rows:
        """The measurements of a study's finished runs: all of them, or those of the tasks.

        Args:
            study: its name.
            version: of the study; the newest stored where not given.
            tasks: whose runs are wanted.
            data: a checksum; may be left out where the store holds what is asked for on one data set only.
            levels: every cell of every preset, where they are known. `Rows.where` then refuses a level of
                a factor that neither they nor the rows have.
            written: the words of the code that measures, where they are known. `Rows.where` then refuses a
                misspelt measurement: one that is not made of them and is near to one that the rows have.

        Returns:
            The measurements, in an order that does not depend on which run finished first.

        Raises:
            StoreError: the store holds what is asked for on several data sets, or cannot be read.
        """
        wanted = None if tasks is None else tuple(tasks)
        with self._reported() as connection:
            version = reading.newest_version(connection, study) if version is None else version
            names = reading.data_sets(connection, study, version) if data is None else [data]
            found = {name: reading.chosen(connection, study, version, name, wanted) for name in names}
        held = {name: chosen for name, chosen in found.items() if chosen}
        if len(held) > 1:
            named = ", ".join(name[:12] or "none" for name in held)
            raise StoreError(f"{self.path} holds {study} on {len(held)} data sets ({named}): pass data=")
        known = levels_of(levels, names={key for task in wanted or () for key in task.cell})
        with self._reported() as connection:
            return reading.loaded(connection, next(iter(held.values()), []), known, written)

    def freeze(self, claims: Frozen, cells: Iterable[str]) -> None:
        """Store the claims of a preset, before its runs are measured. Nothing is ever changed or deleted.

        Claims that are the same as the last that were stored are not stored again.

        Args:
            claims: as they are now.
            cells: the names of all cells of the preset (`cell_name`). How many runs of them, and of the
                preset's earlier plans, are finished is stored too.

        Raises:
            StoreError: the store cannot be written.
        """
        with self._reported() as connection, transaction(connection):
            freezing.add(connection, claims, cells)

    def frozen(self, study: str, version: int, preset: str, *, before: bool = False) -> list[Frozen]:
        """The claims of a preset as they were stored; a store that is older than they are has none.

        Args:
            study: its name.
            version: of the study.
            preset: the name of the preset.
            before: those of the newest version below this one instead.

        Returns:
            All that was stored, oldest first.
        """
        with self._reported() as connection:
            if before:
                version = freezing.older_version(connection, study, version, preset)
            return freezing.records(connection, study, version, preset)

    def count_analysis(self, key: tuple[str, int, str], claim: str, judged: str, seeds: int) -> int:
        """Note that a claim was judged, and count how often that was done on different data.

        Args:
            key: name of the study, its version, and the preset.
            claim: the id of the claim.
            judged: a hash of the data that it was judged on; data that were judged before do not count again.
            seeds: how many seeds these are.

        Returns:
            The number of analyses so far, this one included. A store that is read only does not remember it.
        """
        with self._reported() as connection:
            if not self._read_only:
                with transaction(connection):
                    freezing.add_analysis(connection, key, claim, judged, seeds)
            return freezing.analyses(connection, key, claim, judged)

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


def _run(row: tuple[Any, ...]) -> Run:
    study, version, cell, seed, data, status, error, environment, started, duration = row
    found = json.loads(environment)
    return Run(study, version, json.loads(cell), seed, data, Status(status), error, found, started, duration)
