"""Bits that flip in a stored run: every one is either harmless, or what it hit is named and left out."""

from __future__ import annotations

import os
import random
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.abuse import coins
from benchmarks.abuse.attack import Attack

RANDOM = int(os.environ.get("LEVINTHAL_FLIPS", "300"))
TOGETHER = 10
"""So many flips of the file are tried one after another in one process."""
PAGE = 4096


def attacks() -> Sequence[Attack]:
    """Random bits of the file, the bits of its head, one bit of each column of each table, and commands."""
    return [*_anywhere(), *_head(), *_columns(), *_commands()]


def _anywhere() -> Iterator[Attack]:
    chance = random.Random(1)
    bits = 8 * len(coins.truth()[0])
    for number in range(RANDOM // TOGETHER):
        places = [chance.randrange(bits) for _ in range(TOGETHER)]
        yield _flipped("a random bit of the file", f"{TOGETHER} bits, {number}", places)


def _head() -> Iterator[Attack]:
    for byte in range(0, 110, TOGETHER):
        places = [8 * (byte + more) + bit for more in range(TOGETHER) for bit in (0, 6)]
        yield _flipped("a bit of the file's head", f"bytes {byte} to {byte + TOGETHER - 1}", places)


def _flipped(kind: str, name: str, places: Sequence[int]) -> Attack:
    def act(folder: Path) -> int:
        whole, truth, _ = coins.truth()
        return sum(_answered(_with_bit(folder, whole, place), truth, f"bit {place}") for place in places)

    return Attack(kind, name, act, codes=frozenset({0}), seconds=60)


def _with_bit(folder: Path, whole: bytes, place: int) -> Path:
    content = bytearray(whole)
    content[place // 8] ^= 1 << place % 8
    path = folder / f"{place}.sqlite"
    path.write_bytes(content)
    return path


def _answered(path: Path, truth: coins.Read, where: str) -> int:
    """0 where the store is read as the truth has it, or says what is damaged; else 1 and why."""
    from levinthal.errors import LevinthalError

    try:
        wrong = coins.read(path).unlike(truth)
    except LevinthalError as error:
        wrong = [] if "\n" not in str(error) else [f"several lines: {error}"]
    for line in wrong:
        print(f"{where}: {line}", file=sys.stderr)
    return int(bool(wrong))


def _columns() -> Iterator[Attack]:
    """One bit of one value of each column: at the lowest, the middle and the highest number of its rows."""
    with closing(_opened(coins.truth()[0])) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        for table in tables:
            for column in (row[1] for row in connection.execute(f"PRAGMA table_info({table})")):
                for bit in (0, 2, 5):
                    yield _column(table, column, bit)


def _opened(content: bytes) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    path = Path(f"/tmp/{os.getpid()}.columns")
    path.write_bytes(content)
    try:
        with closing(sqlite3.connect(path)) as held:
            held.backup(connection)
    finally:
        path.unlink()
    return connection


def _column(table: str, column: str, bit: int) -> Attack:
    def act(folder: Path) -> int:
        whole, truth, _ = coins.truth()
        path = folder / coins.STORE
        path.write_bytes(whole)
        _change(path, table, column, bit)
        return _answered(path, truth, f"{table}.{column}")

    return Attack("a bit of each column", f"{table}.{column}, bit {bit}", act, codes=frozenset({0}))


def _change(path: Path, table: str, column: str, bit: int) -> None:
    """Flip a bit of a value of the table's middle row as a fault of the disk would, past every rule."""
    with closing(sqlite3.connect(path)) as held:
        for (trigger,) in held.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            held.execute(f"DROP TRIGGER {trigger}")
        held.execute("PRAGMA ignore_check_constraints = ON")
        (count,) = held.execute(f"SELECT count(*) FROM {table}").fetchone()
        keys = [row[1] for row in held.execute(f"PRAGMA table_info({table})")]
        found = held.execute(f"SELECT {', '.join(keys)} FROM {table} LIMIT 1 OFFSET {count // 2}").fetchone()
        if found is None:
            return
        value = found[keys.index(column)]
        where = " AND ".join(f"{key} IS ?" for key in keys)
        held.execute(f"UPDATE OR IGNORE {table} SET {column} = ? WHERE {where}", (_other(value, bit), *found))
        held.commit()


def _other(value: Any, bit: int) -> Any:
    if isinstance(value, str):
        content = bytearray(value.encode() or b"\0")
        content[len(content) // 2] ^= 1 << bit
        return content.decode("latin-1")
    if isinstance(value, float):
        return value * (1 + 2.0 ** -(4 * bit + 8)) + 1e-9
    return (value or 0) ^ 1 << bit


def _commands() -> Iterator[Attack]:
    """What a user sees of a number that changed: it is left out, and the way out is said."""
    for column in ("value", "low", "unit", "trust", "details"):
        for line in (coins.REPORT, coins.RUN, f"store check {coins.STORE}"):
            yield _seen(line, "measurements", column)
    for column in ("environment", "seed", "cell", "study", "started", "duration", "id"):
        yield _seen(coins.REPORT, "runs", column)
        yield _seen(f"store check {coins.STORE}", "runs", column)


def _seen(line: str, table: str, column: str) -> Attack:
    def prepare(folder: Path) -> None:
        (folder / "coins.py").write_text(coins.STUDY)
        (folder / coins.STORE).write_bytes(coins.truth()[0])
        _change(folder / coins.STORE, table, column, 2)

    def act(folder: Path) -> int:
        del folder
        from levinthal.cli import main

        return main(line.split())

    kind = "a command on a store with a flipped bit"
    says = ("damaged",) if "check" in line else ("damaged", "--again")
    codes = frozenset({1}) if "check" in line else frozenset({0})
    return Attack(kind, f"{line.split(' --')[0]}: {table}.{column}", act, says, codes, prepare=prepare)
