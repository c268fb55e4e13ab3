from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from levinthal.errors import StoreError
from levinthal.lab.storage.runs import Run
from levinthal.lab.storage.schema import APPLICATION_ID, SCHEMA_VERSION
from levinthal.lab.storage.store import Store
from levinthal.vocabulary import Estimate, Measurement


def one_line(error: pytest.ExceptionInfo[StoreError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def filled(path: Path, rows: int = 1) -> Path:
    with Store(path) as store:
        found = [Measurement("error", Estimate.exact(0.5), step=step) for step in range(rows)]
        store.write([Run("toy", 1, {"width": 20}, 0)], found)
    return path


def refused(path: Path, words: str) -> None:
    """Both ways of opening are refused in one line with these words, and the file is left as it was."""
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(StoreError, match=words) as error:
            Store(path, read_only=read_only)
        assert str(path) in one_line(error)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_store_is_marked_and_says_which_version_made_it(tmp_path: Path) -> None:
    connection = sqlite3.connect(filled(tmp_path / "s.sqlite"))
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert dict(connection.execute("SELECT key, value FROM meta")).keys() >= {"schema", "project version"}
    connection.close()


@pytest.mark.parametrize("content", [b"hello\n", b"SQLite format", b"\0" * 5000, b"PK\3\4" * 2000])
def test_any_other_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    refused(path, "is not a store")


def test_the_sqlite_file_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "photos.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE runs (id)")
    connection.commit()
    connection.close()
    refused(path, "of another program")


def test_a_store_from_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = filled(tmp_path / "s.sqlite")
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    newer = SCHEMA_VERSION + 1
    refused(path, f"schema {newer}, from a newer levinthal; this one reads up to {SCHEMA_VERSION}")


@pytest.mark.parametrize("keep", [150, 3000, 4096, 9000])
def test_a_truncated_store_is_refused(tmp_path: Path, keep: int) -> None:
    path = filled(tmp_path / "s.sqlite", rows=2000)
    with path.open("r+b") as file:
        file.truncate(keep)
    refused(path, "damaged")


def test_a_store_with_a_damaged_page_says_so_in_one_line(tmp_path: Path) -> None:
    path = filled(tmp_path / "s.sqlite", rows=2000)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * 8192)
    with Store(path, read_only=True) as store:
        with pytest.raises(StoreError, match="damaged") as error:
            store.rows("toy")
        one_line(error)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a folder"):
        Store(tmp_path)


def test_reading_a_store_that_is_not_there_makes_none(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store at"):
        Store(tmp_path / "none.sqlite", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_and_a_missing_folder_become_a_store(tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    assert filled(tmp_path / "empty.sqlite").stat().st_size > 0
    assert filled(tmp_path / "a" / "b" / "s.sqlite").exists()


def test_a_store_killed_before_its_tables_were_made_is_completed(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.close()
    with pytest.raises(StoreError, match=r"cannot be used \(no such table"):
        Store(path, read_only=True)
    filled(path)
    with Store(path, read_only=True) as store:
        assert len(store.rows("toy")) == 1


def test_reading_from_a_read_only_folder(folder: Path, nobody: Callable[[], None]) -> None:
    path = filled(folder / "s #1?.sqlite")
    path.chmod(0o444)
    folder.chmod(0o555)
    nobody()
    with Store(path, read_only=True) as store:
        assert store.rows("toy").by_seed() == {0: 0.5}
        with pytest.raises(StoreError, match="is read-only") as error:
            store.write([Run("toy", 1, {"width": 50}, 0)])
    one_line(error)


@pytest.mark.parametrize("exists", [True, False])
def test_writing_to_a_read_only_folder(folder: Path, nobody: Callable[[], None], exists: bool) -> None:
    path = folder / "s.sqlite"
    if exists:
        filled(path).chmod(0o444)
    folder.chmod(0o555)
    nobody()
    with pytest.raises(StoreError, match=r"(read-only|cannot be opened)") as error:
        Store(path)
    one_line(error)


def test_a_log_that_cannot_be_replayed_is_not_passed_over(folder: Path, nobody: Callable[[], None]) -> None:
    with Store(folder / "live.sqlite") as store:
        store.write([Run("toy", 1, {"width": 20}, 0)], [Measurement("error", Estimate.exact(0.5))])
        for end in ("", "-wal"):
            shutil.copy(folder / f"live.sqlite{end}", folder / f"copy.sqlite{end}")
            (folder / f"copy.sqlite{end}").chmod(0o444)
    folder.chmod(0o555)
    nobody()
    with pytest.raises(StoreError, match=r"(cannot be opened|read-only)"):
        Store(folder / "copy.sqlite", read_only=True)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be opened") as error:
        Store(tmp_path / "file" / "s.sqlite")
    one_line(error)
