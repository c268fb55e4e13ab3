"""Where a path leads: through its links to a file of ours, a new one, or to what is refused."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from levinthal.errors import InputError, LevinthalError, StoreError
from levinthal.written_files.kinds import Kind
from levinthal.written_files.names import named_file, shown

_SYSTEM = re.compile(r"/(proc|sys|dev(?!/shm/))/")
"""Folders that hold no files. What is opened through a link in `/proc` may be anything, also a file."""
_MOST_LINKS = 40
FOLDER = "a folder: name the file to write"


def real_file(path: Path, error: type[LevinthalError], folder: str = FOLDER) -> Path:
    """The end of all links of a path: a file, or nothing yet.

    Args:
        path: the path.
        error: the class of the errors.
        folder: what is said of a folder.

    Returns:
        The path without links.

    Raises:
        LevinthalError: as `error`: it leads to a folder, a device, a pipe, into `/proc`, or to itself.
    """
    try:
        real = Path(os.path.realpath(path))
        system = any(_SYSTEM.match(os.path.realpath(hop.parent) + "/") for hop in _hops(path))
        mode = real.lstat().st_mode if os.path.lexists(real) else stat.S_IFREG
    except OSError as problem:
        raise error(f"cannot write {shown(path)} ({problem.strerror}): name another file") from problem
    if stat.S_ISLNK(mode):
        raise error(f"{shown(path)} is a link that leads back to itself: name another file")
    if stat.S_ISDIR(mode):
        raise error(f"{shown(path)} is {folder}")
    if not stat.S_ISREG(mode):
        raise error(f"{shown(path)} is a device or a pipe: name the file to write")
    if system:
        raise error(f"{shown(path)} is in a folder of the system, which holds no files: name another file")
    return real


def _hops(path: Path) -> Iterator[Path]:
    """A path, and what its last part links to, one link after the other."""
    for _ in range(_MOST_LINKS):
        yield path
        if not path.is_symlink():
            return
        path = path.parent / os.readlink(path)


def target(path: Path, kind: Kind, error: type[LevinthalError]) -> Path:
    """The file that is written for a path: at the end of its links, new or one of ours.

    Args:
        path: the path.
        kind: of which the file will be.
        error: the class of the errors.

    Returns:
        The path without links.

    Raises:
        LevinthalError: as `error`: there is no file to be written there, or one that is not ours.
    """
    real = real_file(path, error)
    try:
        if not real.exists():
            return real
        if not real.stat().st_mode & 0o222:
            raise error(f"{shown(path)} is read-only: name another file, or make it writable")
        if not kind.wrote(real):
            raise error(f"{shown(path)} exists and is not {kind.noun}: name another file, or move it away")
    except OSError as problem:
        raise error(f"cannot write {shown(path)} ({problem.strerror}): name another file") from problem
    return real


def make_folder(folder: Path, error: type[LevinthalError] = InputError) -> Path:
    """Make a folder where it is not there.

    Args:
        folder: the folder.
        error: the class of the errors.

    Returns:
        The folder.

    Raises:
        LevinthalError: as `error`: it is a file, or none can be made there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        why = problem.strerror
        raise error(f"cannot make the folder {shown(folder)} ({why}): name another") from problem
    return folder


def store_path(text: str | Path) -> Path:
    """The path of a store. SQLite follows a link itself, and the link stays.

    Args:
        text: the path as it was given.

    Returns:
        The path, with `~` resolved.

    Raises:
        StoreError: it is `:memory:`, an address, a device, a pipe, a folder, or a link that leads to itself.
    """
    if re.match(r":memory:|file:", os.fspath(text)):
        raise StoreError(f"{shown(text)} is not the path of a file: name the file that stores the runs")
    path = named_file(text, StoreError)
    real_file(path, StoreError, "a folder, not a store: pass the path of a file")
    return path


def require_apart(files: Mapping[str, Path | None]) -> None:
    """Refuse two options that name the same file.

    Args:
        files: option -> its path; one without a path is left out.

    Raises:
        InputError: two of them lead to one file.
    """
    seen: dict[str, str] = {}
    for option, path in files.items():
        if path is None:
            continue
        real = os.path.realpath(path)
        if real in seen:
            raise InputError(f"{seen[real]} and {option} both name {shown(path)}: give each its own file")
        seen[real] = option
