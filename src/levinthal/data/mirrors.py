"""What a mirror is asked, and how far it is trusted: https alone, no endless and no creeping answers."""

from __future__ import annotations

import http
import http.client
import io
import ipaddress
import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import IO, Any, cast

from levinthal.errors import InputError
from levinthal.shown import one_line

LONGEST_REASON = 200
"""Letters of the words of a server that are shown."""
TIMEOUT = 15.0
"""Seconds without a byte after which a mirror is given up."""
WINDOW = 15.0
"""Seconds over which the pace is measured."""
PACE = 1000
"""Bytes a second: a mirror that is slower over a window is given up."""
LONGEST = 3600.0
"""Seconds that one answer may last."""
HEADS = 1 << 17
"""Bytes that the heads of an answer may have beside its body."""
REDIRECTS = (301, 302, 303, 307, 308)
HOW = "give the https:// address of the folder that holds the files"

Response = http.client.HTTPResponse


class MirrorError(Exception):
    """This mirror cannot serve the file. The text gives the reason in a few words."""


class BrokenOffError(MirrorError):
    """The connection ended before the file did. The received part is stored, and another request resumes."""


def checked_address(address: str) -> str:
    """The address of a mirror, if files may be taken from there.

    Raises:
        InputError: it is not https (http is for this machine alone), or not the plain address of a folder.

    >>> checked_address("https://example.org/mnist"), checked_address("http://127.0.0.1:8000")
    ('https://example.org/mnist', 'http://127.0.0.1:8000')
    """
    fault = _fault(address)
    if fault:
        hidden = isinstance(address, str) and "@" in address  # a password is not repeated
        shown = "the base URL" if hidden else f"the base URL {ascii(address)[:100]}"
        raise InputError(f"{shown} {fault}: {HOW}")
    return address


def _fault(address: object) -> str:
    if not isinstance(address, str):
        return "is not text"
    if not (address.isascii() and address.isprintable() and " " not in address and "\\" not in address):
        return "has characters that no address has"
    try:
        parts = urllib.parse.urlsplit(address)
        named = parts.hostname and parts.port != 0
    except ValueError as error:
        return f"cannot be read ({one_line(str(error), LONGEST_REASON)})"
    if parts.scheme not in ("http", "https") or not named:
        return "is not an address that begins with https://"
    if parts.username is not None:
        return "holds a user name, which is not sent"
    if parts.query or parts.fragment:
        return "has a query or a fragment"
    if parts.scheme == "http" and not _is_this_machine(parts.hostname or ""):
        return "is not encrypted; http is taken from this machine alone, as http://127.0.0.1:8000"
    return ""


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def ask(url: str, *, start: int, validator: str, most: int) -> Response | None:
    """Request a file from byte `start`.

    Args:
        url: its address.
        start: the first byte that is missing here.
        validator: the ETag or date of the answer that brought the bytes before `start`; empty for none.
        most: bytes that the body may have.

    Returns:
        The answer, its body unread; None if the server cannot resume there.

    Raises:
        MirrorError: there is no answer that can be used.
    """
    request = urllib.request.Request(url, headers={"User-Agent": "levinthal", "Accept-Encoding": "identity"})
    if start:
        request.add_header("Range", f"bytes={start}-")
        # A weak validator must not be used here (RFC 9110, 13.1.5).
        if validator and not validator.startswith("W/"):
            request.add_header("If-Range", validator)
    try:
        opener = urllib.request.build_opener(_Http(2 * most + HEADS), _Https(2 * most + HEADS), _HttpsAlone)
        response = cast(Response, opener.open(request, timeout=TIMEOUT))
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416 and start:
                return None
            raise MirrorError(_status(error)) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise MirrorError(reason(error)) from error
    return _usable(response, start)


def _usable(response: Response, start: int) -> Response | None:
    if response.status in (200, 206) and extent(response)[0] in (0, start):
        return response
    response.close()
    if response.status in (200, 206):
        return None
    raise MirrorError(f"HTTP {response.status}, which is no file")


def _status(error: urllib.error.HTTPError) -> str:
    """The status in the words of the standard: those of the server may be anything."""
    if error.code in REDIRECTS:
        return f"HTTP {error.code}, and not to an https address, or in a circle"
    known = error.code in {status.value for status in http.HTTPStatus}
    words = f"HTTP {error.code}{f' {http.HTTPStatus(error.code).phrase}' if known else ''}"
    wait = error.headers.get("Retry-After", "") if error.headers else ""
    return f"{words}, it asks to wait for {wait} s" if re.fullmatch(r"\d{1,6}", wait) else words


def extent(response: Response) -> tuple[int, int | None]:
    """The byte at which the body begins (-1 if unknown), and the size of the whole file if it is given."""
    if response.status == 206:
        pattern = r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})?"
        span = re.match(pattern, response.headers.get("Content-Range", ""))
        return (int(span[1]), int(span[2]) if span[2] else None) if span else (-1, None)
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if re.fullmatch(r"\d{1,18}", length) else None


def reason(error: Exception) -> str:
    """Why the network failed, in a few words that can be printed."""
    cause = getattr(error, "reason", None) or error
    if isinstance(cause, TimeoutError):
        return f"no answer within {TIMEOUT:.0f} s"
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return one_line(str(text), LONGEST_REASON)


class _HttpsAlone(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to https, and no other."""

    max_redirections = 5

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urllib.parse.urlsplit(newurl).scheme != "https":
            raise MirrorError(
                f"HTTP {code}, and not to an https address but to {one_line(newurl)[:100]}", LONGEST_REASON
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Http(urllib.request.HTTPHandler):
    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def http_open(self, req: urllib.request.Request) -> Response:
        return self.do_open(_metered(http.client.HTTPConnection, self.most), req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def https_open(self, req: urllib.request.Request) -> Response:
        connection = partial(http.client.HTTPSConnection, context=ssl.create_default_context())
        return self.do_open(_metered(connection, self.most), req)


def _metered(connection: Callable[..., http.client.HTTPConnection], most: int) -> Any:
    """The same connections, whose answers are metered."""

    def connect(*arguments: Any, **options: Any) -> http.client.HTTPConnection:
        made = connection(*arguments, **options)
        made.response_class = partial(_Response, most=most)  # type: ignore[assignment]
        return made

    return connect


class _Response(http.client.HTTPResponse):
    """An answer that is metered from its first byte: heads can be endless too."""

    def __init__(self, *arguments: Any, most: int, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fp = io.BufferedReader(_Meter(self.fp.detach(), most))


class _Meter(io.RawIOBase):
    """The bytes of an answer as they come; too many, too slowly or for too long is an OSError."""

    def __init__(self, raw: io.RawIOBase, most: int) -> None:
        self.raw, self.most = raw, most
        self.begun = self.since = time.monotonic()
        self.total = self.came = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        got = cast("int | None", self.raw.readinto(buffer))
        if got:
            self._count(got, time.monotonic())
        return got

    def _count(self, got: int, now: float) -> None:
        self.total += got
        self.came += got
        if self.total > self.most:
            raise OSError(f"it sends more than {self.most:,} bytes")
        if now - self.begun > LONGEST:
            raise OSError(f"it is not done after {LONGEST:.0f} s")
        if now - self.since < WINDOW:
            return
        if self.came < PACE * (now - self.since):
            raise OSError(f"too slow: {self.came:,} bytes in {now - self.since:.0f} s")
        self.since, self.came = now, 0

    def close(self) -> None:
        self.raw.close()
        super().close()
