"""Waiting for a lock that another process holds: said after a second, and ended by Ctrl-C at once."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

SILENT = 1.0
"""Seconds of waiting before something is said."""
_STEP_MS = 100
Answer = TypeVar("Answer")
log = logging.getLogger("levinthal")


def patiently(
    connection: sqlite3.Connection, path: Path, wait: float, action: Callable[[sqlite3.Connection], Answer]
) -> Answer:
    """Do what may need a lock; where it is held, try again for `wait` seconds.

    SQLite's own waiting says nothing, is not ended by Ctrl-C, and does not cover the change of journal.
    """
    begun, said = time.monotonic(), False
    connection.execute(f"PRAGMA busy_timeout = {min(_STEP_MS, int(1000 * wait))}")
    try:
        while True:
            try:
                return action(connection)
            except sqlite3.OperationalError as error:
                passed = time.monotonic() - begun
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or passed > wait:
                    raise
            if passed > SILENT and not said:
                log.warning("%s is locked by another process: waiting up to %g s", path, wait)
                said = True
            time.sleep(0.01)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(1000 * wait)}")


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path, wait: float) -> Iterator[None]:
    """All or nothing, and alone: other writers wait from the start, so what was read stays true."""
    patiently(connection, path, wait, lambda opened: opened.execute("BEGIN IMMEDIATE"))
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
