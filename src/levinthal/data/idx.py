"""The IDX format: two zero bytes, a type code, the number of axes, their lengths, then the values.

All integers are big-endian. Only unsigned bytes (code 0x08) are read: the MNIST family has no other type.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Generator, Iterator
from contextlib import suppress
from io import BufferedIOBase
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from levinthal.data.plain_files import open_to_read
from levinthal.errors import DataError

UBYTE = 0x08
TYPES = {0x08: "ubyte", 0x09: "byte", 0x0B: "short", 0x0C: "int", 0x0D: "float", 0x0E: "double"}
GZIP_MAGIC = b"\x1f\x8b"
BLOCK = 1 << 16
LARGEST = 1 << 30
"""Bytes of content: no file with more is read. The published ones have 47 million."""


def read_content(path: Path, *, axes: int) -> bytes:
    """The uncompressed content of a plain or gzip IDX file. Its first bytes decide which, not its name.

    A truncated gzip stream yields the bytes before its end, and a file that is longer than its header
    promises is not read to its end: `parse_idx` reports both lengths.

    Raises:
        DataError: the file cannot be read, its compression is corrupted, or its content is too large.
    """
    content = bytearray()
    try:
        with open_to_read(path) as file, suppress(EOFError):
            for block in unpack(file):
                content += block
                if len(content) > min(_promised(content, axes), LARGEST):
                    break
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except zlib.error as error:
        raise DataError(
            f"{path} is corrupted after {len(content):,} bytes of content ({error}): get it again"
        ) from error
    if len(content) > LARGEST:
        raise DataError(f"{path} holds more than {LARGEST:,} bytes: take a part of it")
    return bytes(content)


def unpack(file: BufferedIOBase) -> Iterator[bytes]:
    """The uncompressed content of a file in blocks of bounded size: all members of a gzip, or plain data.

    Raises:
        zlib.error: the stream is corrupted, or something other than zeros follows it.
        EOFError: the stream ends too early; all blocks before were given.

    >>> import io
    >>> list(unpack(io.BytesIO(b"plain")))
    [b'plain']
    """
    data = file.read(BLOCK)
    packed = data.startswith(GZIP_MAGIC)
    while data.startswith(GZIP_MAGIC):
        rest = yield from _member(file, data)
        data = rest if len(rest) > 1 else rest + file.read(BLOCK)
    while data:
        if packed and data.strip(b"\0"):
            raise zlib.error("other data after its end")
        if not packed:
            yield data
        data = file.read(BLOCK)


def _member(file: BufferedIOBase, data: bytes) -> Generator[bytes, None, bytes]:
    """The content of one member of a gzip that begins with `data`; returns what was read beyond its end."""
    member = zlib.decompressobj(wbits=31)
    while not member.eof:
        block = member.decompress(data, BLOCK)
        yield block
        data = member.unconsumed_tail or (b"" if member.eof else file.read(BLOCK))
        if not (data or block or member.eof):
            raise EOFError
    return member.unused_data


def parse_idx(content: bytes, *, axes: int, where: str) -> UInt8[np.ndarray, "..."]:
    """The array in the content of an IDX file of unsigned bytes with `axes` axes. It is a view, not a copy.

    Raises:
        DataError: a wrong magic number, a type other than ubyte, or a length other than that of the header.
            The message names `where`.

    >>> parse_idx(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]), axes=1, where="labels")
    array([7, 8, 9], dtype=uint8)
    """
    start = _header(axes)
    if len(content) < start:
        raise DataError(
            f"{where} is truncated: {len(content):,} bytes, and its header alone needs {start}: get it again"
        )
    _check_magic(content[:4], axes, where)
    promised = _promised(content, axes)
    if len(content) != promised:
        word = "truncated: " if len(content) < promised else "too long: at least "
        raise DataError(
            f"{where} is {word}{len(content):,} bytes, and its header promises {promised:,}: get it again"
        )
    shape = _shape(content, axes)
    try:
        return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)
    except ValueError as error:  # a length of 0 beside lengths that no array has
        raise DataError(f"{where} is empty: {' x '.join(map(str, shape))} values: get it again") from error


def _header(axes: int) -> int:
    return 4 + 4 * axes


def _shape(content: bytes | bytearray, axes: int) -> tuple[int, ...]:
    return struct.unpack_from(f">{axes}I", content, 4)


def _promised(content: bytes | bytearray, axes: int) -> int:
    """The length of the content by its header; that of the header itself where it is short or wrong."""
    start = _header(axes)
    if len(content) < start or content[:4] != bytes([0, 0, UBYTE, axes]):
        return start
    return start + math.prod(_shape(content, axes))


def _check_magic(magic: bytes, axes: int, where: str) -> None:
    expected = bytes([0, 0, UBYTE, axes])
    if magic == expected:
        return
    if magic[:2] == b"\0\0" and magic[2] in TYPES and magic[2] != UBYTE:
        raise DataError(
            f"{where} holds values of type {TYPES[magic[2]]} (0x{magic[2]:02x}); "
            f"only ubyte (0x{UBYTE:02x}) is read"
        )
    raise DataError(
        f"{where} begins with 0x{magic.hex()}, not with 0x{expected.hex()}: not an IDX file of {axes} axes"
    )
