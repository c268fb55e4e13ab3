from __future__ import annotations

import gzip
import io
import os
import re
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from levinthal.data import idx
from levinthal.data.idx import parse_idx, read_content, unpack
from levinthal.errors import DataError


def decompress(data: bytes) -> bytes:
    return b"".join(unpack(io.BytesIO(data)))


def idx_header(length: int) -> bytes:
    return bytes([0, 0, 8, 1]) + length.to_bytes(4, "big")


CONTENT = idx_header(3) + b"abc"
Write = Callable[[np.ndarray], bytes]
arrays = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5))


@given(array=arrays)
def test_what_is_written_is_read(array: np.ndarray, write_idx: Write) -> None:
    again = parse_idx(write_idx(array), axes=array.ndim, where="it")
    assert again.shape == array.shape
    assert np.array_equal(again, array)


@given(array=arrays, data=st.data())
def test_every_truncation_is_named_with_both_numbers(
    array: np.ndarray, data: st.DataObject, write_idx: Write
) -> None:
    content = write_idx(array)
    length = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(DataError, match="it is truncated") as caught:
        parse_idx(content[:length], axes=array.ndim, where="it")
    promised = len(content) if length >= 4 + 4 * array.ndim else 4 + 4 * array.ndim
    assert re.findall(r"\d[\d,]*", str(caught.value)) == [f"{length:,}", f"{promised:,}"]


@given(array=arrays, position=st.integers(0, 3), value=st.integers(0, 255))
def test_no_other_magic_is_taken(array: np.ndarray, position: int, value: int, write_idx: Write) -> None:
    content = bytearray(write_idx(array))
    unchanged = content[position] == value
    content[position] = value
    if unchanged:
        assert np.array_equal(parse_idx(bytes(content), axes=array.ndim, where="it"), array)
    else:
        with pytest.raises(DataError, match=r"^it (begins with|holds values of type)") as caught:
            parse_idx(bytes(content), axes=array.ndim, where="it")
        assert "\n" not in str(caught.value)


def test_wrong_magic_names_both() -> None:
    with pytest.raises(DataError, match="begins with 0x00000801, not with 0x00000803"):
        parse_idx(bytes([0, 0, 8, 1]) + bytes(12), axes=3, where="it")


@pytest.mark.parametrize(("code", "name"), [(0x09, "byte"), (0x0B, "short"), (0x0C, "int"), (0x0E, "double")])
def test_other_types_are_named(code: int, name: str) -> None:
    with pytest.raises(DataError, match=rf"type {name} \(0x{code:02x}\); only ubyte \(0x08\)"):
        parse_idx(bytes([0, 0, code, 1, 0, 0, 0, 0]), axes=1, where="it")


def test_too_long_is_refused(write_idx: Write) -> None:
    with pytest.raises(DataError, match="it is too long: at least 12 bytes, and its header promises 11"):
        parse_idx(write_idx(np.zeros(3, np.uint8)) + b"!", axes=1, where="it")


def test_absurd_lengths_are_a_truncation_not_a_crash() -> None:
    with pytest.raises(
        DataError, match="16 bytes, and its header promises 79,228,162,458,924,105,385,300,197,391"
    ):
        parse_idx(bytes([0, 0, 8, 3]) + b"\xff" * 12, axes=3, where="it")


def test_the_array_is_a_view(write_idx: Write) -> None:
    content = write_idx(np.zeros(3, np.uint8))
    assert not parse_idx(content, axes=1, where="it").flags.owndata


@given(parts=st.lists(st.binary(max_size=50), min_size=1, max_size=3))
def test_all_members_of_a_gzip_are_joined(parts: list[bytes]) -> None:
    assert decompress(b"".join(gzip.compress(part) for part in parts)) == b"".join(parts)


def test_only_zeros_may_follow_a_gzip() -> None:
    assert decompress(gzip.compress(b"content") + bytes(3)) == b"content"
    with pytest.raises(zlib.error, match="other data after its end"):
        decompress(gzip.compress(b"content") + b"??")


@pytest.mark.parametrize("name", ["labels", "labels.gz"])
@pytest.mark.parametrize("pack", [gzip.compress, bytes])
def test_compression_is_seen_in_the_content_not_in_the_name(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
) -> None:
    (tmp_path / name).write_bytes(pack(CONTENT))
    assert read_content(tmp_path / name, axes=1) == CONTENT


def test_truncated_gzip_names_both_numbers(tmp_path: Path, write_idx: Write) -> None:
    content = write_idx(np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8))
    path = tmp_path / "labels.gz"
    path.write_bytes(gzip.compress(content)[:3000])
    with pytest.raises(
        DataError, match=r"labels.gz is truncated: 2,\d\d\d bytes, and its header promises 5,008"
    ):
        parse_idx(read_content(path, axes=1), axes=1, where=str(path))


def test_corrupted_gzip_is_one_line(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(idx_header(992) + bytes(992)))
    data[-6] ^= 0xFF
    path = tmp_path / "labels.gz"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"labels.gz is corrupted .*incorrect data check.*get it again"):
        read_content(path, axes=1)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*: it is a folder, a pipe or a device"):
        read_content(tmp_path, axes=1)
    with pytest.raises(DataError, match=r"cannot read .*gone: No such file or directory"):
        read_content(tmp_path / "gone", axes=1)


def test_a_bomb_is_not_unpacked_beyond_what_its_header_promises(tmp_path: Path) -> None:
    path = tmp_path / "labels.gz"
    path.write_bytes(gzip.compress(idx_header(9) + bytes(30_000_000), 1))
    tracemalloc.start()
    with pytest.raises(
        DataError, match=r"labels.gz is too long: at least [\d,]+ bytes, .* promises 17: get it"
    ):
        parse_idx(read_content(path, axes=1), axes=1, where=str(path))
    assert tracemalloc.get_traced_memory()[1] < 3_000_000
    tracemalloc.stop()


def test_more_than_can_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idx, "LARGEST", 1000)
    (tmp_path / "labels").write_bytes(idx_header(5000) + bytes(5000))
    with pytest.raises(DataError, match="labels holds more than 1,000 bytes: take a part of it"):
        read_content(tmp_path / "labels", axes=1)


def test_empty_members_take_no_time_that_grows(tmp_path: Path) -> None:
    assert decompress(gzip.compress(b"") * 20_000 + gzip.compress(b"x")) == b"x"


@given(content=st.binary(max_size=300), cut=st.integers(1, 20))
def test_a_gzip_that_ends_too_early_is_told(content: bytes, cut: int) -> None:
    packed = gzip.compress(content)
    with pytest.raises(EOFError):
        decompress(packed[: max(2, len(packed) - cut)])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "labels")
    with pytest.raises(DataError, match="labels: it is a folder, a pipe or a device, not a file"):
        read_content(tmp_path / "labels", axes=1)


def test_no_values_of_a_size_that_no_array_has_are_one_line() -> None:
    content = bytes([0, 0, 8, 3]) + b"\xff" * 8 + bytes(4)
    with pytest.raises(DataError, match="it is empty: 4294967295 x 4294967295 x 0 values: get it again"):
        parse_idx(content, axes=3, where="it")
