"""Which process is measuring which run, so that several commands on one store share the work.

A lease ends when its runs are stored, when its command ends, and when its process is dead. Of a process that
cannot be looked at, because it runs on another machine or in another container, it ends an hour after the
last task that it took.
"""

from __future__ import annotations

import os
import platform
import sqlite3
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from levinthal.lab.storage.integrity import fetched

SECONDS = 3600.0
"""How long the lease of a process lasts that cannot be looked at."""
_BOOT = "/proc/sys/kernel/random/boot_id"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whoever measures: one call of a sweep, in one process of one machine."""

    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    host: str = field(default_factory=lambda: _host())
    pid: int = field(default_factory=os.getpid)
    begun: str = field(default_factory=lambda: _begun(os.getpid()))


def _host() -> str:
    """The machine, its boot, and the container: what the number of a process is of."""
    boot = _content(_BOOT).strip()
    space = os.readlink("/proc/self/ns/pid") if os.path.islink("/proc/self/ns/pid") else ""
    return f"{platform.node()} {boot} {space}"


def _begun(pid: int) -> str:
    """When a living process was started, in a form of this machine; empty where none is seen."""
    words = _content(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return "" if not words or words[0] in "ZX" else words[19]


def _content(path: str) -> str:
    """The text of a file of the system; empty where there is none, or none for us."""
    try:
        return Path(path).read_text("utf-8", errors="replace")
    except OSError:
        return ""


def holder(connection: sqlite3.Connection, runs: Iterable[str], owner: Owner) -> str:
    """Who else measures one of these runs, in words; empty where nobody does."""
    marks = list(runs)
    query = (
        f"SELECT owner, host, pid, begun, max(seen) FROM leases WHERE run IN ({', '.join('?' * len(marks))})"
    )
    for token, host, pid, begun, seen in fetched(connection, f"{query} GROUP BY owner", marks):
        if token != owner.token and _is_held(connection, owner, token, host, pid, begun, seen):
            there = "" if host == owner.host else f" on {host.split(' ')[0] or 'another machine'}"
            return f"process {pid}{there}"
    return ""


def _is_held(
    connection: sqlite3.Connection, owner: Owner, token: str, host: str, pid: int, begun: str, seen: float
) -> bool:
    node, boot = [*str(host).split(" "), ""][:2]
    mine = owner.host.split(" ")
    if begun and boot and host == owner.host:
        return _begun(pid) == begun
    if boot and node == mine[0] and boot != mine[1]:  # this machine was started again since
        return False
    query = "SELECT max(seen) FROM leases WHERE owner = ?"
    (last,) = connection.execute(query, (token,)).fetchone()
    return bool(abs(time.time() - max(seen, last)) < SECONDS)


def take(connection: sqlite3.Connection, runs: Sequence[str], owner: Owner) -> None:
    """Note that the owner measures these runs."""
    row = (owner.token, owner.host, owner.pid, owner.begun, time.time())
    connection.executemany(
        "INSERT OR REPLACE INTO leases (run, owner, host, pid, begun, seen) VALUES (?, ?, ?, ?, ?, ?)",
        [(run, *row) for run in runs],
    )


def end(connection: sqlite3.Connection, runs: Iterable[str]) -> None:
    """The runs are stored: nobody measures them any more."""
    connection.executemany("DELETE FROM leases WHERE run = ?", [(run,) for run in runs])


def release(connection: sqlite3.Connection, owner: Owner) -> None:
    """Give back all that the owner has not stored."""
    connection.execute("DELETE FROM leases WHERE owner = ?", (owner.token,))
