"""A value that changes on the disk is never read as if it had been stored so."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from levinthal.errors import InputError
from levinthal.lab.storage.claims import Frozen
from levinthal.lab.storage.integrity import DAMAGED, TABLES, body_sum, head_sum
from levinthal.lab.storage.runs import SOURCE, Run
from levinthal.lab.storage.store import Store
from levinthal.vocabulary import Estimate, Interval, Measurement, Trust

ROW = (1, 0, "last", "mi", "k=3", "bits", "ordinal", "bootstrap", "[]", "{}", 0.5, 0.4, 0.6, 0.95)
RUNS = [
    Run("toy", 1, {"width": width}, seed, environment={SOURCE: "a"}) for width in (20, 50) for seed in (0, 1)
]


def measured(seed: int, value: float = 0.5) -> list[Measurement]:
    between = Interval(value - 1, value + 1, 0.95, "exact")
    made = Estimate(value, "bits", between, trust=Trust.EXACT, reasons=("why",), details={"n": 3})
    return [Measurement("error", made, seed, step, "last", "k=3") for step in (0, 1)]


def filled(path: Path) -> Path:
    with Store(path) as store:
        for run in RUNS:
            store.write([run], measured(run.seed))
    return path


def changed(path: Path, statement: str) -> None:
    """Change a store as no command can."""
    with closing(sqlite3.connect(path)) as held:
        for (name,) in held.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            held.execute(f"DROP TRIGGER {name}")
        held.execute("PRAGMA ignore_check_constraints = ON")
        held.execute(statement)
        held.commit()


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("UPDATE measurements SET value = value + 1e-9 WHERE run = 2 AND step = 1", 6),
        ("UPDATE measurements SET value = 'x' WHERE run = 2 AND step = 1", 6),
        ("UPDATE measurements SET low = NULL WHERE run = 2 AND step = 1", 6),
        ("UPDATE measurements SET level = 0.9 WHERE run = 2 AND step = 1", 6),
        ("UPDATE measurements SET unit = 'bytes' WHERE run = 2 AND step = 1", 6),
        ("UPDATE measurements SET trust = CAST(x'ff' AS TEXT) WHERE run = 2 AND step = 1", 6),
        ("UPDATE measurements SET step = 1.5 WHERE run = 2 AND step = 1", 6),
        ("UPDATE measurements SET run = 3, step = 9 WHERE run = 2 AND step = 1", 4),
        ("DELETE FROM measurements WHERE run = 2 AND step = 1", 6),
        ("DELETE FROM runs WHERE number = 2", 6),
        ("UPDATE runs SET seed = 7 WHERE number = 2", 6),
        ("UPDATE runs SET study = 'tox' WHERE number = 2", 6),
        ("UPDATE runs SET id = 'x' WHERE number = 2", 6),
        ("UPDATE runs SET status = 'eone' WHERE number = 2", 6),
        ("UPDATE runs SET environment = '{' WHERE number = 2", 6),
        ("UPDATE checksums SET body = 'x' WHERE number = 2", 6),
        ("DELETE FROM checksums WHERE number = 2", 6),
    ],
)
def test_what_was_changed_is_left_out_named_and_measured_again_on_request(
    tmp_path: Path, statement: str, rows: int
) -> None:
    path = filled(tmp_path / "s.sqlite")
    changed(path, statement)
    with Store(path) as store:
        found = store.rows("toy", version=1)
        assert len(found) == rows
        assert set(found.values().tolist()) == {0.5}
        assert "damaged and left out (run " in store.damage
        assert "`--again`" in store.damage
        assert store.check()
        gone = "DELETE FROM runs" in statement
        assert len(store.finished("toy", 1)) == 4 - gone
        for run in RUNS:
            store.write([run], measured(run.seed), again=True)
        assert len(store.rows("toy", version=1)) == 8
    with Store(path) as store:
        assert len(store.rows("toy", version=1)) == 8
        assert gone or store.damage == ""


@pytest.mark.parametrize("column", TABLES["runs"][1:])
def test_each_column_of_a_run_is_covered(tmp_path: Path, column: str) -> None:
    path = filled(tmp_path / "s.sqlite")
    changed(path, f"UPDATE runs SET {column} = {column} || '1' WHERE number = 3")
    with Store(path, read_only=True) as store:
        assert len(store.runs()) == 3
        assert "run 3 (" in store.damage


def test_a_damaged_newest_attempt_does_not_bring_the_older_back(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        for source, value in (("a", 1.0), ("b", 2.0)):
            store.write([Run("toy", 1, {}, 0, environment={SOURCE: source})], measured(0, value), again=True)
    changed(path, "UPDATE measurements SET value = 3 WHERE run = 2")
    with Store(path, read_only=True) as store:
        assert len(store.rows("toy")) == 0
        assert "run 2" in store.damage


def test_frozen_claims_and_analyses_are_covered(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        store.freeze(Frozen("toy", 1, "quick", {}, {"T1": {"smallest_effect": 0.7}}), ())
        store.count_analysis(("toy", 1, "quick"), "T1", "a", 5)
    changed(path, "UPDATE frozen SET finished = 3")
    changed(path, "UPDATE analyses SET judged = 'b'")
    with Store(path, read_only=True) as store:
        assert store.frozen("toy", 1, "quick") == []
        assert store.count_analysis(("toy", 1, "quick"), "T1", "a", 5) == 1
        assert "record of frozen claims 1 (toy, quick)" in store.damage
        assert "analysis 1 (toy, quick, T1)" in store.damage


def test_an_older_store_is_read_as_before_and_gets_checksums_on_request(tmp_path: Path) -> None:
    path = filled(tmp_path / "s.sqlite")
    with closing(sqlite3.connect(path)) as held:
        for table in ("checksums", "leases"):
            held.execute(f"DROP TABLE {table}")
        held.execute("DELETE FROM meta WHERE key LIKE '%checksum'")
        held.execute("PRAGMA user_version = 2")
        held.commit()
    with Store(path, read_only=True) as store:
        assert (len(store.rows("toy")), store.damage) == (8, "")
    with Store(path) as store:
        assert store.checked().unsealed == 4
        assert (store.add_checksums(), store.add_checksums()) == (4, 0)
        assert (store.checked().unsealed, store.check()) == (0, [])
    changed(path, "UPDATE measurements SET value = 3 WHERE run = 2")
    with Store(path, read_only=True) as store:
        assert len(store.rows("toy")) == 6


@given(st.sampled_from(range(1, len(ROW))), st.data())
def test_any_other_value_gives_another_checksum(column: int, data: st.DataObject) -> None:
    kinds: dict[type, Callable[[], st.SearchStrategy[object]]] = {
        int: lambda: st.integers(-(2**63), 2**63 - 1),
        str: lambda: st.text(),
        float: lambda: st.floats(),
    }
    other = data.draw(kinds[type(ROW[column])]())
    same = other == ROW[column]
    row = (*ROW[:column], other, *ROW[column + 1 :])
    assert (body_sum([row]) == body_sum([ROW])) is same
    assert (head_sum(row) == head_sum(ROW)) is same


def test_the_form_of_a_checksum_never_changes() -> None:
    assert body_sum([ROW, ROW]) == "796b9f64005bfa8f3542550c35193746"
    assert head_sum(("é", None, 1, -0.5)) == "b82f3e48e753055fc8f9561d8a635af9"
    assert body_sum([(*ROW[:1], 0.5, *ROW[2:])]) == DAMAGED
    assert body_sum([]) != DAMAGED
    assert body_sum([(*ROW[:10], None, *ROW[11:])]) == body_sum([(*ROW[:10], np.nan, *ROW[11:])])


@pytest.mark.parametrize("step", [2**70, -(2**70)])
def test_a_number_too_large_for_a_table_is_one_line(store: Store, step: int) -> None:
    with pytest.raises(InputError, match="seed 0: a measurement cannot be stored"):
        store.write([Run("toy", 1, {}, 0)], [Measurement("error", Estimate.exact(0.5), 0, step)])


def test_a_text_that_is_no_unicode_is_one_line(store: Store) -> None:
    with pytest.raises(InputError, match="seed 0: a measurement cannot be stored"):
        store.write([Run("toy", 1, {}, 0)], [Measurement("\udcff", Estimate.exact(0.5), 0)])
    assert store.runs() == []
