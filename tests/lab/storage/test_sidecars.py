"""Files of SQLite's beside a store: nobody's own is deleted, and a store that vanishes is said."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from levinthal.errors import StoreError
from levinthal.lab.storage.runs import Run
from levinthal.lab.storage.sidecars import MARKS
from levinthal.lab.storage.store import Store
from levinthal.vocabulary import Estimate, Measurement


def write(store: Store, seed: int = 0) -> None:
    store.write([Run("toy", 1, {}, seed)], [Measurement("error", Estimate.exact(0.5), seed=seed)])


@pytest.mark.parametrize("ending", MARKS)
@pytest.mark.parametrize("kind", ["text", "folder", "pipe", "link"])
@pytest.mark.parametrize("there", [False, True])
def test_what_is_not_sqlites_stays_and_is_named(tmp_path: Path, ending: str, kind: str, there: bool) -> None:
    path = tmp_path / "s.sqlite"
    if there:
        with Store(path) as store:
            write(store)
    beside = Path(f"{path}{ending}")
    make = {
        "text": lambda: beside.write_text("my notes"),
        "folder": beside.mkdir,
        "pipe": lambda: os.mkfifo(beside),
        "link": lambda: beside.symlink_to("nowhere"),
    }
    make[kind]()
    before = os.lstat(beside)
    with pytest.raises(StoreError, match=f"s.sqlite{ending} is in the way"):
        Store(path)
    assert os.lstat(beside).st_ino == before.st_ino
    assert path.exists() == there


def test_the_files_of_an_open_store_and_of_a_killed_one_are_known(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        write(store)
        with Store(path) as other:
            write(other, 1)
        for ending in ("", "-wal", "-shm"):
            (tmp_path / f"k.sqlite{ending}").write_bytes(Path(f"{path}{ending}").read_bytes())
    with Store(tmp_path / "k.sqlite") as killed:
        assert len(killed.runs("toy")) == 2


def test_a_journal_of_sqlite_is_known(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = PERSIST")
    connection.execute("BEGIN")
    connection.execute("CREATE TABLE a (b)")
    assert Path(f"{path}-journal").exists()
    with pytest.raises(StoreError) as error:
        Store(path, wait=0.1)
    assert "in the way" not in str(error.value)
    connection.close()


@pytest.mark.parametrize("how", ["deleted", "replaced", "folder"])
def test_a_store_that_is_gone_takes_no_run_in_silence(tmp_path: Path, how: str) -> None:
    path = tmp_path / "in" / "s.sqlite"
    with Store(path) as store:
        write(store)
        if how == "folder":
            path.parent.rename(tmp_path / "away")
        else:
            path.unlink()
        if how == "replaced":
            path.write_text("another")
        with pytest.raises(StoreError, match="was deleted or replaced while it was in use"):
            write(store, 1)
