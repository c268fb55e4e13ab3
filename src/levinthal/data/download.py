"""Download one published file: from several mirrors, resumable, checked, renamed only when it is right.

A download lives in `NAME.gz.part` until its checksum agrees. If it is interrupted (even killed), that file
stays and the next call resumes it.
"""

from __future__ import annotations

import http.client
import os
import re
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from levinthal.data.idx import decompress
from levinthal.data.sources import SourceFile
from levinthal.errors import DataError, InputError

Progress = Callable[[str, int, int | None], None]

CHUNK = 1 << 16
TIMEOUT = 30.0
ATTEMPTS = 3


class _MirrorError(Exception):
    """This mirror cannot serve the file. The text gives the reason in a few words."""


class _BrokenOffError(_MirrorError):
    """The connection ended before the file did. The received part is stored, and another request resumes."""


def download(
    file: SourceFile, folder: Path, *, mirrors: tuple[str, ...], on_progress: Progress | None = None
) -> Path:
    """Put `file` into `folder` unless it is there already, and return its path.

    Raises:
        DataError: no mirror serves the published content, the disk refuses, or a file of that name has
            another content. Such a file may be the user's own and is not touched.
    """
    target = folder / f"{file.name}.gz"
    for existing in (folder / file.name, target):
        if os.path.exists(existing):
            return _confirmed(file, existing)
    with _disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{target.name}.part"
    failures = []
    for mirror in mirrors:
        try:
            _fetch_checked(file, _join(mirror, target.name), part, on_progress)
        except _MirrorError as failure:
            failures.append(f"{mirror}: {failure}")
        else:
            with _disk(target):
                os.replace(part, target)
            return target
    raise DataError(
        f"cannot get {target.name} ({'; '.join(failures)}): try again, the download resumes where it stopped"
    )


def _confirmed(file: SourceFile, path: Path) -> Path:
    wrong = mismatch(file, path)
    if wrong and not (file.checksum.of == "gzip" and path.suffix != ".gz"):
        raise DataError(f"{path} exists, but {wrong}: move it away, then get it again")
    return path


def mismatch(file: SourceFile, path: Path) -> str:
    """The difference between the file at `path` and the published one; empty if there is none."""
    with _disk(path):
        data = path.read_bytes()
    if file.checksum.of == "content":
        try:
            data = decompress(data)
        except zlib.error as error:
            return f"its gzip is corrupted ({error})"
    return file.checksum.disagreement(data)


def _join(mirror: str, name: str) -> str:
    try:
        scheme = urllib.parse.urlsplit(mirror).scheme
    except ValueError:
        scheme = ""
    if scheme not in ("http", "https"):
        raise InputError(f"base_url '{mirror}' is not an address that begins with http:// or https://")
    return f"{mirror.rstrip('/')}/{name}"


def _fetch_checked(file: SourceFile, url: str, part: Path, on_progress: Progress | None) -> None:
    resumed = _size(part) > 0
    if resumed and not mismatch(file, part):
        return
    _fetch(url, part, on_progress)
    wrong = mismatch(file, part)
    if wrong and resumed:
        # The beginning may come from another mirror or an older version: start again from nothing.
        _discard(part)
        _fetch(url, part, on_progress)
        wrong = mismatch(file, part)
    if wrong:
        _discard(part)
        raise _MirrorError(wrong)


def _fetch(url: str, part: Path, on_progress: Progress | None) -> None:
    """Request the missing part, again while each answer brings something, at most ATTEMPTS times."""
    validator = ""
    for attempt in range(1, ATTEMPTS + 1):
        before = _size(part)
        try:
            response = _ask(url, before, validator)
            if response is None:
                _discard(part)
                continue
            with response:
                validator = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
                _save(response, part, on_progress)
            return
        except _BrokenOffError:
            if attempt == ATTEMPTS or _size(part) <= before:
                raise
    raise _MirrorError(f"no usable answer in {ATTEMPTS} attempts")


def _ask(url: str, start: int, validator: str) -> http.client.HTTPResponse | None:
    """The response to a request for the file from byte `start`; None if the server cannot resume there."""
    request = urllib.request.Request(url, headers={"User-Agent": "levinthal", "Accept-Encoding": "identity"})
    if start:
        request.add_header("Range", f"bytes={start}-")
        # A weak validator must not be used here (RFC 9110, 13.1.5).
        if validator and not validator.startswith("W/"):
            request.add_header("If-Range", validator)
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416 and start:
                return None
            raise _MirrorError(f"HTTP {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _MirrorError(_reason(error)) from error
    if _extent(response)[0] in (0, start):
        return response
    response.close()
    return None


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", None) or error
    if isinstance(cause, TimeoutError):
        return f"no answer within {TIMEOUT:.0f} s"
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return " ".join(str(text).split())


def _extent(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """The byte at which the body begins (-1 if unknown), and the size of the whole file if it is given."""
    if response.status == 206:
        span = re.match(r"bytes (\d+)-\d+/(\d+)?", response.headers.get("Content-Range", ""))
        return (int(span[1]), int(span[2]) if span[2] else None) if span else (-1, None)
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _save(response: http.client.HTTPResponse, part: Path, on_progress: Progress | None) -> None:
    """Append the body to the part, or replace the part if the server sends the whole file."""
    start, total = _extent(response)
    with _disk(part), part.open("r+b" if start else "wb") as out:
        done = out.seek(start)
        while done != total and (chunk := _read(response, done, total)):
            out.write(chunk)
            done += len(chunk)
            if on_progress:
                on_progress(part.name.removesuffix(".part"), done, total)
        out.flush()
        os.fsync(out.fileno())
    if total is not None and done != total:
        raise _BrokenOffError(f"interrupted at {done:,} of {total:,} bytes")


def _read(response: http.client.HTTPResponse, done: int, total: int | None) -> bytes:
    wanted = CHUNK if total is None else min(CHUNK, total - done)
    try:
        # read1 returns the bytes that have arrived; read() would wait until CHUNK is full.
        return response.read1(wanted)
    except (OSError, http.client.HTTPException) as error:
        of = "" if total is None else f" of {total:,}"
        raise _BrokenOffError(f"interrupted at {done:,}{of} bytes ({_reason(error)})") from error


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    """Turn an error of the disk into one line. Network errors have another type by now."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"cannot use {path}: {error.strerror or error}: make room, or choose another folder"
        ) from error


def _size(part: Path) -> int:
    with _disk(part):
        return part.stat().st_size if os.path.exists(part) else 0


def _discard(part: Path) -> None:
    with _disk(part):
        part.unlink(missing_ok=True)
