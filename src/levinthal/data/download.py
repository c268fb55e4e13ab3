"""Download one published file: from several mirrors, resumable, checked, renamed only when it is right.

A download lives in `NAME.gz.part` until its checksum agrees. If it is interrupted (even killed), that file
stays and the next call resumes it. Of two processes, one downloads and the other waits.
"""

from __future__ import annotations

import http.client
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from levinthal.data.idx import GZIP_MAGIC
from levinthal.data.mirrors import (
    BrokenOffError,
    MirrorError,
    Response,
    ask,
    checked_address,
    extent,
    reason,
)
from levinthal.data.part import Part, difference, disk, held, mismatch
from levinthal.data.sources import SourceFile
from levinthal.errors import DataError

Progress = Callable[[str, int, int | None], None]

CHUNK = 1 << 16
ATTEMPTS = 3
IDX_MAGIC = b"\0\0\x08"
DROPPED = "; what came was dropped"


def download(
    file: SourceFile, folder: Path, *, mirrors: tuple[str, ...], on_progress: Progress | None = None
) -> Path:
    """Put `file` into `folder` unless it is there already, and return its path.

    Raises:
        InputError: the address of a mirror is not https.
        DataError: no mirror serves the published content, the disk refuses, or a file of that name has
            another content. Such a file may be the user's own and is not touched.
    """
    target = folder / f"{file.name}.gz"
    addresses = [f"{checked_address(mirror).rstrip('/')}/{target.name}" for mirror in mirrors]
    tell = on_progress or _untold
    while not (there := _there(file, folder)):
        with disk(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with held(
            _part_of(target), lambda done: tell(f"{target.name} (another process)", done, None)
        ) as part:
            # Another process may have got the file while this one waited for the part.
            if part and not _there(file, folder):
                _Download(file, part, tell).get(addresses, mirrors)
                part.become(target)
    return there


def _untold(name: str, done: int, total: int | None) -> None:
    del name, done, total


def _part_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _there(file: SourceFile, folder: Path) -> Path | None:
    """The file, if one of its name is there and is right."""
    for path in (folder / file.name, folder / f"{file.name}.gz"):
        if os.path.lexists(path):
            return _confirmed(file, path)
    return None


def _confirmed(file: SourceFile, path: Path) -> Path:
    wrong = mismatch(file, path)
    if wrong and not (file.checksum.of == "gzip" and path.suffix != ".gz"):
        raise DataError(f"{path} exists, but {wrong}: move it away, then get it again")
    return path


@dataclass(slots=True)
class _Download:
    """A file on its way into its part."""

    file: SourceFile
    part: Part
    tell: Progress

    @property
    def name(self) -> str:
        return f"{self.file.name}.gz"

    def get(self, addresses: list[str], mirrors: tuple[str, ...]) -> None:
        """Fill the part with the right content from the first mirror that has it."""
        failures = []
        for address, mirror in zip(addresses, mirrors, strict=True):
            try:
                return self._checked(address)
            except MirrorError as failure:
                failures.append(f"{mirror}: {failure}")
        resumes = "try again, the download resumes where it stopped"
        another = "try again later, or name another server with --base-url"
        raise DataError(
            f"cannot get {self.name} ({'; '.join(failures)}): {resumes if self.part.size else another}"
        )

    def _checked(self, url: str) -> None:
        resumed = self.part.size > 0
        if resumed and not self._difference():
            return
        in_pieces = self._fetch(url)
        wrong = self._difference()
        if wrong and (resumed or in_pieces):
            # The beginning may come from another mirror or an older version: start again from nothing.
            self.part.drop()
            self._fetch(url)
            wrong = self._difference()
        if wrong:
            self._refuse(wrong)

    def _difference(self) -> str:
        with disk(self.part.path):
            return difference(self.file, self.part.stream)

    def _refuse(self, why: str) -> None:
        self.part.drop()
        raise MirrorError(f"{why}{DROPPED}")

    def _fetch(self, url: str) -> bool:
        """Request the missing part, again while each answer brings something; True if more than once."""
        validator = ""
        for attempt in range(1, ATTEMPTS + 1):
            before = self.part.size
            try:
                response = ask(url, start=before, validator=validator, most=self.file.bound)
                if response is None:
                    self.part.drop()
                    continue
                with response:
                    validator = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
                    self._save(response)
                return attempt > 1
            except BrokenOffError:
                if attempt == ATTEMPTS or self.part.size <= before:
                    raise
        raise MirrorError(f"no usable answer in {ATTEMPTS} attempts")

    def _save(self, response: Response) -> None:
        """Append the body to the part, or replace the part if the server sends the whole file."""
        start, total = extent(response)
        self._refuse_large(total)
        chunk = _read(response, start, total)
        _look(response, start, chunk)
        done = start
        with self.part.appending(start) as write:
            while chunk:
                write(chunk)
                done += len(chunk)
                self.tell(self.name, done, total)
                if done > self.file.bound:
                    break
                chunk = _read(response, done, total)
        if done > self.file.bound:
            self._refuse(f"it sends more than the {self.file.bound:,} bytes that the file can have")
        if total is not None and done != total:
            raise BrokenOffError(f"interrupted at {done:,} of {total:,} bytes")

    def _refuse_large(self, total: int | None) -> None:
        if total is not None and total > self.file.bound:
            raise MirrorError(
                f"it announces {total:,} bytes, more than the {self.file.bound:,} that the file can have"
            )


def _look(response: Response, start: int, chunk: bytes) -> None:
    """Refuse what is no data file before it takes the place of a part: the page of a hotel, say."""
    if start:
        return
    kind = response.headers.get_content_type()
    if kind in ("text/html", "application/xhtml+xml"):
        raise MirrorError("it serves an HTML page in the place of the file")
    if not chunk:
        raise MirrorError("it serves 0 bytes")
    if not any(magic.startswith(chunk[: len(magic)]) for magic in (GZIP_MAGIC, IDX_MAGIC)):
        raise MirrorError(f"it serves no gzip file: its first bytes are 0x{chunk[:4].hex()}")


def _read(response: Response, done: int, total: int | None) -> bytes:
    wanted = CHUNK if total is None else min(CHUNK, total - done)
    try:
        # read1 returns the bytes that have arrived; read() would wait until CHUNK is full.
        return response.read1(wanted) if wanted > 0 else b""
    except (OSError, http.client.HTTPException, ValueError) as error:
        of = "" if total is None else f" of {total:,}"
        raise BrokenOffError(f"interrupted at {done:,}{of} bytes ({reason(error)})") from error
