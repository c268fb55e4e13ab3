from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_study
from hypothesis import given
from hypothesis import strategies as st

from levinthal.errors import InputError, StoreError
from levinthal.lab import (
    Event,
    Failed,
    Finished,
    Inline,
    Planned,
    Processes,
    Started,
    Status,
    Store,
    sweep,
    time_left,
)
from levinthal.lab.execution import sweep as sweep_module
from levinthal.lab.execution.source import measure_source
from levinthal.vocabulary import Dataset, Task

BOTH = pytest.mark.parametrize("executor", [Inline(), Processes(2)], ids=["inline", "processes"])


@BOTH
def test_a_finished_run_is_never_run_again(store: Store, log: Path, executor: Any) -> None:
    study = toy_study.toy(toy_study.tasks())
    first = sweep(study, "only", store, executor=executor)
    second = sweep(study, "only", store, executor=executor)
    assert (first.done, first.skipped, first.failed, first.exit_code) == (4, 0, 0, 0)
    assert (second.done, second.skipped, second.failed, second.exit_code) == (0, 4, 0, 0)
    assert len(log.read_text().splitlines()) == 4
    rows = store.rows("toy", tasks=study.presets["only"].tasks).where(name="error")
    expected = [
        m for task in toy_study.tasks() for seed in task.seeds for m in toy_study.one_seed(task, seed)
    ]
    assert [row.measurement for row in rows] == [m for m in expected if m.name == "error"]


@BOTH
def test_a_failed_task_is_recorded_and_tried_again_and_the_others_go_on(store: Store, executor: Any) -> None:
    study = toy_study.toy(toy_study.tasks("boom", "unstorable"))
    for _ in range(2):
        summary = sweep(study, "only", store, executor=executor)
        assert (summary.failed, summary.exit_code, len(summary.errors)) == (4, 1, 2)
        assert sum(run.status is Status.DONE for run in store.runs()) == 4
        errors = {run.cell["fault"]: run.error for run in store.runs() if run.status is Status.FAILED}
        assert errors["boom"].startswith("RuntimeError: the loss is nan (toy_study.py:")
        assert errors["unstorable"].endswith(
            "'error': object cannot be stored: numbers, text, lists and mappings can"
        )
    assert any("fault=boom" in line and "seeds 0, 1" in line for line in summary.errors)
    assert store.check() == []


def test_a_worker_that_is_killed_fails_its_task_only(store: Store) -> None:
    summary = sweep(toy_study.toy(toy_study.tasks("die")), "only", store, executor=Processes(2))
    assert (summary.done, summary.failed) == (4, 2)
    [failed, _] = [run for run in store.runs() if run.status is Status.FAILED]
    assert "the worker process ended in the middle of its task (signal 9" in failed.error


def test_ctrl_c_keeps_what_is_finished_and_the_next_call_goes_on(store: Store, log: Path) -> None:
    tasks = toy_study.tasks(widths=(20,)) + toy_study.tasks("interrupt", widths=())
    more = toy_study.tasks(widths=(50,))
    first = sweep(toy_study.toy(tasks + more), "only", store)
    assert (first.done, first.interrupted, first.exit_code) == (2, True, 130)
    second = sweep(toy_study.toy(tasks[:1] + more), "only", store)
    assert (second.done, second.skipped, second.interrupted) == (2, 2, False)
    assert len(log.read_text().splitlines()) == 2 + 2 + 2


def test_seed_by_seed_each_finished_seed_is_stored_at_once(store: Store, log: Path) -> None:
    fault = Task({"width": 20, "fault": "interrupt_at_two"}, seeds=(0, 1, 2, 3))
    study = replace(toy_study.toy((fault,)), seed_by_seed=True)
    first = sweep(study, "only", store)
    assert (first.done, first.interrupted) == (2, True)
    assert {run.seed: run.environment["seeds"] for run in store.runs()} == {0: [0], 1: [1]}
    assert sweep(study, "only", store).skipped == 2
    assert log.read_text().count("\n") == 3 + 1  # the finished seeds are not measured again


