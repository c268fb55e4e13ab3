"""Two sweeps on one store measure each task once, and each ends when all are finished."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import toy_study

from levinthal.lab import Inline, Store, Summary, sweep
from levinthal.lab.execution import sharing
from levinthal.lab.storage.leases import Owner
from levinthal.lab.storage.runs import Run
from levinthal.vocabulary import Task

TASKS = toy_study.tasks(widths=(20, 50, 200), seeds=(0,))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "POLL", 0.01)


def runs(task: Task) -> list[Run]:
    return [Run("toy", 1, task.cell, seed) for seed in task.seeds]


def test_two_sweeps_share_the_tasks(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first_is_at_work, go_on = threading.Event(), threading.Event()

    def slow(task: Task, **known: Any) -> Iterator[Any]:
        if task.cell["width"] == 20 and not first_is_at_work.is_set():
            first_is_at_work.set()
            assert go_on.wait(30)
        yield from toy_study.measure(task, **known)

    study = replace(toy_study.toy(TASKS), measure=slow)
    found: list[Summary] = []

    def one() -> None:
        with Store(tmp_path / "s.sqlite") as store:
            found.append(sweep(study, "only", store))

    other = threading.Thread(target=one)
    other.start()
    assert first_is_at_work.wait(30)
    said: list[str] = []

    def hear(text: str, *words: object) -> None:
        said.append(text % words)
        go_on.set()  # the first goes on once the second waits for it

    monkeypatch.setattr(sharing.log, "warning", hear)
    with Store(tmp_path / "s.sqlite") as store:
        mine = sweep(study, "only", store)
        other.join()
        assert store.check() == []
        assert len(store.runs()) == 3
    assert len(log.read_text().splitlines()) == 3
    assert (mine.done, mine.skipped, mine.failed) == (2, 1, 0)
    assert (found[0].done, found[0].skipped) == (1, 2)
    assert [line.partition(" (")[0] for line in said] == [
        "1 task is measured by another command on this store"
    ]


def test_the_tasks_of_a_dead_process_are_taken_over(store: Store, log: Path) -> None:
    store.claim(runs(TASKS[0]), replace(Owner(), begun="1"))
    assert sweep(toy_study.toy(TASKS), "only", store).done == 3


def test_a_task_that_is_freed_while_waiting_is_taken_over(store: Store, log: Path) -> None:
    other = Owner()
    store.claim(runs(TASKS[0]), other)

    class Free(Inline):
        def run(self, function: Any, items: Any, on_start: Any) -> Any:
            yield from Inline().run(function, items, on_start)
            store.release(other)

    assert sweep(toy_study.toy(TASKS), "only", store, executor=Free()).done == 3


def test_an_interrupted_sweep_gives_its_claims_back(store: Store) -> None:
    tasks = toy_study.tasks("interrupt", widths=())
    assert sweep(toy_study.toy(tasks), "only", store).interrupted
    assert store.holder(runs(tasks[0]), Owner()) == ""
