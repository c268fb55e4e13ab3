"""A server on this machine that answers as the worst of servers do, and the small data set that it serves.

The server is a process of its own, so that its memory is not counted to the one that downloads.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from levinthal.data.sources import SOURCES, SPLITS, Checksum, SourceFile, SplitFiles

FOLDER = Path("sets", "mnist")
"""Where the attacks download to."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: the file's right bytes, the byte it is asked from, how many requests came before it."""

    path: str
    body: bytes
    start: int
    before: int


Answering = Callable[[socket.socket, Asked], object]
"""What is sent to one request; the connection is closed afterwards."""


def contents(images: int = 300, side: int = 28) -> dict[str, bytes]:
    """The four IDX files of a small data set, by name; the pixels cannot be compressed."""
    found = {}
    for split, rows in (("train", images), ("test", 100)):
        pixels = np.random.default_rng(rows).integers(0, 256, (rows, side, side), dtype=np.uint8)
        labels = np.arange(rows, dtype=np.uint8) % 10
        for kind, array in (("images", pixels), ("labels", labels)):
            file: SourceFile = getattr(SOURCES["mnist"].splits[split], kind)  # type: ignore[index]
            lengths = b"".join(struct.pack(">I", length) for length in array.shape)
            found[file.name] = bytes([0, 0, 8, array.ndim]) + lengths + array.tobytes()
    return found


def zipped(files: dict[str, bytes]) -> dict[str, bytes]:
    """What a good server has: path -> gzip."""
    return {f"/{name}.gz": gzip.compress(body, 1, mtime=0) for name, body in files.items()}


def publish(files: dict[str, bytes]) -> None:
    """Let `mnist` be this data set, with its true sizes and checksums."""

    def published(file: SourceFile) -> SourceFile:
        digest = hashlib.md5(files[file.name]).hexdigest()
        return replace(file, size=len(files[file.name]), checksum=Checksum("md5", "content", digest))

    source = SOURCES["mnist"]
    splits = {
        split: SplitFiles(published(source.splits[split].images), published(source.splits[split].labels))
        for split in SPLITS
    }
    SOURCES["mnist"] = replace(source, splits=splits)


def served(answering: Answering, bodies: dict[str, bytes], tls: Path | None = None) -> str:
    """Begin to serve in a process of its own, which ends with the group of the attack; its address."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    port = listening.getsockname()[1]
    sys.stdout.flush()
    if os.fork() == 0:
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what its threads complain of is no answer of ours
        _serve(listening, answering, bodies, tls)
    listening.close()
    return f"{'https' if tls else 'http'}://127.0.0.1:{port}"


def _serve(
    listening: socket.socket, answering: Answering, bodies: dict[str, bytes], tls: Path | None
) -> None:
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
    asked = 0
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=_answer, args=(connection, answering, bodies, asked, context)).start()
        asked += 1


def _answer(
    connection: socket.socket,
    answering: Answering,
    bodies: dict[str, bytes],
    before: int,
    context: ssl.SSLContext | None,
) -> None:
    with context.wrap_socket(connection, server_side=True) if context else connection as speaking:
        request = b""
        while b"\r\n\r\n" not in request and (piece := speaking.recv(4096)):
            request += piece
        if not request:
            return
        path = request.split()[1].decode()
        headers = dict(line.lower().split(": ", 1) for line in request.decode().split("\r\n")[1:] if line)
        start = int(headers.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        answering(speaking, Asked(path, bodies.get(path, b""), start, before))


def head(status: str, **headers: object) -> bytes:
    """The head of an answer; an underscore in a name is a hyphen."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1")


def good(to: socket.socket, asked: Asked) -> None:
    """What a good server sends."""
    size = len(asked.body)
    if not asked.body:
        to.sendall(head("404 Not Found", Content_Length=0))
    elif asked.start >= size:
        to.sendall(head("416 Range Not Satisfiable", Content_Length=0, Content_Range=f"bytes */{size}"))
    elif asked.start:
        span = f"bytes {asked.start}-{size - 1}/{size}"
        to.sendall(head("206 Partial Content", Content_Length=size - asked.start, Content_Range=span))
        to.sendall(asked.body[asked.start :])
    else:
        to.sendall(head("200 OK", Content_Length=size, ETag='"v1"') + asked.body)


def certificate(folder: Path) -> Path:
    """A key with its certificate for 127.0.0.1, good for two days, which this process trusts from now on."""
    path = folder / "server.pem"
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    words += f" -addext subjectAltName=IP:127.0.0.1 -keyout {path} -out {path}.crt"
    subprocess.run(words.split(), check=True, capture_output=True)
    crt = path.with_name("server.pem.crt").read_text()
    path.write_text(path.read_text() + crt)
    os.environ["SSL_CERT_FILE"] = f"{path}.crt"
    return path
