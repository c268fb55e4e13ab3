"""One store into another: finished runs, and the claims and analyses that were known with them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from levinthal.lab.storage import freezing, integrity, reading
from levinthal.lab.storage.heads import Head, heads
from levinthal.lab.storage.integrity import BODY, TABLES, Damage
from levinthal.lab.storage.runs import Status
from levinthal.lab.storage.writing import drop_failed


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of the runs of another store.

    Attributes:
        added: The number of runs that were added.
        same: The number of runs that were there already.
        conflicts: A line for each run that was there with other numbers; the first stays.
        damaged: What was left out of the other store.
    """

    added: int
    same: int
    conflicts: tuple[str, ...]
    damaged: tuple[Damage, ...]


def merge(into: sqlite3.Connection, other: sqlite3.Connection) -> Merged:
    """Add the finished runs, the frozen claims and the analyses of another store, in one open transaction.

    A run that both have with the same measurements is added once. Where they have other numbers, the first
    store keeps its own, because a run that is added later would be read in its place.
    """
    theirs = heads(other)
    lost = {head.number: head.damage() for head in reading.damaged(other, theirs.heads)}
    damaged = [*theirs.faults(), *lost.values()]
    done = [head for head in theirs.heads if head.status == Status.DONE and head.number not in lost]
    added, same, conflicts = 0, 0, list[str]()
    ours = _by_name(heads(into).heads)
    for name, attempts in _by_name(done).items():
        held = ours.get(name, [])
        if any(_made(into, one) != _made(other, new) for one, new in zip(held, attempts, strict=False)):
            one = attempts[0]
            conflicts.append(
                f"run {one.study} {ascii(one.cell)[1:-1]} seed {one.seed} has other numbers there"
            )
            continue
        same += min(len(held), len(attempts))
        for head in attempts[len(held) :]:
            _add(into, other, head)
            added += 1
    for table in ("frozen", "analyses"):
        damaged += _carry(into, other, table)
    return Merged(added, same, tuple(conflicts), tuple(damaged))


def _by_name(runs: Sequence[Head]) -> dict[str, list[Head]]:
    """The finished attempts of each run, oldest first."""
    found: dict[str, list[Head]] = {}
    for head in runs:
        if head.status == Status.DONE:
            found.setdefault(head.name, []).append(head)
    return found


def _made(connection: sqlite3.Connection, head: Head) -> tuple[str, str]:
    """What has to be the same in two runs that are one: their measurements, and the code that made them."""
    return integrity.body_sum(integrity.measurements(connection, head.number)), head.source


def _add(into: sqlite3.Connection, other: sqlite3.Connection, head: Head) -> None:
    columns = TABLES["runs"][1:]
    drop_failed(into, head.id)
    added = into.execute(
        f"INSERT INTO runs ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
        [getattr(head, name) for name in columns],
    )
    number = int(added.lastrowid or 0)
    into.executemany(
        f"INSERT INTO measurements ({', '.join(BODY)}) VALUES ({', '.join('?' * len(BODY))})",
        [(number, *row[1:]) for row in integrity.measurements(other, head.number)],
    )
    integrity.seal(into, "runs", number)


def _carry(into: sqlite3.Connection, other: sqlite3.Connection, table: str) -> list[Damage]:
    """Add the rows of a table that only grows, less those that are there."""
    rows, damaged = integrity.read(other, table)
    there = {row[1:-1] for row in integrity.read(into, table).rows}
    for row in rows:
        if row[1:-1] not in there:
            freezing.insert(into, table, row[1:-1])
    return damaged
