"""Named columns become lines of CSV, in a file or in a stream."""

from __future__ import annotations

import io
from pathlib import Path

from levinthal.lab.storage.csv_files import COLUMNS, write_csv

WIDE = [("width", [20, 50]), ("loss, mean", [0.1, 1 / 3]), ("width", ["a", 'b"'])]
TEXT = 'width,"loss, mean",width\n20,0.1,a\n50,0.3333333333333333,"b"""\n'


def test_a_file_and_a_stream_get_the_same_text(tmp_path: Path) -> None:
    stream = io.StringIO()
    write_csv(stream, WIDE)
    write_csv(tmp_path / "rows.csv", WIDE)
    assert stream.getvalue() == (tmp_path / "rows.csv").read_text() == TEXT


def test_columns_without_rows_are_a_line_of_names() -> None:
    stream = io.StringIO()
    write_csv(stream, [(name, []) for name in COLUMNS])
    assert stream.getvalue() == ",".join(COLUMNS) + "\n"
