"""Each bad answer of a server, and what has to be said of it; and the odd ones that are good enough."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

from benchmarks.abuse.loopback import Answering, good, head
from benchmarks.abuse.servers import (
    BIG,
    HTML,
    NONE,
    bomb,
    chunked,
    closed,
    cut,
    endless,
    first,
    other_version,
    ranged,
    raw,
    rest,
    silent,
    stalled,
    status,
    trickled,
    whole,
)


@dataclass(frozen=True, slots=True)
class Case:
    """One way to answer badly."""

    kind: str
    name: str
    answering: Answering
    says: tuple[str, ...] = ()
    scaled: bool = False


REFUSED: tuple[Case, ...] = (
    Case("content", "another file", whole(gzip.compress(b"another")), ("md5", "published", "dropped")),
    Case(
        "content",
        "one byte is another",
        whole(lambda b: gzip.compress(gzip.decompress(b)[:-1] + b"?")),
        ("md5", "dropped"),
    ),
    Case("content", "nothing", whole(b""), ("0 bytes",)),
    Case("content", "nothing, no length", raw(NONE), ("0 bytes",)),
    Case("content", "an HTML page", whole(HTML, Content_Type="text/html"), ("html",)),
    Case(
        "content",
        "an HTML page that says it is a file",
        whole(HTML, Content_Type="application/gzip"),
        ("gzip",),
    ),
    Case("content", "JSON", whole(b'{"error": "no"}', Content_Type="application/json"), ("gzip",)),
    Case("content", "zeros", whole(bytes(100_000)), ("gzip",)),
    Case("content", "random bytes", whole(lambda b: b[::-1]), ("gzip",)),
    Case("content", "a zip", whole(b"PK\x03\x04" + bytes(1000)), ("gzip",)),
    Case("length", "endless body, no length", endless(NONE, b"\x1f\x8b" + bytes(1 << 16)), ("more than",)),
    Case(
        "length",
        "endless body, huge length",
        endless(BIG, bytes(1 << 16)),
        ("1,000,000,000,000", "more than"),
    ),
    Case(
        "length",
        "endless chunks",
        endless(chunked(b""), b"10000\r\n" + b"\x1f\x8b" * (1 << 15) + b"\r\n"),
        ("more than",),
    ),
    Case("length", "5,000 digits", raw(lambda b: head("200 OK", Content_Length="9" * 5000) + b[:9])),
    Case("length", "too small", raw(lambda b: head("200 OK", Content_Length=len(b) // 2) + b), ("dropped",)),
    Case(
        "length", "too large", raw(lambda b: head("200 OK", Content_Length=len(b) + 9) + b), ("interrupted",)
    ),
    Case("length", "twice the size", whole(lambda b: b + b), ("more than",)),
    Case("length", "negative", raw(lambda b: head("200 OK", Content_Length=-5) + b[:100]), ("dropped",)),
    Case(
        "length", "endless 100 Continue", endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), ("more than",)
    ),
    Case("length", "endless trailers", endless(chunked(b"0\r\n"), b"A: b\r\n" * 1000)),
    Case("length", "an endless extension of a chunk", endless(chunked(b"5;"), b"a" * 1000)),
    Case(
        "pace",
        "head: a byte, slowly",
        trickled(lambda _: head("200 OK", X_Pad="a" * 1000)),
        ("slow",),
        True,
    ),
    Case(
        "pace",
        "body: a byte, slowly",
        trickled(lambda asked: head("200 OK", Content_Length=len(asked.body))[-40:]),
        (),
        True,
    ),
    Case("pace", "silence after the request", silent, ("no answer",), True),
    Case("pace", "silence after the request, true limits", silent, ("no answer",)),
    Case("pace", "silence in the head", endless(b"HTTP/1.1 200 OK\r\nA: b", b"", 600), ("no answer",), True),
    Case("pace", "silence in the body", stalled(70_000), ("no answer",), True),
    Case("pace", "silence in the body, no length", stalled(70_000, says_size=False), ("no answer",), True),
    Case("pace", "chunks of one byte, slowly", endless(chunked(b""), b"1\r\n\x1f\r\n", 0.2), (), True),
    Case("chunks", "no number", raw(chunked(b"zz\r\nabc\r\n"))),
    Case("chunks", "a negative number", raw(chunked(b"-5\r\nabc\r\n0\r\n\r\n"))),
    Case("chunks", "a huge number", raw(chunked(b"f" * 40 + b"\r\nabc\r\n"))),
    Case("chunks", "garbage", raw(chunked(b"\x00\xff\r\n\r\n\x1b[31m" * 9))),
    Case("chunks", "cut off", raw(lambda b: chunked(b"10000\r\n" + b[:1000]))),
    Case("gzip", "bomb of 1,000 : 1 (300 MB)", whole(lambda b: bomb(300 << 20)[: len(b)]), ("more than",)),
    Case("gzip", "bomb, whole (100 MB)", whole(bomb(100 << 20)), ("more than",)),
    Case("gzip", "truncated", whole(lambda b: b[:-1000]), ("dropped",)),
    Case("gzip", "truncated in its trailer", whole(lambda b: b[:-4]), ("truncated", "dropped")),
    Case("gzip", "wrong checksum at its end", whole(lambda b: b[:-8] + bytes(8)), ("gzip", "dropped")),
    Case("gzip", "trailing bytes", whole(lambda b: b + b"trailing"), ("after its end", "dropped")),
    Case("gzip", "within gzip", whole(lambda b: gzip.compress(b)), ("dropped",)),
    Case(
        "gzip",
        "within gzip, labelled",
        whole(lambda b: gzip.compress(b), Content_Encoding="gzip"),
        ("dropped",),
    ),
    Case("gzip", "method unknown", whole(lambda b: b[:2] + b"\x63" + b[3:]), ("gzip", "dropped")),
    Case("gzip", "100,000 empty members", whole(gzip.compress(b"", mtime=0) * 100_000)),
    Case("status", "500", status("500 Internal Server Error"), ("500",)),
    Case("status", "503 with Retry-After", status("503 Busy", Retry_After=120), ("503", "120")),
    Case("status", "503 with a wrong Retry-After", status("503 Busy", Retry_After="9" * 99), ("503",)),
    Case("status", "429", status("429 Too Many Requests", Retry_After=5), ("429",)),
    Case("status", "404", status("404 Not Found"), ("404",)),
    Case("status", "401", status("401 Unauthorized", WWW_Authenticate="Basic realm=x"), ("401",)),
    Case("status", "407", status("407 Proxy", Proxy_Authenticate="Basic realm=x"), ("407",)),
    Case("status", "416 at the first byte", status("416 Range Not Satisfiable"), ("416",)),
    Case("status", "204", status("204 No Content"), ("204",)),
    Case("status", "206 that was not asked for", status("206 Partial Content"), ()),
    Case("status", "304", status("304 Not Modified"), ("304",)),
    Case("status", "999", status("999 Odd"), ("999",)),
    Case("status", "a reason with escapes", status("500 \x1b[31mred\x07\x9b1m"), ("500",)),
    Case("status", "a reason of 60,000 characters", status("500 " + "a" * 60_000), ("500",)),
    Case("status", "no HTTP", raw(b"SSH-2.0-OpenSSH_9\r\n\r\n")),
    Case("status", "escapes, no HTTP", raw(b"\x1b[31mhello\x07\r\n\r\n")),
    Case("status", "HTTP/9.9", raw(b"HTTP/9.9 200 OK\r\n\r\n")),
    Case("status", "TLS", raw(b"\x15\x03\x01\x00\x02\x02\x28")),
    Case("headers", "one of 100,000 characters", status("200 OK", X_Long="a" * 100_000)),
    Case("headers", "10,000", raw(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 10_000 + b"\r\n")),
    Case("headers", "endless", endless(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 100)),
    Case("headers", "without a colon", raw(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\nabc")),
    Case(
        "headers",
        "an ETag of two lines",
        raw(lambda b: b'HTTP/1.1 200 OK\r\nETag: "a\r\n b"\r\nContent-Length: 235999\r\n\r\n' + b[:99]),
    ),
    Case("connection", "closes at once", closed),
    Case("connection", "reset in the middle, always", cut(0, reset=True)),
    Case("ranges", "the wrong one", ranged("bytes 5-{end}/{size}", rest), ()),
    Case("ranges", "beyond the end", ranged("bytes {start}-99999999999/99999999999", rest), ("more than",)),
    Case("ranges", "of 5,000 digits", ranged("bytes {start}-" + "9" * 5000 + "/" + "9" * 5000, rest)),
    Case("ranges", "no numbers", ranged("bytes a-b/c", rest)),
    Case(
        "ranges",
        "of other bytes",
        ranged("bytes {start}-{end}/{size}", lambda a: bytes(len(rest(a)))),
        ("dropped",),
    ),
    Case("ranges", "backwards", ranged("bytes {end}-{start}/{size}", rest)),
)
MENDED: tuple[Case, ...] = (
    Case("good", "as it should be", good),
    Case("good", "no length", raw(lambda b: NONE + b)),
    Case("good", "chunks", raw(lambda b: chunked(f"{len(b):x}\r\n".encode() + b + b"\r\n0\r\n\r\n"))),
    Case(
        "good",
        "two members of gzip",
        whole(lambda b: gzip.compress(gzip.decompress(b)[:99]) + gzip.compress(gzip.decompress(b)[99:])),
    ),
    Case("good", "zeros after the gzip", whole(lambda b: b + bytes(512))),
    Case("good", "not compressed", whole(gzip.decompress)),
    Case("good", "stored, not packed", whole(lambda b: gzip.compress(gzip.decompress(b), 0))),
    Case("connection", "reset in the middle, once", cut(50_000, reset=True, once=True)),
    Case("connection", "cut off, once", cut(50_000, once=True)),
    Case(
        "versions",
        "a weak ETag",
        first(raw(lambda b: head("200 OK", ETag='W/"1"', Content_Length=len(b)) + b[:9999])),
    ),
    Case(
        "versions",
        "an ETag that changes",
        first(raw(lambda b: head("200 OK", ETag='"0"', Content_Length=len(b)) + b[:9999])),
    ),
    Case(
        "versions",
        "an ETag of escapes",
        first(raw(lambda b: head("200 OK", ETag='"\x1b[31m"', Content_Length=len(b)) + b[:9999])),
    ),
    Case("versions", "a beginning of another version", first(other_version)),
    Case("versions", "416 to the rest", first(cut(50_000), status("416 Range Not Satisfiable"))),
    Case(
        "ranges",
        "longer than it says",
        ranged("bytes {start}-{end}/{size}", lambda a: rest(a) + bytes(99_999)),
    ),
)
