"""A download among links, pipes, other processes, pages of hotels and bombs."""

from __future__ import annotations

import gzip
import os
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from levinthal.data.download import download
from levinthal.errors import DataError

NAME = "train-images-idx3-ubyte.gz"


def holdings(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


ODD = {
    "a link": lambda part, mine: part.symlink_to(mine),
    "a link to nothing": lambda part, mine: part.symlink_to("gone"),
    "a second name": lambda part, mine: os.link(mine, part),
    "a pipe": lambda part, mine: os.mkfifo(part),
    "a folder": lambda part, mine: part.mkdir(),
}


@pytest.mark.parametrize("kind", ODD)
def test_a_part_that_is_no_file_of_ours_is_refused(file, folder, server, body, kind) -> None:
    mine, part = folder / "mine", folder / f"{NAME}.part"
    mine.write_bytes(b"mine")
    ODD[kind](part, mine)
    with pytest.raises(DataError, match=r"cannot use .*\.part: (it is a|Is a directory).*move it away"):
        download(file, folder, mirrors=(server.url,))
    assert mine.read_bytes() == b"mine"
    assert not (folder / "gone").exists()
    assert server.asked == []


@pytest.mark.parametrize("kind", ["a link to nothing", "a pipe", "a folder"])
def test_what_has_the_name_of_the_file_is_not_replaced(file, folder, server, body, kind) -> None:
    ODD[kind](folder / NAME, folder / "mine")
    with pytest.raises(DataError, match=NAME):
        download(file, folder, mirrors=(server.url,))
    assert os.path.lexists(folder / NAME)
    assert server.asked == []


def test_a_file_that_appears_meanwhile_is_not_replaced(file, folder, server, body) -> None:
    with pytest.raises(DataError, match=rf"cannot use .*{NAME}: File exists"):
        download(
            file, folder, mirrors=(server.url,), on_progress=lambda *_: (folder / NAME).write_bytes(b"mine")
        )
    assert (folder / NAME).read_bytes() == b"mine"


def test_a_page_in_the_place_of_the_file_does_not_cost_the_part(file, folder, server, body) -> None:
    (folder / f"{NAME}.part").write_bytes(body[:1000])
    server.files = {f"/{NAME}": b"<!doctype html>"}
    server.next(ranges=False)
    with pytest.raises(DataError, match=r"no gzip file: its first bytes are 0x3c21646f\): .* resumes"):
        download(file, folder, mirrors=(server.url,))
    assert holdings(folder) == {f"{NAME}.part": body[:1000]}


def test_more_than_the_file_can_have_is_not_received(file, folder, server, body) -> None:
    server.files = {f"/{NAME}": body * 2}
    with pytest.raises(DataError, match=rf"announces {2 * len(body):,} bytes, more than the {file.bound:,}"):
        download(file, folder, mirrors=(server.url,))
    server.next(says_size=False)
    with pytest.raises(DataError, match=rf"it sends more than the {file.bound:,} .*; what came was dropped"):
        download(file, folder, mirrors=(server.url,))
    assert holdings(folder) == {}


def test_a_bomb_is_dropped_and_takes_no_memory(file, folder, server) -> None:
    server.files = {f"/{NAME}": gzip.compress(bytes(40_000_000))}
    tracemalloc.start()
    with pytest.raises(DataError, match=rf"unpacks to more than the {file.size:,} bytes .*dropped"):
        download(file, folder, mirrors=(server.url,))
    assert tracemalloc.get_traced_memory()[1] < 3_000_000
    tracemalloc.stop()
    assert holdings(folder) == {}


def test_a_truncated_gzip_is_dropped_and_told(file, folder, server, body) -> None:
    server.files = {f"/{NAME}": body[:-4]}
    with pytest.raises(DataError, match=r"its gzip is truncated after [\d,]+ bytes; what came was dropped"):
        download(file, folder, mirrors=(server.url,))
    assert holdings(folder) == {}


def test_of_two_that_download_at_once_one_waits_and_the_server_is_asked_once(
    file, folder, server, body
) -> None:
    server.next(cut=None, hold=True)
    seen = []
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(download, file, folder, mirrors=(server.url,))
        while not server.asked:
            pass
        second = pool.submit(
            download, file, folder, mirrors=(server.url,), on_progress=lambda *step: seen.append(step)
        )
        assert first.result() == second.result() == folder / NAME
    assert holdings(folder) == {NAME: body}
    assert len(server.asked) == 1
    assert {name for name, _, _ in seen} <= {f"{NAME} (another process)"}
