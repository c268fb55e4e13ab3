"""Rows as CSV: which columns there are, and how they are written to a file or a stream."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from gzip import GzipFile
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast, runtime_checkable

from levinthal.lab.storage.table import NUMBERS
from levinthal.shown import plain
from levinthal.written_files import whole_file
from levinthal.written_files.kinds import PACKED_ROWS, ROWS, Kind

_ADDRESS = ("seed", "step", "layer", "name", "condition")
_FORMULA = frozenset("=+-@\t")
COLUMNS = (*_ADDRESS, *NUMBERS, "unit", "method", "trust", "reasons", "details")
"""The columns of every row; the factors of the cells stand before them."""


@runtime_checkable
class Text(Protocol):
    """Anything text can be written to."""

    def write(self, text: str, /) -> object:
        """Take one more piece of text."""
        ...


def write_csv(target: str | Path | Text, columns: Iterable[tuple[str, Sequence[Any]]]) -> None:
    """Write named columns as CSV: a line with the names, then one line a row.

    Args:
        target: a file to write, packed where its name ends in `.gz`; or an open text stream.
        columns: name and values, one a row; two columns may have one name.

    Raises:
        StoreError: the file cannot be written, or is there and is no table of rows. It is whole or absent.
    """
    names, values = zip(*columns, strict=True)
    with _opened(target) if isinstance(target, str | Path) else nullcontext(target) as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(map(_shown, names))
        out.writerows(zip(*(map(_shown, column) for column in values), strict=True))


def _shown(value: Any) -> Any:
    """A text without the characters that a terminal would obey, in one line; any other value as it is.

    A text that a spreadsheet would run as a formula begins with `'`, by which it takes it for text.
    """
    if not isinstance(value, str):
        return value
    line = " ".join(plain(value).splitlines())
    return f"'{line}" if line[:1] in _FORMULA and not _is_number(line) else line


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def packed(stream: BinaryIO) -> GzipFile:
    """A stream that packs what is written to it, the same bytes for the same content.

    Args:
        stream: where the bytes go.

    Returns:
        The stream, to be closed.
    """
    return GzipFile(fileobj=stream, mode="wb", mtime=0, filename="")


def kind_of(path: str | Path) -> Kind:
    """The kind of file that rows are written to.

    Args:
        path: the file.

    Returns:
        A packed one where its name ends in `.gz`.
    """
    return PACKED_ROWS if Path(path).suffix == ".gz" else ROWS


@contextmanager
def _opened(path: str | Path) -> Iterator[Text]:
    kind = kind_of(path)
    with whole_file(path, kind) as file, ExitStack() as around:
        inner = around.enter_context(packed(file)) if kind is PACKED_ROWS else file
        text = io.TextIOWrapper(cast(BinaryIO, inner), encoding="utf-8", newline="")
        try:
            yield text
        finally:
            text.detach()  # it would close the file, which is not in its place yet
