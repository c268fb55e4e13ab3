"""How a store is opened, and the marks by which it is known as ours."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import quote

from levinthal.errors import StoreError
from levinthal.lab.storage.layout import VERSIONS
from levinthal.lab.storage.sidecars import require_free
from levinthal.lab.storage.waiting import patiently, transaction

APPLICATION_ID = 0x4C766E74  # "Lvnt"
SCHEMA_VERSION = max(VERSIONS)
MEMORY = ":memory:"


def open_store(path: Path, *, read_only: bool, wait: float) -> sqlite3.Connection:
    """Open the store at `path`, made anew where there is nothing, or raise a StoreError of one line.

    A file that is not ours is recognised by its first 100 bytes, before SQLite touches it.
    """
    with errors_in_one_line(path, wait):
        new = _is_new(path)
        if str(path) != MEMORY:
            require_free(path)
        if new and read_only:
            raise StoreError(f"no store at {path}: run a study first, or pass the path of its store")
        connection = _connect_to_read(path, wait) if read_only else _connect_to_write(path, wait)
        try:
            _require_version(path, connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _is_new(path: Path) -> bool:
    try:
        kind = os.stat(path)
    except FileNotFoundError:
        return True
    if stat.S_ISDIR(kind.st_mode):
        raise StoreError(f"{path} is a folder, not a store: pass the path of a file")
    if not stat.S_ISREG(kind.st_mode):
        raise StoreError(f"{path} is a device or a pipe, not a store: pass the path of a file")
    if not kind.st_size:
        return True
    with path.open("rb") as file:
        head = file.read(100)
    if head[:16] != b"SQLite format 3\0":
        raise StoreError(f"{path} is not a store (it begins with {head[:8]!r}): pass another path")
    if len(head) < 100:
        raise StoreError(
            f"{path} is damaged (cut to {len(head)} bytes): restore a copy, or pass another path"
        )
    found = int.from_bytes(head[68:72], "big")
    if found != APPLICATION_ID:
        raise StoreError(f"{path} is an SQLite file of another program (mark {found}): pass another path")
    return False


def _connect_to_write(path: Path, wait: float) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    # An absolute path is never taken for an address of SQLite's.
    name = MEMORY if str(path) == MEMORY else os.path.abspath(path)
    connection = sqlite3.connect(name, timeout=wait, isolation_level=None)
    try:
        patiently(connection, path, wait, _ours)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA recursive_triggers = ON")
        _create_tables(connection, path, wait)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_to_read(path: Path, wait: float) -> sqlite3.Connection:
    address = f"file:{quote(str(path.resolve()))}"
    try:
        # Not mode=ro, which would leave an empty log behind; where we may not write, rw is as good as ro.
        return _readable(f"{address}?mode=rw", path, wait)
    except sqlite3.OperationalError as error:
        barred = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
        log = Path(f"{path}-wal")
        if not barred or (log.exists() and log.stat().st_size):
            raise
        # Nobody can write where we may not: without a log to replay, the file is all there is.
        return _readable(f"{address}?immutable=1", path, wait)


def _readable(address: str, path: Path, wait: float) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, timeout=wait, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only = ON")
        patiently(connection, path, wait, lambda one: one.execute("SELECT * FROM sqlite_master").fetchall())
    except BaseException:
        connection.close()
        raise
    return connection


def _mark(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA application_id").fetchone()[0])


def _ours(connection: sqlite3.Connection) -> None:
    """Our mark comes first and alone, so that a process killed here leaves a file known as ours."""
    if _mark(connection) != APPLICATION_ID:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA journal_mode = WAL")


def _create_tables(connection: sqlite3.Connection, path: Path, wait: float) -> None:
    found = _version(path, connection)
    if found >= SCHEMA_VERSION:
        return
    with transaction(connection, path, wait):
        before = _version(path, connection)
        for number in range(before + 1, SCHEMA_VERSION + 1):
            for statement in _statements(VERSIONS[number]):
                connection.execute(statement)
        marks = [("schema", str(SCHEMA_VERSION)), ("project version", project_version())]
        connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", marks[: 1 if before else 2])
        connection.execute(f"PRAGMA user_version = {max(before, SCHEMA_VERSION)}")


def _version(path: Path, connection: sqlite3.Connection) -> int:
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found < 0:
        raise StoreError(f"{path} is damaged (its version is {found}): restore a copy, or pass another path")
    return found


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _require_version(path: Path, connection: sqlite3.Connection) -> None:
    found = _version(path, connection)
    if found > SCHEMA_VERSION:
        known = f"this one reads up to {SCHEMA_VERSION}"
        raise StoreError(f"{path} is of schema {found}, from a newer levinthal; {known}: upgrade levinthal")
    connection.execute("SELECT count(*) FROM meta").fetchone()


def project_version() -> str:
    """The version of the installed package, or "unknown" in a bare source tree."""
    try:
        return version("levinthal")
    except PackageNotFoundError:
        return "unknown"


@contextmanager
def errors_in_one_line(path: Path, wait: float) -> Iterator[None]:
    """Turn what SQLite and the file system say into one line with the way out."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StoreError(_line(path, wait, error)) from error
    except OSError as error:
        raise StoreError(f"{path} cannot be opened ({error.strerror}): pass another path") from error


def _line(path: Path, wait: float, error: sqlite3.DatabaseError) -> str:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    lines = {
        sqlite3.SQLITE_FULL: f"no space left for {path}: its contents are safe; free space and call again",
        sqlite3.SQLITE_IOERR: f"{path} cannot be written ({error}): is its disk full? Call again",
        sqlite3.SQLITE_READONLY: f"{path} is read-only: pass a path that may be written",
        sqlite3.SQLITE_CANTOPEN: f"{path} cannot be opened here: pass a path in a writable folder",
        sqlite3.SQLITE_BUSY: f"{path} was locked by another process for {wait:g} s: end it, or call again",
        sqlite3.SQLITE_CORRUPT: f"{path} is damaged ({error}): restore a copy, or pass another path",
        sqlite3.SQLITE_NOTADB: f"{path} is damaged ({error}): restore a copy, or pass another path",
    }
    return " ".join(lines.get(code, f"{path} cannot be used ({error}): pass another path").split())
