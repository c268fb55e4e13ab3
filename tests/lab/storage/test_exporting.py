"""Everything that a store holds comes out, in each form."""

from __future__ import annotations

import csv
import io
import json

from levinthal.lab.storage.exporting import CSV, FOLDER, LINES
from levinthal.lab.storage.runs import Run, Status
from levinthal.lab.storage.store import Store
from levinthal.vocabulary import Estimate, Measurement


def filled(store: Store) -> Store:
    store.write(
        [Run("toy", 1, {"width": 20}, 0)],
        [Measurement("error", Estimate.exact(value), 0, i) for i, value in enumerate((0.1, float("inf")))],
    )
    store.write([Run("toy", 1, {"width": 20}, 1, status=Status.FAILED, error='a "bad" day\n')])
    store.count_analysis(("toy", 1, "quick"), "T1", "a", 5)
    return store


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_line_for_each_measurement_and_for_a_run_without_any(store: Store) -> None:
    rows = table(filled(store).texts(CSV)[""])
    assert [(row["seed"], row["step"], row["value"]) for row in rows] == [
        ("0", "0", "0.1"),
        ("0", "1", "inf"),
        ("1", "", ""),
    ]


def test_a_line_of_json_for_each_run_and_record(store: Store) -> None:
    lines = [json.loads(line) for line in filled(store).texts(LINES)[""].splitlines()]
    assert [line["kind"] for line in lines] == ["run", "run", "analyses"]
    assert lines[0]["cell"] == {"width": 20}
    assert [row["value"] for row in lines[0]["measurements"]] == [0.1, "inf"]
    assert lines[1]["error"] == 'a "bad" day\n'


def test_a_table_for_each_kind_of_row(store: Store) -> None:
    files = filled(store).texts(FOLDER)
    assert {name: len(table(text)) for name, text in files.items()} == {
        "runs.csv": 2,
        "measurements.csv": 2,
        "frozen.csv": 0,
        "analyses.csv": 1,
    }


def test_an_empty_store_is_exported(store: Store) -> None:
    assert table(store.texts(CSV)[""]) == []
    assert store.texts(LINES)[""] == ""
