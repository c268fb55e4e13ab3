from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from levinthal.errors import InputError, StoreError
from levinthal.lab.storage.runs import SOURCE, Run, Status
from levinthal.lab.storage.store import Store
from levinthal.vocabulary import Estimate, Interval, Measurement, Task, Trust

floats = st.floats(allow_nan=True, allow_infinity=True)
plain = st.one_of(floats, st.text(max_size=5), st.integers(-9, 9), st.lists(floats, max_size=3))
intervals = st.builds(Interval, floats, floats, st.sampled_from([0.9, 0.95]), st.text(max_size=5))
estimates = st.builds(
    Estimate,
    floats,
    st.sampled_from(["", "bits"]),
    st.one_of(st.none(), intervals),
    trust=st.sampled_from(Trust),
    reasons=st.lists(st.text(max_size=9), max_size=2).map(tuple),
    details=st.dictionaries(st.text(max_size=5), plain, max_size=3),
)


def run(width: int = 20, seed: int = 0, **rest: Any) -> Run:
    return Run("toy", 1, {"width": width}, seed, **rest)


def error(value: float = 0.5, seed: int = 0, step: int = 0) -> Measurement:
    return Measurement("error", Estimate.exact(value), seed, step)


@given(st.lists(estimates, max_size=5))
def test_an_estimate_comes_back_as_it_went_in(found: list[Estimate]) -> None:
    with Store(":memory:") as store:
        sent = [Measurement("mi", estimate, 0, step, "last", "k=3") for step, estimate in enumerate(found)]
        store.write([run()], sent)
        back = [row.measurement for row in store.rows("toy")]
    assert repr(back) == repr(sent)


def test_a_run_comes_back_as_it_went_in(store: Store) -> None:
    one = run(7, 3, data="md5", environment={"torch": "2", "seeds": [3]}, started="now", duration=1.5)
    store.write([one])
    assert store.runs() == [one]
    assert store.runs("other") == store.runs("toy", version=2) == []


def test_the_first_to_finish_a_run_wins(store: Store) -> None:
    assert store.write([run()], [error(0.1)]) == 1
    assert store.write([run(), run(seed=1)], [error(0.2), error(0.3, seed=1)]) == 1
    assert store.rows("toy").by_seed() == {0: 0.1, 1: 0.3}
    assert store.write([run(status=Status.FAILED, error="late")]) == 0
    assert [one.status for one in store.runs()] == [Status.DONE, Status.DONE]


def test_a_failed_run_is_kept_until_the_next_attempt(store: Store) -> None:
    store.write([run(status=Status.FAILED, error="first")])
    store.write([run(status=Status.FAILED, error="second")])
    assert [one.error for one in store.runs()] == ["second"]
    assert store.finished("toy", 1) == set()
    store.write([run()], [error()])
    assert [one.error for one in store.runs()] == [""]
    assert store.finished("toy", 1) == {run().id}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE measurements SET value = 0",
        "DELETE FROM measurements",
        "UPDATE runs SET status = 'failed'",
        "DELETE FROM runs",
        "INSERT OR REPLACE INTO measurements SELECT * FROM measurements",
        "INSERT OR REPLACE INTO runs SELECT * FROM runs",
    ],
)
def test_finished_rows_can_be_neither_changed_nor_deleted(store: Store, statement: str) -> None:
    store.write([run()], [error()])
    with pytest.raises(sqlite3.IntegrityError, match="is never"):
        store._connection.execute(statement)
    assert store.rows("toy").by_seed() == {0: 0.5}


def test_a_task_is_stored_wholly_or_not_at_all(store: Store) -> None:
    twice = [error(seed=0), error(seed=1), error(seed=1)]
    with pytest.raises(InputError, match="seed 1: a measurement cannot be stored"):
        store.write([run(), run(seed=1)], twice)
    with pytest.raises(InputError, match="error is of seed 2; the runs have seeds 0, 1"):
        store.write([run(), run(seed=1)], [error(seed=2)])
    with pytest.raises(InputError, match="error: object cannot be stored"):
        store.write(
            [run()], [Measurement("error", Estimate(0.5, details={"x": object()}, trust=Trust.EXACT))]
        )
    assert store.runs() == []
    assert store.check() == []


def test_rows_of_the_newest_version_or_of_the_one_asked_for(store: Store) -> None:
    for version in (2, 1):
        store.write([Run("toy", version, {}, 0)], [error(float(version))])
    assert store.rows("toy").by_seed() == {0: 2.0}
    assert store.rows("toy", version=1).by_seed() == {0: 1.0}
    assert len(store.rows("toy", version=3)) == len(store.rows("other")) == 0


