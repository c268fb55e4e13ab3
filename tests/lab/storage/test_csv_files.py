"""Named columns become lines of CSV, in a file or in a stream."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest

from levinthal.errors import StoreError
from levinthal.lab.storage.csv_files import COLUMNS, write_csv

WIDE = [("width", [20, 50]), ("loss, mean", [0.1, 1 / 3]), ("width", ["a", 'b"'])]
TEXT = 'width,"loss, mean",width\n20,0.1,a\n50,0.3333333333333333,"b"""\n'


def test_a_file_and_a_stream_get_the_same_text(tmp_path: Path) -> None:
    stream = io.StringIO()
    write_csv(stream, WIDE)
    write_csv(tmp_path / "rows.csv", WIDE)
    assert stream.getvalue() == (tmp_path / "rows.csv").read_text() == TEXT


@pytest.mark.parametrize("text", ["=1+1", "@SUM(1)", "+1+1", "-1+1", "\t=1+1", "=cmd|' /C calc'!A0"])
def test_a_text_is_no_formula_of_a_spreadsheet(text: str) -> None:
    stream = io.StringIO()
    write_csv(stream, [(text, [text])])
    assert list(csv.reader(stream.getvalue().splitlines())) == [[f"'{text}"], [f"'{text}"]]


@pytest.mark.parametrize("text", ["-0.5", "+1e3", "-inf", "", "a=b", "width"])
def test_a_number_and_any_other_text_stay_as_they_are(text: str) -> None:
    stream = io.StringIO()
    write_csv(stream, [("a", [text]), ("b", [-0.5])])
    assert list(csv.reader(stream.getvalue().splitlines()))[1] == [text, "-0.5"]


def test_columns_without_rows_are_a_line_of_names() -> None:
    stream = io.StringIO()
    write_csv(stream, [(name, []) for name in COLUMNS])
    assert stream.getvalue() == ",".join(COLUMNS) + "\n"


def test_a_name_that_ends_in_gz_gets_a_packed_table_that_is_known_again(tmp_path: Path) -> None:
    for _ in range(2):
        write_csv(tmp_path / "rows.csv.gz", WIDE)
    assert gzip.decompress((tmp_path / "rows.csv.gz").read_bytes()).decode() == TEXT


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz"])
def test_a_table_of_the_user_is_not_replaced_and_half_a_table_is_none(tmp_path: Path, name: str) -> None:
    mine = gzip.compress(b"mine") if name.endswith(".gz") else b"mine"
    (tmp_path / name).write_bytes(mine)
    with pytest.raises(StoreError, match=r"exists and is not a .*table of rows: name another file"):
        write_csv(tmp_path / name, WIDE)
    assert (tmp_path / name).read_bytes() == mine
    (tmp_path / name).unlink()
    with pytest.raises(ValueError, match="shorter"):
        write_csv(tmp_path / name, [("a", [1, 2]), ("b", [1])])
    assert list(tmp_path.iterdir()) == []
