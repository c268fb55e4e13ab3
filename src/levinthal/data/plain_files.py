"""Files that are opened only if they are files: a pipe would be waited for, a device read for ever."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedIOBase
from pathlib import Path
from typing import cast

BINARY = getattr(os, "O_BINARY", 0)
AT_ONCE = getattr(os, "O_NONBLOCK", 0)
NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def open_to_read(path: Path) -> BufferedIOBase:
    """Open a file to read it. Links are followed.

    Raises:
        OSError: it cannot be opened, or it is a folder, a pipe or a device.
    """
    return _if_plain(os.open(path, os.O_RDONLY | BINARY | AT_ONCE), path, "rb")


def open_to_write(path: Path) -> BufferedIOBase:
    """Open a file of ours to read and write it, and make it where it is missing.

    Raises:
        OSError: it cannot be opened, or it is a link (also a second name of another file), a folder, a pipe
            or a device: what is written would go elsewhere.
    """
    if os.path.islink(path):
        raise OSError(errno.ELOOP, "it is a link", str(path))
    file = _if_plain(os.open(path, os.O_RDWR | os.O_CREAT | BINARY | AT_ONCE | NO_LINK, 0o666), path, "r+b")
    if os.fstat(file.fileno()).st_nlink > 1:
        file.close()
        raise OSError(errno.EMLINK, "it is a second name (a hard link) of another file", str(path))
    return file


def _if_plain(descriptor: int, path: Path, mode: str) -> BufferedIOBase:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is a folder, a pipe or a device, not a file", str(path))
    return cast(BufferedIOBase, os.fdopen(descriptor, mode))