def test_rows_of_two_data_sets_are_never_mixed(store: Store) -> None:
    for data in ("digits", "mnist"):
        store.write([run(data=data)], [error(float(len(data)))])
    with pytest.raises(StoreError, match=r"toy on 2 data sets \(digits, mnist\): pass data="):
        store.rows("toy")
    assert store.rows("toy", data="mnist").by_seed() == {0: 5.0}
    store.write([run(width=50, data="mnist")], [error(7.0)])
    assert store.rows("toy", tasks=[Task({"width": 50}, (0,))]).by_seed() == {0: 7.0}
    with pytest.raises(StoreError, match="on 2 data sets"):
        store.rows("toy", tasks=[Task({"width": 20}, (0,))])


def test_rows_of_the_tasks_asked_for_in_their_order(store: Store) -> None:
    for width in (20, 50, 200):
        store.write([run(width, seed) for seed in (0, 1)], [error(float(width), seed) for seed in (0, 1)])
    tasks = [
        Task({"width": 200}, (1,)),
        Task({"width": 20, "extra": True}, (0,)),
        Task({"width": 20}, (1, 0)),
    ]
    rows = store.rows("toy", tasks=tasks)
    assert rows.values("width").tolist() == [200, 20, 20]
    assert rows.values("seed").tolist() == [1, 1, 0]
    assert len(rows.where(extra=True)) == 0


def test_the_order_of_rows_does_not_tell_who_was_faster(tmp_path: Path) -> None:
    tables = []
    for order in (1, -1):
        with Store(tmp_path / f"{order}.sqlite") as store:
            for width in (20, 50, 200)[::order]:
                store.write([run(width, seed) for seed in (0, 1)[::order]], [error(seed=s) for s in (1, 0)])
            tables.append(list(store.rows("toy")))
    assert tables[0] == tables[1]


def test_check_finds_a_run_without_its_measurements(store: Store) -> None:
    store.write([run()], [error(step=1), error(step=2)])
    assert store.check() == []
    store._connection.execute("DROP TRIGGER measurements_are_kept")
    store._connection.execute("DELETE FROM measurements WHERE step = 2")
    assert store.check() == [f"run {run().id} has 1 of 2 measurements"]


def one_line(caught: pytest.ExceptionInfo[StoreError]) -> None:
    assert "\n" not in str(caught.value)


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("how", ["pages", "file size"])
def test_a_full_disk_is_one_line_and_loses_one_task(store: Store, how: str) -> None:
    store.write([run()], [error()])
    many = [error(seed=1, step=step) for step in range(4_000)]
    if how == "pages":
        store._connection.execute("PRAGMA max_page_count = 30")
        with pytest.raises(StoreError, match="no space left") as caught:
            store.write([run(seed=1)], many)
        store._connection.execute("PRAGMA max_page_count = 100000")
    else:
        with files_limited_to(200_000), pytest.raises(StoreError, match="disk") as caught:
            store.write([run(seed=1)], many)
    one_line(caught)
    assert store.rows("toy").by_seed() == {0: 0.5}
    assert store.check() == []
    store.write([run(seed=1)], many)
    assert len(store.rows("toy")) == 4_001


def test_a_store_locked_for_too_long_is_one_line(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as other, Store(tmp_path / "s.sqlite", wait=0.01) as store:
        other._connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"locked by another process for 0.01 s") as caught:
            store.write([run()], [error()])
        one_line(caught)
        assert len(store.rows("toy")) == 0
        other._connection.execute("ROLLBACK")
        store.write([run()], [error()])
        assert np.isclose(other.rows("toy").values(), 0.5).all()


def made_by(source: str, value: float) -> tuple[list[Run], list[Measurement]]:
    run = Run("toy", 1, {"width": 20}, seed=0, environment={SOURCE: source} if source else {})
    return [run], [Measurement("error", Estimate.exact(value), seed=0)]


def test_a_run_is_measured_again_only_where_other_code_made_it(store: Store) -> None:
    assert store.write(*made_by("", 1.0)) == 1  # as older versions stored it
    assert store.write(*made_by("b", 2.0)) == 0
    for source, value in (("b", 2.0), ("c", 3.0)):
        assert store.write(*made_by(source, value), again=True) == 1
        assert store.write(*made_by(source, 9.0), again=True) == 0
        assert store.rows("toy").by_seed(name="error") == {0: value}
        assert store.rows("toy", tasks=[Task({"width": 20}, (0,))]).by_seed() == {0: value}
    (run,) = made_by("c", 0.0)[0]
    assert store.finished("toy", 1) == {run.id} == store.finished("toy", 1, source="c")
    assert store.finished("toy", 1, source="b") == set()
    assert [run.source for run in store.runs("toy")] == ["", "b", "c"]
    assert {run.id for run in store.runs("toy")} == {run.id}
    assert store.check() == []


def test_a_failed_second_attempt_gives_way_to_the_next(store: Store) -> None:
    store.write(*made_by("a", 1.0))
    [run], _ = made_by("b", 0.0)
    for _ in range(2):
        store.write([replace(run, status=Status.FAILED, error="no")], again=True)
    assert store.rows("toy").by_seed() == {0: 1.0}
    assert store.write(*made_by("b", 2.0), again=True) == 1
    assert [run.status for run in store.runs("toy")] == [Status.DONE, Status.DONE]
