"""A small data set with known content, a loopback server that misbehaves on order, and the real MNIST."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from levinthal.data.sources import MNIST, SOURCES, SPLITS, Checksum, Source, SourceFile, SplitFiles

REPOSITORY = Path(__file__).parent.parent.parent
REAL = Path(os.environ.get("LEVINTHAL_DATA") or REPOSITORY.parent / "shared" / "data")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder that holds the real `mnist/`: LEVINTHAL_DATA, or `shared/data` beside the checkout."""
    if not (REAL / "mnist").is_dir():
        pytest.skip("needs the real MNIST: set LEVINTHAL_DATA to the folder that holds mnist/")
    return REAL


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees this user's own data or proxy; the cache is an empty folder, given back."""
    monkeypatch.delenv("LEVINTHAL_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("sys.platform", "linux")
    return tmp_path / "cache" / "levinthal"


def idx_bytes(array: np.ndarray) -> bytes:
    """The IDX file of an array of unsigned bytes, written by the book."""
    lengths = b"".join(struct.pack(">I", length) for length in array.shape)
    return bytes([0, 0, 0x08, array.ndim]) + lengths + array.tobytes()


@pytest.fixture(scope="session")
def write_idx() -> Callable[[np.ndarray], bytes]:
    return idx_bytes


@dataclass
class SmallSet:
    """A made-up set of the family: its source (true sizes and checksums), arrays and file contents."""

    source: Source
    arrays: dict[str, np.ndarray]
    contents: dict[str, bytes]

    def write(self, folder: Path, *, gzipped: bool = True, **instead: bytes) -> Path:
        """Write the four files into `folder`; `instead` (train_images=...) replaces contents."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in {**self.contents, **instead}.items():
            file = self.file(name)
            path = folder / (f"{file.name}.gz" if gzipped else file.name)
            path.write_bytes(gzip.compress(content) if gzipped else content)
        return folder

    def file(self, name: str) -> SourceFile:
        split, kind = name.split("_")
        return getattr(self.source.splits[split], kind)

    @property
    def served(self) -> dict[str, bytes]:
        """What a mirror serves: path -> gzip."""
        return {
            f"/{self.file(name).name}.gz": gzip.compress(body, mtime=0)
            for name, body in self.contents.items()
        }


def make_small_set(name: str, seed: int, *, of: str = "content") -> SmallSet:
    rng = np.random.default_rng(seed)
    arrays = {}
    for split, size in (("train", 300), ("test", 100)):
        arrays[f"{split}_images"] = rng.integers(0, 256, (size, 28, 28), dtype=np.uint8)
        arrays[f"{split}_labels"] = np.arange(size, dtype=np.uint8) % 10
    contents = {key: idx_bytes(array) for key, array in arrays.items()}

    def described(split: str, kind: str) -> SourceFile:
        content = contents[f"{split}_{kind}"]
        data = content if of == "content" else gzip.compress(content, mtime=0)
        checksum = Checksum("md5", of, hashlib.md5(data).hexdigest())
        return replace(getattr(MNIST.splits[split], kind), size=len(content), checksum=checksum)

    splits = {split: SplitFiles(described(split, "images"), described(split, "labels")) for split in SPLITS}
    return SmallSet(replace(SOURCES[name], splits=splits, mirrors=()), arrays, contents)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> SmallSet:
    """A small set that goes by the name of mnist."""
    made = make_small_set("mnist", 0)
    monkeypatch.setitem(SOURCES, "mnist", made.source)
    return made


@pytest.fixture
def small_kmnist(monkeypatch: pytest.MonkeyPatch) -> SmallSet:
    """A small set that goes by the name of kmnist: checksums of the gzip files only."""
    made = make_small_set("kmnist", 1, of="gzip")
    monkeypatch.setitem(SOURCES, "kmnist", made.source)
    return made


@dataclass
class Answer:
    """How the server answers one request: by default as a good server does."""

    status: int = 200
    ranges: bool = True
    cut: int | None = None
    hold: bool = False
    etag: str = '"v1"'
    says_size: bool = True
    shift: int = 0


@dataclass
class Loopback:
    """A server on 127.0.0.1: what it serves, how it answers next, and what it was asked."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    def next(self, **how: object) -> None:
        """The next request not yet provided for is answered like this."""
        self.answers.append(Answer(**how))


@pytest.fixture
def server() -> Iterator[Loopback]:
    loopback = Loopback()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            respond(self, loopback)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http_server:
        loopback.url = f"http://127.0.0.1:{http_server.server_port}"
        thread = threading.Thread(target=http_server.serve_forever, args=(0.01,))
        thread.start()
        yield loopback
        loopback.release.set()
        http_server.shutdown()
        thread.join()


def respond(request: BaseHTTPRequestHandler, loopback: Loopback) -> None:
    asked_range, if_range = request.headers["Range"], request.headers["If-Range"]
    loopback.asked.append((request.path, asked_range, if_range))
    answer = loopback.answers.pop(0) if loopback.answers else Answer()
    body = loopback.files.get(request.path)
    if body is None or answer.status != 200:
        request.send_error(answer.status if body is not None else 404)
        return
    start = 0
    if asked_range and answer.ranges and if_range in (None, answer.etag):
        start = int(re.fullmatch(r"bytes=(\d+)-", asked_range)[1]) - answer.shift
    if start >= len(body):
        request.send_error(416)
        return
    send(request, answer, body, start)
    if answer.hold:
        loopback.release.wait(30)


def send(request: BaseHTTPRequestHandler, answer: Answer, body: bytes, start: int) -> None:
    request.send_response(206 if start else 200)
    if start:
        request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
    if answer.says_size:
        request.send_header("Content-Length", str(len(body) - start))
    request.send_header("ETag", answer.etag)
    request.end_headers()
    request.wfile.write(body[start : answer.cut])
    request.wfile.flush()


@pytest.fixture
def file(small: SmallSet) -> SourceFile:
    return small.file("train_images")


@pytest.fixture
def body(small: SmallSet, server: Loopback) -> bytes:
    """What the server serves as the train images: some 235 kB of gzip."""
    server.files = small.served
    return small.served["/train-images-idx3-ubyte.gz"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "set").mkdir()
    return tmp_path / "set"
