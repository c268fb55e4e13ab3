"""Tables of outcomes: four kinds of file give the same bound, and what cannot be read is one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from levinthal.bounds import error_bound
from levinthal.bounds.choosing import chosen
from levinthal.bounds.tables import read_table
from levinthal.errors import InputError

LOSSES = np.random.default_rng(0).beta(1, 5, 60)
NONE = dict.fromkeys(("losses", "correct", "predictions", "labels"))


def written(folder: Path, kind: str) -> Path:
    path = folder / f"rows{kind}"
    if kind in (".csv", ".tsv"):
        mark = "," if kind == ".csv" else "\t"
        lines = [mark.join(("id", "Loss")), *(f"{i}{mark}{loss!r}" for i, loss in enumerate(LOSSES.tolist()))]
        path.write_text("\n".join(lines) + "\n")
    elif kind == ".jsonl":
        rows = [json.dumps({"id": i, "loss": loss}) for i, loss in enumerate(LOSSES.tolist())]
        path.write_text("\n".join(rows) + "\n\n")
    elif kind == ".npy":
        np.save(path, LOSSES)
    else:
        arrow = pytest.importorskip("pyarrow")
        pytest.importorskip("pyarrow.parquet").write_table(arrow.table({"loss": LOSSES}), path)
    return path


@pytest.mark.parametrize("kind", [".csv", ".tsv", ".jsonl", ".npy", ".parquet"])
def test_every_kind_of_file_gives_the_same_bound(tmp_path: Path, kind: str) -> None:
    found = chosen(read_table(written(tmp_path, kind)), NONE)
    assert error_bound(**found.arrays).limit == error_bound(LOSSES).limit


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("prediction,label\n1,1\n0,1\n1,0\n", 2),
        ("y_pred,y_true\ncat,cat\ncat,dog\n", 1),
        ("Correct\nTrue\nfalse\n", 1),
        ("correct\n1\n1.0\n0\n", 1),
        ("prediction,label\n\u0031,1\n2,02\n", 0),
    ],
)
def test_columns_of_usual_names_are_found(tmp_path: Path, text: str, errors: int) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\ufeff" + text, encoding="utf-8")
    arrays = chosen(read_table(path), NONE).arrays
    found = error_bound(**arrays)
    assert round(found.mean * found.samples) == errors


def test_named_columns_and_clusters_are_read(tmp_path: Path) -> None:
    array = np.zeros(6, dtype=[("mine", "f8"), ("other", "f8"), ("doc", "i8")])
    array["mine"], array["other"], array["doc"] = [0, 0, 1, 1, 0, 0], 1.0, [5, 5, 6, 6, 7, 7]
    np.save(tmp_path / "rows.npy", array)
    found = chosen(read_table(tmp_path / "rows.npy"), NONE | {"losses": "mine"}, "doc")
    assert error_bound(**found.arrays).samples == 3
    assert found.read == f"'mine' of {tmp_path / 'rows.npy'}"


BAD = {
    "empty.csv": ("", "is empty: its first line names the columns"),
    "rows.csv": ("loss\n", "has no rows"),
    "ragged.csv": ("loss,b\n1\n", "ragged.csv:2: 1 values, and 2 columns are named"),
    "twice.csv": ("loss,loss\n1,1\n", "names the column 'loss' twice"),
    "other.csv": ("a,b\n1,2\n", "has 'a', 'b', and none of a usual name: name them: --losses"),
    "both.csv": ("loss,correct\n1,1\n", "losses and correct are columns of different kinds"),
    "several.csv": ("label,target,prediction\n1,1,1\n", "has 'label' and 'target'"),
    "half.csv": ("prediction\n1\n", "predictions without labels"),
    "text.csv": ("loss\nhigh\n", "'loss' holds text: give numbers from 0 to 1"),
    "copies.csv": (
        "id,correct\n7,1\n7,0\n8,1\n",
        "has 2 rows of id 7: leave copies out, or add --clusters",
    ),
    "quote.csv": ('loss\n"1\n', "is no .csv file that can be read"),
    "rows.jsonl": ('{"loss": 1}\n{"los": 1}\n', "row 2 has no 'loss'"),
    "broken.jsonl": ('{"loss": 1\n', "broken.jsonl:1: .*: give one object a line"),
    "list.jsonl": ("[1]\n", "list.jsonl:1: a list: give one object a line"),
    "nested.jsonl": ('{"loss": [1]}\n', "which is no single value"),
    "mixed.jsonl": ('{"loss": 1}\n{"loss": "a"}\n', "is text in some rows and a number in others"),
    "deep.jsonl": ("[" * 100_000, "deep.jsonl:1: "),
    "not.npy": ("x", "is no .npy file that can be read"),
    "not.parquet": ("x", "is no Parquet file that can be read|pyarrow"),
    "rows.txt": ("1", "ends in .txt: give one of .csv"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_does_not_fit_is_one_line(tmp_path: Path, name: str) -> None:
    text, line = BAD[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=line) as raised:
        chosen(read_table(tmp_path / name), NONE)
    assert "\n" not in str(raised.value)


def test_bytes_folders_objects_and_missing_files_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(b"loss\n\xff\xfe\n")
    (tmp_path / "folder.csv").mkdir()
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "wide.npy", np.zeros((3, 2)))
    for name, line in {
        "rows.csv": "can't decode",
        "folder.csv": "is a folder",
        "none.csv": "is not there",
        "objects.npy": "no .npy file that can be read",
        "wide.npy": r"has shape \(3, 2\)",
    }.items():
        with pytest.raises(InputError, match=line):
            read_table(tmp_path / name)
    table = read_table(written(tmp_path, ".tsv"))
    with pytest.raises(InputError, match="has no column 'x': it has 'id', 'Loss'"):
        table.column("x")


def test_missing_values_and_a_missing_library_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet").write_table(
        arrow.table({"loss": [1.0, None]}), tmp_path / "r.parquet"
    )
    with pytest.raises(InputError, match="1 rows have no 'loss'"):
        read_table(tmp_path / "r.parquet").column("loss")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"Parquet is read by pyarrow: pip install 'levinthal\[parquet\]'"):
        read_table(tmp_path / "r.parquet")
