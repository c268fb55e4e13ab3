from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from levinthal.errors import StoreError
from levinthal.lab.storage.claims import Frozen, first_frozen
from levinthal.lab.storage.layout import VERSIONS
from levinthal.lab.storage.runs import Run, Status
from levinthal.lab.storage.schema import APPLICATION_ID, SCHEMA_VERSION
from levinthal.lab.storage.store import Store
from levinthal.vocabulary import Estimate, Measurement

ONE = Frozen("toy", 1, "quick", {"runs": 2}, {"T1": {"says": "it does", "smallest_effect": 0.7}})
OTHER = replace(ONE, claims={"T1": {"says": "it does", "smallest_effect": 0.55}})
RUNS = [Run("toy", 1, {"width": 20}, seed) for seed in (0, 1)]
IDS = [run.id for run in RUNS]
KEY = ("toy", 1, "quick")


def measured(store: Store, *runs: Run) -> None:
    store.write(runs, [Measurement("error", Estimate.exact(0.5), seed=run.seed) for run in runs])


def older(path: Path) -> Path:
    """A store of schema 1 with one finished run, as levinthal wrote it before claims were frozen."""
    connection = sqlite3.connect(path)
    connection.executescript(VERSIONS[1])
    connection.execute("INSERT INTO meta VALUES ('schema', '1'), ('project version', '0.0.9')")
    connection.execute(
        "INSERT INTO runs VALUES (1, ?, 'toy', 1, '{\"width\": 20}', 0, '', 'done', '', '{}', '', 0, 1)",
        (RUNS[0].id,),
    )
    connection.execute(
        """INSERT INTO measurements (run, step, layer, name, condition, value, unit, trust, reasons, details)
           VALUES (1, 0, '', 'error', '', .5, '1', 'exact', '[]', '{}')"""
    )
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    return path


def test_what_is_frozen_comes_back_with_its_time_and_no_finished_run(store: Store) -> None:
    store.freeze(ONE, IDS)
    (found,) = store.frozen(*KEY)
    assert replace(found, time="") == ONE
    assert found.time.endswith("+00:00")
    assert found.hash == ONE.hash
    assert store.frozen("toy", 2, "quick") == store.frozen("toy", 1, "standard") == []


def test_the_same_claims_are_stored_once_and_others_stand_beside_them(store: Store) -> None:
    for claims in (ONE, ONE, OTHER, OTHER, ONE):
        store.freeze(claims, IDS)
    assert [record.hash for record in store.frozen(*KEY)] == [ONE.hash, OTHER.hash, ONE.hash]


def test_runs_that_were_finished_before_are_counted(store: Store) -> None:
    store.write([replace(RUNS[1], status=Status.FAILED, error="nan")])
    store.freeze(ONE, IDS)
    measured(store, RUNS[0])
    measured(store, Run("toy", 1, {"width": 99}, 0))
    store.freeze(OTHER, IDS)
    assert [record.finished for record in store.frozen(*KEY)] == [0, 1]
    assert first_frozen(store.frozen(*KEY)) == store.frozen(*KEY)[0]


def test_a_run_measured_again_is_one_run(store: Store) -> None:
    measured(store, RUNS[0])
    edited = replace(RUNS[0], environment={"measure source": "edited"})
    store.write([edited], [Measurement("error", Estimate.exact(0.6), seed=0)], again=True)
    store.freeze(ONE, IDS)
    assert store.frozen(*KEY)[0].finished == 1


