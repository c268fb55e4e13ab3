"""The files that SQLite keeps beside a store; it deletes what stands in their place, whose it is."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from levinthal.errors import StoreError

MARKS = {
    "-wal": (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"),
    "-journal": (b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7",),
    "-shm": (b"\x18\xe2\x2d\x00", b"\x00\x2d\xe2\x18"),
}
"""Ending and first bytes of each (SQLite file format, sections 3 and 4; WAL format, section 2.1)."""


def require_free(path: Path) -> None:
    """Refuse a store where something that SQLite did not write stands in the place of such a file.

    Args:
        path: the store.

    Raises:
        StoreError: a folder, a pipe, a link or a file of somebody's is there; it is named and left as it is.
    """
    for ending, marks in MARKS.items():
        beside = Path(os.path.realpath(path) + ending)
        if os.path.lexists(beside) and not _is_own(beside, marks):
            raise StoreError(
                f"{beside} is in the way: SQLite writes its log of {path.name} there; move it, or pass "
                "another path"
            )


def _is_own(beside: Path, marks: tuple[bytes, ...]) -> bool:
    """Whether it is a file that is empty, zeroed, or begins as SQLite's do."""
    if not stat.S_ISREG(os.lstat(beside).st_mode):
        return False
    with beside.open("rb") as file:
        head = file.read(8)
    return not head.strip(b"\0") or head.startswith(marks)