def test_again_measures_what_other_code_made_and_nothing_twice(
    store: Store, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = toy_study.toy(toy_study.tasks(widths=(20,)))
    sweep(study, "only", store)
    assert {run.source for run in store.runs()} == {measure_source(study.measure)}
    assert sweep(study, "only", store, again=True).done == 0
    monkeypatch.setattr(sweep_module, "measure_source", lambda measure: "edited")
    assert sweep(study, "only", store).done == 0
    assert [sweep(study, "only", store, again=True).done for _ in range(2)] == [2, 0]
    assert log.read_text().count("\n") == 4
    assert len(store.rows("toy").where(name="error", step=1)) == 2


@BOTH
def test_seed_by_seed_gives_the_rows_of_whole_tasks(tmp_path: Path, executor: Any) -> None:
    found = []
    for apart in (False, True):
        with Store(tmp_path / f"{apart}.sqlite") as store:
            study = replace(toy_study.toy(toy_study.tasks(seeds=(0, 1, 2))), seed_by_seed=apart)
            summary = sweep(study, "only", store, executor=executor)
            rows = store.rows("toy", tasks=study.presets["only"].tasks).where(name="error")
            found.append((summary.done, list(rows)))
    assert found[0] == found[1]


def test_only_the_missing_seeds_of_a_task_are_run(store: Store, log: Path) -> None:
    sweep(toy_study.toy(toy_study.tasks(widths=(20,), seeds=(1,))), "only", store)
    summary = sweep(toy_study.toy(toy_study.tasks(widths=(20,), seeds=(0, 1, 2))), "only", store)
    assert (summary.done, summary.skipped) == (2, 1)
    groups = {run.seed: run.environment["seeds"] for run in store.runs()}
    assert groups == {1: [1], 0: [0, 2], 2: [0, 2]}
    assert len(log.read_text().splitlines()) == 3


def test_a_cell_that_stands_twice_in_a_preset_is_run_once(store: Store, log: Path) -> None:
    tasks = toy_study.tasks(widths=(20,)) + toy_study.tasks(widths=(20,), seeds=(1, 2, 2))
    summary = sweep(toy_study.toy(tasks), "only", store)
    assert (summary.done, summary.skipped) == (3, 0)
    assert len(log.read_text().splitlines()) == 3


def test_a_new_version_or_other_data_are_other_runs(store: Store, log: Path) -> None:
    tasks = toy_study.tasks(widths=(20,), seeds=(0,))
    for version, checksum in ((1, "a"), (1, "b"), (2, "b"), (2, "b")):
        sweep(toy_study.toy(tasks, version=version, data="digits"), "only", store, data=dataset(checksum))
    assert len(log.read_text().splitlines()) == 3
    assert [(run.version, run.data) for run in store.runs()] == [(1, "a"), (1, "b"), (2, "b")]


def dataset(checksum: str) -> Dataset:
    none, labels = np.zeros((0, 1), dtype=np.float32), np.zeros(0, dtype=np.int64)
    return Dataset("digits", none, labels, none, labels, 2, checksum)


def test_events_tell_the_whole_story(store: Store) -> None:
    heard: list[Event] = []
    tasks = toy_study.tasks("boom", widths=(20, 50))
    sweep(toy_study.toy(tasks), "only", store, on_event=heard.append)
    assert heard[0] == Planned(tasks=3, runs=6, skipped=0, total_cost=71.0)
    assert [type(event) for event in heard[1:]] == [Started, Finished, Started, Finished, Started, Failed]
    assert [event.done_cost for event in heard if isinstance(event, Finished)] == [20.0, 70.0]
    assert [event.total_cost for event in heard if isinstance(event, Failed)] == [70.0]
    finished = [event for event in heard if isinstance(event, Finished)]
    assert finished[-1].busy == sum(event.seconds for event in finished)
    assert [event.task for event in heard if isinstance(event, Started)] == list(tasks)


def test_many_workers_begin_with_the_longest_task(store: Store) -> None:
    heard: list[Event] = []
    sweep(toy_study.toy(toy_study.tasks()), "only", store, executor=Processes(2), on_event=heard.append)
    assert [event.task.cost for event in heard if isinstance(event, Started)] == [50.0, 20.0]


def test_an_unknown_preset_is_offered_the_nearest_one(store: Store) -> None:
    with pytest.raises(InputError, match="unknown preset 'onyl': did you mean 'only'"):
        sweep(toy_study.toy(()), "onyl", store)


def test_data_that_are_missing(store: Store) -> None:
    with pytest.raises(InputError, match="preset 'only' of toy needs the data set 'digits': pass data="):
        sweep(toy_study.toy(toy_study.tasks(), data="digits"), "only", store)


def test_no_seeds_and_no_scalars(store: Store) -> None:
    with pytest.raises(InputError, match=r"a task of toy has 0 seeds \(width=20\)"):
        sweep(toy_study.toy(toy_study.tasks(widths=(20,), seeds=())), "only", store)
    with pytest.raises(InputError, match="factor 'width' is"):
        sweep(toy_study.toy((Task({"width": [20]}, (0,)),)), "only", store)  # type: ignore[dict-item]


def test_a_store_that_cannot_be_written_is_one_line_before_anything_is_measured(
    store: Store, log: Path
) -> None:
    store._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="is read-only"):
        sweep(toy_study.toy(toy_study.tasks()), "only", store)
    assert log.read_text() == ""


def test_another_process_may_be_first(tmp_path: Path) -> None:
    class Rival(Inline):
        def run(self, function: Any, items: Any, on_start: Any) -> Any:
            sweep(study, "only", other)
            return Inline().run(function, items, on_start)

    study = toy_study.toy(toy_study.tasks())
    with Store(tmp_path / "s.sqlite") as store, Store(tmp_path / "s.sqlite") as other:
        summary = sweep(study, "only", store, executor=Rival())
        assert (summary.done, summary.skipped, summary.failed) == (0, 4, 0)
        assert store.check() == []


def test_several_processes_share_one_store(tmp_path: Path) -> None:
    command = [sys.executable, str(Path(__file__).parents[1] / "sweeping.py"), str(tmp_path / "s.sqlite")]
    sweeping = [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = "".join(process.communicate(timeout=60)[1] for process in sweeping)
    assert all("measured by another command on this store" in line for line in said.splitlines())
    assert [process.returncode for process in sweeping] == [0, 0, 0]
    with Store(tmp_path / "s.sqlite", read_only=True) as store:
        assert len(store.runs()) == 6
        assert store.check() == []


@given(st.floats(0.1, 10), st.floats(0, 10), st.integers(1, 8), st.floats(0.01, 10))
def test_time_left_is_exact_where_cost_is_time(done: float, left: float, workers: int, speed: float) -> None:
    busy = done / speed
    assert time_left(done, done + left, busy, workers) == pytest.approx(left / speed / workers)


def test_no_time_is_promised_before_anything_is_done() -> None:
    assert time_left(0.0, 10.0, 0.0, 2) is None
    assert time_left(10.0, 10.0, 3.0, 2) == 0.0
