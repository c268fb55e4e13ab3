"""A store that is open: its file, its errors in one line, and what was found damaged in it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from levinthal.errors import StoreError
from levinthal.lab.storage import checking, exporting
from levinthal.lab.storage.heads import Heads, heads
from levinthal.lab.storage.integrity import Damage
from levinthal.lab.storage.merging import Merged, merge
from levinthal.lab.storage.schema import MEMORY, errors_in_one_line, open_store
from levinthal.lab.storage.waiting import transaction
from levinthal.written_files import store_path


class OpenedStore:
    """What `Store` is made on: the open file, without a word on what is in it."""

    def __init__(self, path: str | Path, *, read_only: bool = False, wait: float = 60.0) -> None:
        self.path = Path(path) if path == MEMORY else store_path(path)
        self._wait, self._read_only = wait, read_only
        self._damaged: dict[str, Damage] = {}
        self._connection = open_store(self.path, read_only=read_only, wait=wait)
        self._file = self._place()

    def __enter__(self) -> Self:
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

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reported() as connection, transaction(connection, self.path, self._wait):
            yield connection
        if self._place() != self._file:
            raise StoreError(
                f"{self.path} was deleted or replaced while it was in use, and its runs with it: leave it in "
                "its place, and call again"
            )

    def _place(self) -> tuple[int, int] | None:
        """The file that is now at the path: another one is not the one that is open."""
        with suppress(OSError):
            found = os.stat(self.path)
            return found.st_dev, found.st_ino
        return None

    def _noted(self, damaged: Iterable[Damage]) -> None:
        self._damaged |= {str(damage): damage for damage in damaged}

    def _heads(self, connection: sqlite3.Connection) -> Heads:
        found = heads(connection)
        self._noted(found.faults())
        return found

    @property
    def damage(self) -> str:
        """What was damaged of all that was read so far, and was left out, in one line with the way out."""
        return checking.in_one_line(self.path, list(self._damaged.values()))

    def check(self) -> list[str]:
        """Look for damage: SQLite's own integrity check, checksums, and runs that lack measurements.

        Returns:
            One line for each fault; empty for a sound store.
        """
        return self.checked().faults

    def checked(self) -> checking.Report:
        """Look for damage as `check` does.

        Returns:
            The faults, with the numbers of runs and measurements.

        Raises:
            StoreError: the store cannot be read.
        """
        with self._reported() as connection:
            return checking.checked(connection)

    def add_checksums(self) -> int:
        """Give each run of an older version a checksum, of what it holds now.

        Returns:
            How many runs, frozen claims and analyses got one.
        """
        with self._writing() as connection:
            return checking.sealed(connection)

    def texts(self, form: str) -> dict[str, str]:
        """All that the store holds, as text; what is damaged is left out, and `damage` names it.

        Args:
            form: `.csv`, `.jsonl`, or empty for the files of a folder.

        Returns:
            The text of each file by its name in the folder; one file has the name "".

        Raises:
            StoreError: the store cannot be read.
        """
        with self._reported() as connection:
            found, damaged = exporting.texts(connection, form)
        self._noted(damaged)
        return found

    def merge(self, other: OpenedStore) -> Merged:
        """Add the finished runs of another store with its frozen claims and analyses, all or nothing.

        A run that both stores have is added once. Where its numbers differ, this store keeps its own.

        Args:
            other: a store, which stays as it is.

        Returns:
            How many runs were added, how many were here, and a line for each one with other numbers.

        Raises:
            StoreError: a store cannot be read or written.
        """
        with other._reported() as theirs, self._writing() as connection:
            return merge(connection, theirs)
