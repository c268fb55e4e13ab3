from __future__ import annotations

import errno
import gzip
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from levinthal.data.download import download
from levinthal.data.sources import MNIST, Checksum
from levinthal.errors import DataError

NAME = "train-images-idx3-ubyte.gz"


def holdings(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def ranges(server) -> list[str | None]:
    return [asked_range for _, asked_range, _ in server.asked]


def closed_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_a_file_arrives_whole_and_alone(file, folder, server, body) -> None:
    assert download(file, folder / "new", mirrors=(server.url,)) == folder / "new" / NAME
    assert holdings(folder / "new") == {NAME: body}


def test_progress_grows_to_the_total(file, folder, server, body) -> None:
    seen = []
    download(file, folder, mirrors=(server.url,), on_progress=lambda *progress: seen.append(progress))
    done = [step[1] for step in seen]
    assert done == sorted(set(done))
    assert len(done) > 2
    assert seen[-1] == (NAME, len(body), len(body))


def test_without_a_size_the_total_is_unknown(file, folder, server, body) -> None:
    server.next(says_size=False)
    seen = []
    download(file, folder, mirrors=(server.url,), on_progress=lambda *progress: seen.append(progress))
    assert holdings(folder) == {NAME: body}
    assert {total for _, _, total in seen} == {None}


@pytest.mark.parametrize("size", [1, 70_000, 200_000])
def test_an_interrupted_download_goes_on_where_it_stopped(file, folder, server, body, size) -> None:
    (folder / f"{NAME}.part").write_bytes(body[:size])
    seen = []
    download(file, folder, mirrors=(server.url,), on_progress=lambda *progress: seen.append(progress))
    assert holdings(folder) == {NAME: body}
    assert ranges(server) == [f"bytes={size}-"]
    assert seen[0][1] > size
    assert seen[-1][1:] == (len(body), len(body))


def test_a_connection_that_breaks_is_taken_up_again(file, folder, server, body) -> None:
    server.next(cut=100_000)
    server.next(cut=150_000)
    download(file, folder, mirrors=(server.url,))
    assert holdings(folder) == {NAME: body}
    assert server.asked == [
        (f"/{NAME}", None, None),
        (f"/{NAME}", "bytes=100000-", '"v1"'),
        (f"/{NAME}", "bytes=150000-", '"v1"'),
    ]


def test_a_connection_that_always_breaks_keeps_what_came(file, folder, server, body) -> None:
    for cut in (50_000, 60_000, 70_000):
        server.next(cut=cut)
    with pytest.raises(DataError, match=rf"interrupted at 70,000 of {len(body):,} bytes"):
        download(file, folder, mirrors=(server.url,))
    assert holdings(folder) == {f"{NAME}.part": body[:70_000]}


def test_a_mirror_that_sends_nothing_more_is_left_at_once(file, folder, server, body) -> None:
    server.next(cut=50_000)
    server.next(cut=50_000)
    with pytest.raises(DataError, match="interrupted at 50,000"):
        download(file, folder, mirrors=(server.url,))
    assert len(server.asked) == 2


def test_a_file_that_changed_meanwhile_is_begun_again(file, folder, server, body) -> None:
    server.next(cut=100_000)
    server.next(etag='"v2"')
    download(file, folder, mirrors=(server.url,))
    assert holdings(folder) == {NAME: body}
    assert ranges(server) == [None, "bytes=100000-"]


def test_a_weak_validator_is_not_sent(file, folder, server, body) -> None:
    server.next(cut=100_000, etag='W/"v1"')
    download(file, folder, mirrors=(server.url,))
    assert server.asked[1] == (f"/{NAME}", "bytes=100000-", None)


def test_a_server_that_ignores_ranges_restarts_cleanly(file, folder, server, body) -> None:
    (folder / f"{NAME}.part").write_bytes(b"?" * 300_000)
    server.next(ranges=False)
    download(file, folder, mirrors=(server.url,))
    assert holdings(folder) == {NAME: body}


def test_a_part_of_something_else_is_thrown_away(file, folder, server, body) -> None:
    (folder / f"{NAME}.part").write_bytes(b"?" * 1000)
    download(file, folder, mirrors=(server.url,))
    assert holdings(folder) == {NAME: body}
    assert ranges(server) == ["bytes=1000-", None]


def test_a_part_longer_than_the_file_is_thrown_away(file, folder, server, body) -> None:
    (folder / f"{NAME}.part").write_bytes(body + b"?")
    download(file, folder, mirrors=(server.url,))
    assert holdings(folder) == {NAME: body}
    assert ranges(server) == [f"bytes={len(body) + 1}-", None]


def test_a_part_that_is_whole_is_not_asked_for(file, folder, server, body) -> None:
    (folder / f"{NAME}.part").write_bytes(body)
    download(file, folder, mirrors=(server.url,))
    assert holdings(folder) == {NAME: body}
    assert server.asked == []


def test_a_range_other_than_asked_is_not_taken(file, folder, server, body) -> None:
    (folder / f"{NAME}.part").write_bytes(body[:1000])
    server.next(shift=10)
    download(file, folder, mirrors=(server.url,))
    assert holdings(folder) == {NAME: body}
    assert ranges(server) == ["bytes=1000-", None]


def test_a_corrupted_file_is_refused_with_both_checksums(file, folder, server, body, small) -> None:
    server.files = {f"/{NAME}": gzip.compress(small.contents["train_images"][:-1] + b"?")}
    with pytest.raises(DataError, match=rf"its md5 is \w{{32}}, published is {file.checksum.digest}"):
        download(file, folder, mirrors=(server.url,))
    assert holdings(folder) == {}


def test_a_broken_gzip_is_refused(file, folder, server, body) -> None:
    server.files = {f"/{NAME}": body[:-8] + bytes(8)}
    with pytest.raises(DataError, match=r"its gzip is corrupted \(.*incorrect data check"):
        download(file, folder, mirrors=(server.url,))
    assert holdings(folder) == {}


def test_content_unpacked_on_the_way_is_right_too(file, folder, server, small) -> None:
    server.files = {f"/{NAME}": small.contents["train_images"]}
    download(file, folder, mirrors=(server.url,))
    assert holdings(folder) == {NAME: small.contents["train_images"]}


def test_a_checksum_may_be_of_the_gzip_file(file, folder, server, body) -> None:
    named = replace(file, checksum=Checksum("sha256", "gzip", Checksum("sha256", "gzip", "").compute(body)))
    download(named, folder, mirrors=(server.url,))
    assert holdings(folder) == {NAME: body}
    server.files = {f"/{NAME}": gzip.compress(gzip.decompress(body), compresslevel=1)}
    with pytest.raises(DataError, match="its sha256 is"):
        download(named, folder / "other", mirrors=(server.url,))


def test_the_next_mirror_is_asked_when_one_fails(file, folder, server, body) -> None:
    server.next(status=500)
    download(file, folder, mirrors=(closed_port(), server.url, f"{server.url}/"))
    assert holdings(folder) == {NAME: body}
    assert len(server.asked) == 2


def test_refusals_are_one_line_with_every_mirror_and_why(file, folder, server, body) -> None:
    refused = closed_port()
    server.next(status=500)
    with pytest.raises(DataError) as caught:
        download(file, folder, mirrors=(refused, server.url, f"{server.url}/gone"))
    assert str(caught.value) == (
        f"cannot get {NAME} ({refused}: Connection refused; {server.url}: HTTP 500 Internal Server Error; "
        f"{server.url}/gone: HTTP 404 Not Found): try again later, or name another server with --base-url"
    )
    assert holdings(folder) == {}


def test_a_silent_server_is_given_up(file, folder, server, body, monkeypatch) -> None:
    monkeypatch.setattr("levinthal.data.mirrors.TIMEOUT", 0.2)
    for _ in range(2):
        server.next(cut=70_000, hold=True)
    with pytest.raises(DataError, match=rf"interrupted at 70,000 of {len(body):,} bytes \(no answer"):
        download(file, folder, mirrors=(server.url,))
    assert holdings(folder) == {f"{NAME}.part": body[:70_000]}


def test_what_is_there_and_right_is_kept(file, folder, small) -> None:
    small.write(folder, gzipped=False)
    assert download(file, folder, mirrors=()) == folder / file.name


def test_what_is_there_and_wrong_is_the_users(file, folder, server, body) -> None:
    (folder / NAME).write_bytes(b"mine")
    with pytest.raises(DataError, match=rf"exists, but its md5 is \w+, published is {file.checksum.digest}"):
        download(file, folder, mirrors=(server.url,))
    assert holdings(folder) == {NAME: b"mine"}
    assert server.asked == []


def test_a_folder_that_cannot_be_made_is_one_line(file, folder) -> None:
    (folder / "taken").touch()
    with pytest.raises(DataError, match=r"cannot use .*taken.*: (Not a directory|File exists): make room"):
        download(file, folder / "taken" / "set", mirrors=())


def test_a_full_disk_is_one_line(file, folder, server, body, monkeypatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DataError, match=r"cannot use .*\.part: No space left on device: make room"):
        download(file, folder, mirrors=(server.url,))
    assert not (folder / NAME).exists()


CHILD = """
import sys
from pathlib import Path
from levinthal.data.download import download
from levinthal.data.sources import Checksum, SourceFile

def tell(name, done, total):
    if done >= 150_000:
        print(done, flush=True)

url, folder, name, digest, size = sys.argv[1:]
file = SourceFile(name, int(size), Checksum("md5", "content", digest))
download(file, Path(folder), mirrors=(url,), on_progress=tell)
"""


def test_killed_in_the_middle_only_the_part_is_left_and_the_next_goes_on(file, folder, server, body) -> None:
    server.next(cut=150_000, hold=True)
    arguments = [sys.executable, "-c", CHILD, server.url, str(folder), file.name, file.checksum.digest]
    arguments.append(str(file.size))
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline().strip() == "150000"
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    left = holdings(folder)
    assert set(left) == {f"{NAME}.part"}
    assert body.startswith(left[f"{NAME}.part"])
    download(file, folder, mirrors=(server.url,))
    assert holdings(folder) == {NAME: body}
    assert ranges(server) == [None, f"bytes={len(left[f'{NAME}.part'])}-"]


def test_the_real_mnist_comes_over_loopback(real_data, folder, server) -> None:
    gz = {f"/{file.name}.gz": real_data / "mnist" / f"{file.name}.gz" for file in MNIST.files()}
    if not all(path.exists() for path in gz.values()):
        pytest.skip("needs the gzip files")
    server.files = {name: path.read_bytes() for name, path in gz.items()}
    server.next(cut=4_000_000)
    for file in MNIST.files():
        download(file, folder, mirrors=(server.url,))
    assert sorted(holdings(folder)) == sorted(name[1:] for name in gz)
    assert ranges(server) == [None, "bytes=4000000-", None, None, None]


def test_a_mirror_that_talks_nonsense_is_left_after_three_attempts(file, folder, server, body) -> None:
    for _ in range(4):
        server.next(status=206)
    with pytest.raises(DataError, match="no usable answer in 3 attempts"):
        download(file, folder, mirrors=(server.url,))
    assert len(server.asked) == 3
