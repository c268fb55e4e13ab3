"""The IDX format: two zero bytes, a type code, the number of axes, their lengths, then the values.

All integers are big-endian. Only unsigned bytes (code 0x08) are read: the MNIST family has no other type.
"""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from levinthal.errors import DataError

UBYTE = 0x08
TYPES = {0x08: "ubyte", 0x09: "byte", 0x0B: "short", 0x0C: "int", 0x0D: "float", 0x0E: "double"}
GZIP_MAGIC = b"\x1f\x8b"


def read_content(path: Path) -> bytes:
    """The uncompressed content of a plain or gzip file. Its first bytes decide which, not its name.

    A truncated gzip stream yields the bytes before its end, so that `parse_idx` can report both lengths.

    Raises:
        DataError: the file cannot be read, or its compression is corrupted.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        return decompress(data)
    except zlib.error as error:
        raise DataError(
            f"{path} is corrupted after {len(data):,} bytes of gzip ({error}): get it again"
        ) from error


def decompress(data: bytes) -> bytes:
    """Uncompress `data` if it is gzip (all of its members); return plain data unchanged.

    Raises:
        zlib.error: the stream is corrupted, or something other than zeros follows it.

    >>> decompress(b"plain")
    b'plain'
    """
    parts = []
    while data.startswith(GZIP_MAGIC):
        member = zlib.decompressobj(wbits=31)
        parts.append(member.decompress(data))
        data = member.unused_data
    if parts and data.strip(b"\0"):
        raise zlib.error(f"{len(data):,} bytes of other data after its end")
    return b"".join(parts) if parts else data


def parse_idx(content: bytes, *, axes: int, where: str) -> UInt8[np.ndarray, "..."]:
    """The array in the content of an IDX file of unsigned bytes with `axes` axes. It is a view, not a copy.

    Raises:
        DataError: a wrong magic number, a type other than ubyte, or a length other than that of the header.
            The message names `where`.

    >>> parse_idx(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]), axes=1, where="labels")
    array([7, 8, 9], dtype=uint8)
    """
    start = 4 + 4 * axes
    if len(content) < start:
        raise DataError(f"{where} is truncated: {len(content):,} bytes, and its header alone needs {start}")
    _check_magic(content[:4], axes, where)
    shape = struct.unpack(f">{axes}I", content[4:start])
    promised = start + math.prod(shape)
    if len(content) != promised:
        word = "truncated" if len(content) < promised else "too long"
        raise DataError(f"{where} is {word}: {len(content):,} bytes, and its header promises {promised:,}")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


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
