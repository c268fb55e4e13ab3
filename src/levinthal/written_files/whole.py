"""A file is there when it is whole.

It grows beside its place as `.levinthal-NUMBER-LETTERS.part`, under a lock that ends with the process. The
next write into that folder removes what nobody holds: the files of processes that were killed.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from levinthal.errors import InputError, LevinthalError, StoreError
from levinthal.written_files.kinds import Kind
from levinthal.written_files.names import named_file, shown
from levinthal.written_files.places import make_folder, target

if sys.platform != "win32":
    import fcntl

_PART = re.compile(r"\.levinthal-\d+-[0-9a-f]{8}\.part")


def writable(path: str | Path, kind: Kind, error: type[LevinthalError] = InputError) -> Path:
    """Refuse a path that cannot be written, before hours of work are spent and not after; make its folder.

    Permissions are not enough: a read-only disk and `/proc` refuse root too. So a file is made and removed.

    Args:
        path: the file to be written.
        kind: of which it will be; a file that is there must be of it too.
        error: the class of the errors.

    Returns:
        The path, with `~` resolved.

    Raises:
        LevinthalError: as `error`: it is a folder, a device or a file that is not ours, or it cannot be made.
    """
    named = named_file(path, error)
    real = target(named, kind, error)
    make_folder(real.parent, error)
    try:
        with _part(real.parent):
            pass
    except OSError as problem:
        raise error(f"cannot write {shown(named)} ({problem.strerror}): name another file") from problem
    return named


@contextmanager
def whole_file(path: str | Path, kind: Kind) -> Iterator[BinaryIO]:
    """A file that takes its place when it is whole: what fails leaves the old one, or none.

    Its folder is made. The mode of an old file stays; a new one has that of the umask.

    Args:
        path: the file.
        kind: of which it is; a file that is there must be of it too.

    Yields:
        The file to write to.

    Raises:
        StoreError: it cannot be written.
    """
    named = named_file(path, StoreError)
    real = target(named, kind, StoreError)
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(real.parent)
        with _part(real.parent) as (part, file):
            yield file
            _finish(file)
            if real.exists():
                os.chmod(part, stat.S_IMODE(real.stat().st_mode))
            os.replace(part, real)
    except OSError as problem:
        raise _unwritten(named, problem) from problem


def write_whole(path: str | Path, content: str | bytes, kind: Kind) -> Path:
    """Write a file whole or not at all, making its folder.

    Args:
        path: the file.
        content: all of it.
        kind: of which it is; a file that is there must be of it too.

    Returns:
        The path, with `~` resolved.

    Raises:
        StoreError: it cannot be written.
    """
    with whole_file(path, kind) as file:
        file.write(content.encode() if isinstance(content, str) else content)
    return named_file(path, StoreError)


def new_file(path: Path, content: str) -> Path:
    """Write a file that must not be there yet, also where another process makes it meanwhile.

    Args:
        path: the file; its folder exists.
        content: all of it.

    Returns:
        The path.

    Raises:
        StoreError: it exists, or cannot be written.
    """
    try:
        with _part(path.parent) as (part, file):
            file.write(content.encode())
            _finish(file)
            path.open("xb").close()  # fails where there is something; a rename would replace it
            os.replace(part, path)
    except FileExistsError as problem:
        raise StoreError(f"{shown(path)} exists: name another file, or move that one away") from problem
    except OSError as problem:
        raise _unwritten(path, problem) from problem
    return path


def _unwritten(path: Path, problem: OSError) -> StoreError:
    reason = problem.strerror or problem
    return StoreError(f"cannot write {shown(path)}: {reason}: give a folder that you may write to")


def _finish(file: BinaryIO) -> None:
    """All bytes are on the disk before the file gets its name."""
    file.flush()
    os.fsync(file.fileno())
    if sys.platform == "win32":
        file.close()  # an open file cannot be moved there; elsewhere it stays open, and with it the lock


@contextmanager
def _part(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file in the folder, under a lock; it is removed in the end, unless it was moved."""
    while True:
        path = folder / f".levinthal-{os.getpid()}-{secrets.token_hex(4)}.part"
        file = path.open("xb")
        _lock(file, wait=True)
        if path.exists():  # until it was locked, another process may have removed it
            break
        file.close()
    try:
        with file:
            yield path, file
    finally:
        with suppress(FileNotFoundError):
            path.unlink()


def _lock(file: BinaryIO, *, wait: bool) -> bool:
    """Take the lock of a file, which ends with this process; False where that was not possible."""
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:  # held by a living process, or a file system without locks
            return False
    return True


def _remove_abandoned(folder: Path) -> None:
    """Remove the files of processes that were killed; one that cannot be removed does no harm."""
    with suppress(OSError):
        for path in [one for one in folder.iterdir() if _PART.fullmatch(one.name)]:
            _remove_if_abandoned(path)


def _remove_if_abandoned(path: Path) -> None:
    with suppress(OSError):
        if stat.S_ISREG(path.lstat().st_mode):
            with path.open("r+b") as file:
                if _lock(file, wait=False):
                    path.unlink()
