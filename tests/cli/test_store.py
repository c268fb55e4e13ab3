"""`levinthal store check | export | merge`, and what `study` says of a damaged store."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]
STORE = "results/levinthal.sqlite"
RUN = ("study", "run", "small_study.py", "--device", "cpu", "--workers", "1")


def damaged(path: str = STORE) -> None:
    with closing(sqlite3.connect(path)) as held:
        held.execute("DROP TRIGGER measurements_stay")
        held.execute("UPDATE measurements SET value = value + 0.001 WHERE run = 1")
        held.commit()


def test_a_damaged_run_is_named_everywhere_and_measured_again_on_request(call: Call) -> None:
    assert call(*RUN).code == 0
    assert call("store", "check", STORE).out == f"{STORE} is sound: 12 runs, 12 measurements\n"
    damaged()
    said = call("store", "check", STORE)
    assert said.code == 1
    assert said.out.startswith('run 1 (toy-coins, {"coin": "bent"}, seed 0): its measurements are not as')
    assert said.err.startswith(f"levinthal: {STORE} has 1 fault: ")
    for words in (RUN, ("study", "report", "small_study.py")):
        said = call(*words)
        assert said.code == 0
        assert f"levinthal: {STORE}: 1 row is damaged and left out (run 1 (toy-coins" in said.err
        assert "`--again` measures the runs again" in said.err
        assert "1 row is damaged and left out" in Path("results/toy-coins-quick.html").read_text()
    said = call(*RUN, "--again")
    assert "damaged" not in said.err
    assert said.out.startswith("1 runs measured in ")
    said = call("store", "check", STORE)
    assert (said.code, "it was measured again since" in said.out) == (0, True)


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "a/b/tables"])
def test_export_writes_once_and_replaces_nothing(call: Call, name: str) -> None:
    call(*RUN)
    said = call("store", "export", STORE, name)
    assert (said.code, said.out) == (0, f"{STORE} is written to {name}\n")
    said = call("store", "export", STORE, name)
    assert (said.code, said.err) == (
        2,
        f"levinthal: {name} exists already: name another file, or delete it\n",
    )
    damaged()
    said = call("store", "export", STORE, "other.csv")
    assert (said.code, "left out (run 1 " in said.err) == (1, True)


def test_export_knows_its_endings(call: Call) -> None:
    said = call("store", "export", STORE, "rows.xlsx")
    assert (said.code, ".csv or .jsonl" in said.err) == (2, True)


def test_merge_adds_names_conflicts_and_leaves_out_what_is_damaged(call: Call) -> None:
    call(*RUN)
    said = call("store", "merge", "all.sqlite", STORE)
    assert (said.code, said.out) == (0, f"{STORE}: 12 runs added, 0 were there already\n")
    damaged()
    said = call("store", "merge", "fresh.sqlite", STORE, "all.sqlite")
    assert said.code == 1
    assert said.err.count("\n") == 1
    assert "its measurements are not as they were stored, and left out" in said.err
    assert "all.sqlite: 1 run added, 11 were there already" in said.out
    assert call("store", "check", "fresh.sqlite").code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("merge", STORE, STORE), "are the same file"),
        (("merge", STORE), "nothing to merge"),
        (("merge", STORE, "none.sqlite"), "no store at none.sqlite"),
        (("check", "none.sqlite"), "no store at none.sqlite"),
        (("check", ":memory:"), "is not the path of a file"),
        (("check", "file:x?mode=memory"), "is not the path of a file"),
    ],
)
def test_what_is_no_store_is_one_line(call: Call, words: tuple[str, ...], says: str) -> None:
    call(*RUN)
    said = call("store", *words)
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert says in said.err


def test_an_older_store_gets_checksums_on_request(call: Call) -> None:
    call(*RUN)
    with closing(sqlite3.connect(STORE)) as held:
        held.execute("DROP TABLE checksums")
        held.execute("DROP TABLE leases")
        held.execute("DELETE FROM meta WHERE key LIKE '%checksum'")
        held.execute("PRAGMA user_version = 2")
        held.commit()
    assert "12 runs without a checksum" in call("store", "check", STORE).out
    assert "checksums added" in call("store", "check", STORE, "--add-checksums").out
    assert call("store", "check", STORE).out == f"{STORE} is sound: 12 runs, 12 measurements\n"