@pytest.mark.parametrize("table", ["frozen", "analyses"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET time = ''", "DELETE FROM {}", "REPLACE INTO {0} SELECT * FROM {0}"]
)
def test_a_row_is_never_changed_or_deleted(store: Store, table: str, statement: str) -> None:
    store.freeze(ONE, IDS)
    store.count_analysis(KEY, "T1", "five seeds", 5)
    with pytest.raises(sqlite3.IntegrityError, match="never"):
        store._connection.execute(statement.format(table))


def test_analyses_of_the_same_data_count_once(store: Store) -> None:
    judged = ["a", "a", "ab", "a", "ab", "abc"]
    counts = [store.count_analysis(KEY, "T1", data, len(data)) for data in judged]
    assert counts == [1, 1, 2, 2, 2, 3]
    assert store.count_analysis(KEY, "T2", "abc", 3) == 1
    assert store.count_analysis(("toy", 1, "standard"), "T1", "abc", 3) == 1


def test_an_older_store_is_read_as_it_is_and_gets_the_tables_when_it_is_written(tmp_path: Path) -> None:
    path = older(tmp_path / "s.sqlite")
    before = path.read_bytes()
    with Store(path, read_only=True) as store:
        assert store.rows("toy").by_seed() == {0: 0.5}
        assert store.frozen(*KEY) == []
        assert store.count_analysis(KEY, "T1", "a", 1) == 1
    assert path.read_bytes() == before
    with Store(path) as store:
        store.freeze(ONE, IDS)
        assert [record.finished for record in store.frozen(*KEY)] == [1]
        assert store.rows("toy").by_seed() == {0: 0.5}
        assert store.check() == []
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    meta = dict(connection.execute("SELECT key, value FROM meta"))
    connection.close()
    assert meta.items() >= {"schema": str(SCHEMA_VERSION), "project version": "0.0.9"}.items()


def test_two_processes_bring_an_older_store_up_to_date_together(tmp_path: Path) -> None:
    path = older(tmp_path / "s.sqlite")

    def freeze(_: int) -> int:
        with Store(path) as store:
            store.freeze(ONE, IDS)
            return store.count_analysis(KEY, "T1", "a", 1)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(freeze, range(8))) == [1] * 8
    with Store(path) as store:
        assert len(store.frozen(*KEY)) == 1


def test_a_store_that_may_not_be_written_counts_but_does_not_remember(
    folder: Path, nobody: Callable[[], None]
) -> None:
    path = folder / "s.sqlite"
    with Store(path) as store:
        store.count_analysis(KEY, "T1", "a", 5)
    path.chmod(0o444)
    folder.chmod(0o555)
    nobody()
    with Store(path, read_only=True) as store:
        assert [store.count_analysis(KEY, "T1", data, 8) for data in ("a", "b", "c")] == [1, 2, 2]
        with pytest.raises(StoreError, match="read-only"):
            store.freeze(ONE, IDS)


def test_finished_runs_of_an_earlier_plan_were_seen(store: Store) -> None:
    store.freeze(ONE, [IDS[0]])
    measured(store, *RUNS)
    other = Run("toy", 1, {"width": 50}, 0).id
    store.freeze(replace(OTHER, plan={"runs": 4}), [other])
    assert [record.finished for record in store.frozen(*KEY)] == [0, 2]
    assert first_frozen(store.frozen(*KEY)) == store.frozen(*KEY)[0]


def test_a_record_without_the_cells_of_its_plan_is_still_read(store: Store) -> None:
    content = json.dumps(ONE.content)
    store._connection.execute(
        "INSERT INTO frozen (study, version, preset, hash, claims, finished, time) VALUES (?,?,?,?,?,0,'')",
        (*KEY, ONE.hash, content),
    )
    store._connection.execute("UPDATE meta SET value = 1 WHERE key = 'frozen without checksum'")
    store.freeze(ONE, IDS)
    assert store.frozen(*KEY) == [ONE]
    store.freeze(OTHER, IDS)
    assert [record.finished for record in store.frozen(*KEY)] == [0, 0]


def test_an_older_row_of_the_same_seeds_does_not_count_beside_the_new_ones(store: Store) -> None:
    judged = ["seeds", "seeds:a", "seeds:a", "seeds:b", "more", "more:a"]
    counts = [store.count_analysis(KEY, "T1", data, 5) for data in judged]
    assert counts == [1, 1, 1, 2, 3, 3]
