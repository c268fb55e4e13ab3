"""Files that a command will write: refused before the work, not after."""

from __future__ import annotations

import tempfile
from pathlib import Path

from levinthal.errors import InputError


def writable(path: Path) -> Path:
    """Make the file's folder and return the path; raises InputError before hours are spent, not after.

    Permissions are not enough: a read-only disk and `/proc` refuse root too. So a file is made and removed.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(f"{path} is a device or a pipe: name the file to write")
    make_folder(path)
    try:
        tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.").close()
    except OSError as error:
        raise InputError(f"cannot write {path} ({error.strerror}): name another file") from error
    return path


def make_folder(path: Path) -> None:
    """Make the folder of a file; raises InputError where the path is a folder or none can be made."""
    if path.is_dir():
        raise InputError(f"{path} is a folder: name the file to write")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {path.parent} ({error.strerror}): name another") from error
