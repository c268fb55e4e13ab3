"""The received beginning of a file: `NAME.gz.part`, in the hands of one process at a time."""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedIOBase
from pathlib import Path

from levinthal.data.idx import BLOCK, unpack
from levinthal.data.plain_files import open_to_read, open_to_write
from levinthal.data.sources import SourceFile
from levinthal.errors import DataError

try:
    import fcntl
except ImportError:  # Windows: two processes are not kept apart there
    fcntl = None  # type: ignore[assignment]

PATIENCE = 60.0
"""Seconds for which another process may get nothing while this one waits for it."""
POLL = 0.05

Waiting = Callable[[int], object]
"""Called with the bytes that another process has got, while this one waits."""


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Turn an error of the disk into one line."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"cannot use {path}: {error.strerror or error}: make room, move it away, or choose another folder"
        ) from error


class Part:
    """The received beginning of a file, open and held."""

    def __init__(self, path: Path, stream: BufferedIOBase) -> None:
        self.path, self.stream = path, stream

    @property
    def size(self) -> int:
        """Bytes that have been received."""
        return os.fstat(self.stream.fileno()).st_size

    @contextmanager
    def appending(self, start: int) -> Iterator[Callable[[bytes], object]]:
        """Keep the first `start` bytes, and write behind them; on the disk afterwards, whatever happens."""
        with disk(self.path):
            self.stream.truncate(start)
            self.stream.seek(start)
        try:
            yield self._write
        finally:
            with disk(self.path):
                self.stream.flush()
                os.fsync(self.stream.fileno())

    def _write(self, data: bytes) -> None:
        with disk(self.path):
            self.stream.write(data)

    def drop(self) -> None:
        """Forget what was received."""
        with disk(self.path):
            self.stream.truncate(0)

    def become(self, target: Path) -> None:
        """Give the file its name, unless a file of that name is there by now.

        Raises:
            DataError: there is one, or the disk refuses.
        """
        if fcntl is None:
            self.stream.close()
        with disk(target):
            try:
                os.link(self.path, target)
            except FileExistsError:
                raise
            except OSError:  # a disk without second names
                if os.path.lexists(target):
                    raise
                os.rename(self.path, target)
            else:
                os.unlink(self.path)


@contextmanager
def held(path: Path, waiting: Waiting) -> Iterator[Part | None]:
    """The part, in the hands of this process alone; None if another process had it and took it away.

    Raises:
        DataError: it is not a plain file, the disk refuses, or another process holds it and gets nothing.
    """
    with disk(path):
        stream = open_to_write(path)
    with stream:
        _wait_for_lock(stream, path, waiting)
        part = Part(path, stream)
        try:
            yield part if _is_at(stream, path) else None
        finally:
            if not stream.closed and part.size == 0 and _is_at(stream, path):
                with suppress(OSError):
                    path.unlink()


def _is_at(stream: BufferedIOBase, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), os.lstat(path))
    except FileNotFoundError:
        return False


def _wait_for_lock(stream: BufferedIOBase, path: Path, waiting: Waiting) -> None:
    size, since = -1, time.monotonic()
    while not _locked(stream):
        there = os.fstat(stream.fileno()).st_size
        if there != size:
            size, since = there, time.monotonic()
            waiting(size)
        if time.monotonic() - since > PATIENCE:
            raise DataError(
                f"{path} is held by another process, which got nothing for {PATIENCE:.0f} s: "
                "end that process, or wait, and try again"
            )
        time.sleep(POLL)


def _locked(stream: BufferedIOBase) -> bool:
    """Whether the part is ours now. The lock ends with its process, however that ends."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a disk without locks
        return True
    return True


def mismatch(file: SourceFile, path: Path) -> str:
    """The difference between the file at `path` and the published one; empty if there is none."""
    with disk(path), open_to_read(path) as stream:
        return difference(file, stream)


def difference(file: SourceFile, stream: BufferedIOBase) -> str:
    """The same for an open file. It is read in blocks, and no further than the published one is long."""
    size = os.fstat(stream.fileno()).st_size
    if size > file.bound:
        return f"it has {size:,} bytes, more than the {file.bound:,} that it can have"
    stream.seek(0)
    if file.checksum.of == "gzip":
        blocks = iter(lambda: stream.read(BLOCK), b"")
    else:
        blocks = _bounded(unpack(stream), file.size)
    try:
        return file.checksum.disagreement_of(file.checksum.compute_from(blocks))
    except EOFError:
        return f"its gzip is truncated after {size:,} bytes"
    except zlib.error as error:
        return f"its gzip is corrupted ({error})"


def _bounded(blocks: Iterator[bytes], most: int) -> Iterator[bytes]:
    length = 0
    for block in blocks:
        length += len(block)
        if length > most:
            raise zlib.error(f"it unpacks to more than the {most:,} bytes of the published file")
        yield block
