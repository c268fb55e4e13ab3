"""The store: runs and one long table of measurements in one SQLite file that only grows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from levinthal.errors import StoreError
from levinthal.lab.storage import freezing, leases, reading
from levinthal.lab.storage.claims import Frozen
from levinthal.lab.storage.heads import chosen
from levinthal.lab.storage.leases import Owner
from levinthal.lab.storage.opened import OpenedStore
from levinthal.lab.storage.rows import Rows
from levinthal.lab.storage.runs import Run
from levinthal.lab.storage.table import levels_of
from levinthal.lab.storage.writing import by_seed, is_finished, store_run
from levinthal.vocabulary import Cell, Measurement, Task


class Store(OpenedStore):
    """One SQLite file (WAL). A finished run is never changed or deleted.

    A run that is measured again, because the code of its study has changed, stands beside the older ones:
    `finished` and `rows` read the newest, `runs` gives all. Each run has a checksum, which is compared when
    the run is read. A run that is damaged is left out, and `damage` names it.

    Args:
        path: the file. It is made where it does not exist, unless `read_only`. The text ":memory:" is a
            store that ends with the process.
        read_only: open the store as it is, also on a medium that cannot be written.
        wait: how many seconds to wait for another process that writes. After one second the logger
            `levinthal` says so.

    Raises:
        StoreError: the file is not a store, is damaged, is from a newer version, or cannot be written. Such
            a file is not touched.

    >>> from levinthal.vocabulary import Estimate
    >>> from pathlib import Path
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "store.sqlite") as store:
    ...     run = Run("toy", 1, {"width": 20}, seed=0)
    ...     store.write([run], [Measurement("error", Estimate.exact(0.1), seed=0)])
    ...     store.rows("toy").where(width=20).by_seed()
    1
    {0: 0.1}
    """

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
        with self._writing() as connection:
            new = [run for run in runs if store_run(connection, run, found[run.seed], again=again)]
            leases.end(connection, [run.id for run in runs])
        return len(new)

    def claim(self, runs: Sequence[Run], owner: Owner, *, again: bool = False) -> tuple[list[Run], str]:
        """Take the runs of one task, so that no other command measures them at the same time.

        Args:
            runs: the same cell with each of its seeds.
            owner: who measures them.
            again: take a finished run, too, where other code measured it or where it is damaged.

        Returns:
            The runs that are not finished, which are the owner's now. Where somebody else measures one of
            them: none, and who that is.

        Raises:
            StoreError: the store cannot be written.
        """
        with self._writing() as connection:
            mine = [run for run in runs if not is_finished(connection, run, again=again)]
            if mine and (other := leases.holder(connection, [run.id for run in mine], owner)):
                return [], other
            leases.take(connection, [run.id for run in mine], owner)
            return mine, ""

    def holder(self, runs: Iterable[Run], owner: Owner) -> str:
        """Find out who else measures one of these runs now.

        Args:
            runs: the runs.
            owner: whoever asks.

        Returns:
            The process, in words; empty where nobody does.

        Raises:
            StoreError: the store cannot be read.
        """
        with self._reported() as connection:
            return leases.holder(connection, [run.id for run in runs], owner)

    def release(self, owner: Owner) -> None:
        """Give back the runs that an owner took and did not store.

        Args:
            owner: whoever took them.

        Raises:
            StoreError: the store cannot be written.
        """
        with self._writing() as connection:
            leases.release(connection, owner)

    def finished(self, study: str, version: int, data: str = "", *, source: str | None = None) -> set[str]:
        """The finished runs of a study on one data set.

        Args:
            study: its name.
            version: of the study.
            data: the checksum of the data set; empty for a study without data.
            source: only runs that code with this hash measured (`Run.source`), and that are not damaged;
                all where not given.

        Returns:
            Their ids.
        """
        with self._reported() as connection:
            found = self._heads(connection)
            newest = found.newest(study, version, data)
            if source is None:
                return {*newest, *found.damaged}
            made = [head for head in newest.values() if head.source == source]
            damaged = {head.name for head in reading.damaged(connection, made)}
        return {head.name for head in made} - damaged

    def runs(self, study: str | None = None, *, version: int | None = None) -> list[Run]:
        """The runs of a study, finished and failed.

        Args:
            study: its name; all studies where not given.
            version: of the study; all versions where not given.

        Returns:
            The runs, oldest first.
        """
        with self._reported() as connection:
            found = self._heads(connection).heads
        wanted = [head for head in found if study in (None, head.study) and version in (None, head.version)]
        return [head.run() for head in wanted]

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
        known = levels_of(levels, names={key for task in wanted or () for key in task.cell})
        with self._reported() as connection:
            every = self._heads(connection)
            version = max((h.version for h in every.of(study)), default=0) if version is None else version
            names = sorted({h.data for h in every.of(study, version)}) if data is None else [data]
            found = [
                chosen(every.newest(study, version, name).values(), study, version, name, wanted)
                for name in names
            ]
            held = [runs for runs in found if runs]
            if len(held) > 1:
                named = ", ".join(runs[0].data[:12] or "none" for runs in held)
                raise StoreError(f"{self.path} holds {study} on {len(held)} data sets ({named}): pass data=")
            rows, damaged = reading.loaded(connection, next(iter(held), []), known, written)
        self._noted(damaged)
        return rows

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
        with self._writing() as connection:
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
                version = freezing.older_version(connection, (study, version, preset))
            found, damaged = freezing.records(connection, (study, version, preset))
        self._noted(damaged)
        return found

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
        if not self._read_only:
            with self._writing() as connection:
                freezing.add_analysis(connection, key, claim, judged, seeds)
        with self._reported() as connection:
            count, damaged = freezing.analyses(connection, key, claim, judged)
        self._noted(damaged)
        return count
