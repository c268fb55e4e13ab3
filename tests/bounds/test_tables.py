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
        ("prediction, label\n1, 1\n2,2\n3,3.0\n", 0),
        ("prediction,label\n12,12\nI don't know,13\n14,14\n", 1),
        ("prediction,label\nTrue,True\nUnknown,False\nFalse,False\n", 1),
        ("prediction,label\n1.0,1\n0.0,0\nunk,1\n1,0\n", 2),
        ("prediction,label\n007,7\n8,8\n", 1),
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
    "text.csv": ("loss\n0.5\nhigh\n", "'loss' holds the text 'high' in row 2: give numbers from 0 to 1"),
    "semicolons.csv": ("prediction;label\n1;1\n", "has ';' between its values: give commas, or tabs in a"),
    "tabs.csv": ("prediction\tlabel\n1\t1\n", "has tabs between its values"),
    "copies.csv": (
        "id,correct\n7,1\n7,0\n8,1\n",
        "has 2 rows of id 7: leave copies out, or add --clusters",
    ),
    "quote.csv": ('loss\n"1\n', "is no .csv file that can be read"),
    "rows.jsonl": ('{"loss": 1}\n{"los": 1}\n', "row 2 has no 'loss'"),
    "broken.jsonl": ('{"loss": 1\n', "broken.jsonl:1: .*: give one object a line"),
    "list.jsonl": ("[1]\n", "list.jsonl:1: a list: give one object a line"),
    "nested.jsonl": ('{"loss": [1]}\n', "row 1 has loss=.1.: give a single value"),
    "mixed.jsonl": (
        '{"loss": 1}\n{"loss": "a"}\n',
        "'loss' holds the text 'a' in row 2",
    ),
    "null.jsonl": ('{"loss": null}\n', "row 1 has loss=null: give a single value in every row"),
    "keys.jsonl": ('{"loss": 1, "loss": 0}\n', "the key 'loss' stands there twice"),
    "case.csv": ("loss,Loss\n1,1\n", "has 'loss' and 'Loss'"),
    "right.csv": (
        "correct\n1\n100\n",
        "'correct' holds 100.0: give 1 for right and 0 for wrong",
    ),
    "gap.csv": ("prediction,label\n,\n1,2\n", r"predictions\[0\] is empty"),
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
        error_bound(**chosen(read_table(tmp_path / name), NONE).arrays)
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


def test_one_column_named_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("label,other\n1,1\n2,1\n")
    with pytest.raises(InputError, match="'label' is named for predictions and for labels: name two"):
        chosen(read_table(tmp_path / "rows.csv"), NONE | {"predictions": "label", "labels": "label"})


def test_damaged_headers_and_odd_columns_are_one_line(tmp_path: Path) -> None:
    np.save(tmp_path / "lie.npy", np.zeros(3))
    whole = (tmp_path / "lie.npy").read_bytes()
    for shape in (b"(10000000000000,)", b"(3,\\\n"):
        header = whole.replace(b"(3,)", shape)
        (tmp_path / "lie.npy").write_bytes(header)
        with pytest.raises(InputError, match=r"is no \.npy file that can be read"):
            read_table(tmp_path / "lie.npy")
    np.save(tmp_path / "complex.npy", np.zeros(3, complex))
    with pytest.raises(InputError, match="holds values of type complex128"):
        chosen(read_table(tmp_path / "complex.npy"), NONE)
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {"id": [[1], [2]], "correct": [1, 0], "list": [[1], [2]], "bytes": [b"a", b"a"]}
    parquet.write_table(arrow.table(columns), tmp_path / "odd.parquet")
    table = read_table(tmp_path / "odd.parquet")
    assert error_bound(**chosen(table, NONE).arrays).samples == 2
    for column in ("list", "bytes"):
        with pytest.raises(InputError, match=f"'{column}' holds .*: give numbers or text"):
            chosen(table, NONE | {"losses": column})


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
