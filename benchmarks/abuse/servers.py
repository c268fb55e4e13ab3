"""The answers of bad servers: what each sends."""

from __future__ import annotations

import gzip
import socket
import struct
import time
import zlib
from collections.abc import Callable

from benchmarks.abuse.loopback import Answering, Asked, contents, good, head

HTML = b"<!doctype html><html><body>Log in to the network of the hotel</body></html>"
OLD = contents(301)
"""Another version of the data set."""


def whole(body: bytes | Callable[[bytes], bytes], **headers: object) -> Answering:
    """Another body, with its right length."""

    def answering(to: socket.socket, asked: Asked) -> None:
        sent = body if isinstance(body, bytes) else body(asked.body)
        to.sendall(head("200 OK", **{"Content_Length": len(sent), **headers}) + sent)

    return answering


def status(line: str, **headers: object) -> Answering:
    """No file: a status."""
    return lambda to, _asked: to.sendall(head(line, **{"Content_Length": 0, **headers}))


def raw(sent: bytes | Callable[[bytes], bytes]) -> Answering:
    """These bytes, head and all."""
    return lambda to, asked: to.sendall(sent if isinstance(sent, bytes) else sent(asked.body))


def endless(first: bytes, again: bytes, seconds: float = 0.0) -> Answering:
    """Some bytes, and then others for ever."""

    def answering(to: socket.socket, asked: Asked) -> None:
        del asked
        to.sendall(first)
        while True:
            to.sendall(again)
            time.sleep(seconds)

    return answering


def trickled(chosen: Callable[[Asked], bytes], seconds: float = 0.3) -> Answering:
    """One byte after the other, slowly."""

    def answering(to: socket.socket, asked: Asked) -> None:
        for byte in chosen(asked):
            to.sendall(bytes([byte]))
            time.sleep(seconds)

    return answering


def stalled(sent: int, *, says_size: bool = True) -> Answering:
    """Some bytes of the body, and then nothing for ever."""

    def answering(to: socket.socket, asked: Asked) -> None:
        size = {"Content_Length": len(asked.body)} if says_size else {}
        to.sendall(head("200 OK", **size) + asked.body[:sent])
        time.sleep(600)

    return answering


def cut(size: int, *, reset: bool = False, once: bool = False) -> Answering:
    """The connection ends after some bytes of the body."""

    def answering(to: socket.socket, asked: Asked) -> None:
        if once and asked.before:
            good(to, asked)
            return
        to.sendall(head("200 OK", Content_Length=len(asked.body)) + asked.body[:size])
        if reset:
            to.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return answering


def first(*answers: Answering) -> Answering:
    """These one after the other, then as a good server."""

    def answering(to: socket.socket, asked: Asked) -> None:
        (answers[asked.before] if asked.before < len(answers) else good)(to, asked)

    return answering


def ranged(span: str, body: Callable[[Asked], bytes] = lambda asked: asked.body) -> Answering:
    """The beginning, cut off; from then on an answer with this Content-Range."""

    def answering(to: socket.socket, asked: Asked) -> None:
        if not asked.start:
            cut(len(asked.body) // 2)(to, asked)
            return
        sent = body(asked)
        where = span.format(start=asked.start, end=len(asked.body) - 1, size=len(asked.body))
        to.sendall(head("206 Partial Content", Content_Length=len(sent), Content_Range=where) + sent)

    return answering


def rest(asked: Asked) -> bytes:
    """The bytes that were asked for."""
    return asked.body[asked.start :]


def redirect(to_address: str, code: int = 302) -> Answering:
    """Elsewhere."""
    return lambda to, _asked: to.sendall(head(f"{code} Found", Content_Length=0, Location=to_address))


def circle(to: socket.socket, asked: Asked) -> None:
    """To itself."""
    address = f"https://127.0.0.1:{to.getsockname()[1]}{asked.path}"
    to.sendall(head("302 Found", Content_Length=0, Location=address))


def onwards(to: socket.socket, asked: Asked) -> None:
    """To the same server by another query, which then serves."""
    if "?" not in asked.path and asked.before % 2 == 0:
        circle(to, asked)
    else:
        good(to, asked)


nowhere = status("302 Found")


def chunked(body: bytes) -> bytes:
    """An answer in chunks."""
    return head("200 OK", Transfer_Encoding="chunked") + body


def bomb(size: int) -> bytes:
    """Gzip of so many zeros: a thousand times smaller."""
    packer = zlib.compressobj(9, wbits=31)
    block = bytes(1 << 20)
    return b"".join([*(packer.compress(block) for _ in range(size >> 20)), packer.flush()])


def other_version(to: socket.socket, asked: Asked) -> None:
    """The beginning of another version of the file, cut off; its rest afterwards."""
    name = asked.path.removeprefix("/").removesuffix(".gz")
    body = gzip.compress(OLD[name], 1, mtime=0)
    if asked.start:
        good(to, asked)
    else:
        to.sendall(head("200 OK", Content_Length=len(body)) + body[: len(body) // 2])


BIG = head("200 OK", Content_Length=10**12)
NONE = head("200 OK")


def silent(to: socket.socket, asked: Asked) -> None:
    """Nothing, for ever."""
    del to, asked
    time.sleep(600)


def closed(to: socket.socket, asked: Asked) -> None:
    """Nothing: the connection is closed."""
    del to, asked
