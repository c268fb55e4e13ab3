"""Several commands on one store share the tasks: each is claimed when it is handed out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from levinthal.errors import StoreError
from levinthal.lab.storage.leases import Owner
from levinthal.lab.storage.runs import Run
from levinthal.lab.storage.store import Store
from levinthal.vocabulary import Task

POLL = 0.2
"""Seconds between two looks at whether another command is done."""
log = logging.getLogger("levinthal")


@dataclass(slots=True)
class Handed:
    """A task on its way to a worker. Whether it is ours to measure is known once it is handed out."""

    task: Task
    mine: bool = True


@dataclass(frozen=True, slots=True)
class IfMine:
    """A function of a task that is called for our tasks only; for the others the answer is None."""

    function: Callable[[Task], Any]

    def __call__(self, handed: Handed) -> Any:
        """The answer for a task."""
        return self.function(handed.task) if handed.mine else None


@dataclass(slots=True)
class Sharing:
    """The claims of one sweep on its tasks.

    `runs_of` gives the runs of a task, `on_start` is called with each task that is ours, and `on_elsewhere`
    with the number of runs that another command measured, and their share of the cost.
    """

    store: Store
    runs_of: Callable[[Task], list[Run]]
    again: bool
    on_start: Callable[[Task], object]
    on_elsewhere: Callable[[int, float], object]
    owner: Owner = field(default_factory=Owner)
    elsewhere: list[Task] = field(default_factory=list)

    def start(self, handed: Handed) -> None:
        """Claim a task, or find that another command has it, or had it."""
        runs, other = self.store.claim(self.runs_of(handed.task), self.owner, again=self.again)
        handed.mine = bool(runs)
        if other:
            self.elsewhere.append(handed.task)
            return
        left = tuple(run.seed for run in runs)
        share = handed.task.cost * len(left) / len(handed.task.seeds)
        if len(left) < len(handed.task.seeds):
            self.on_elsewhere(len(handed.task.seeds) - len(left), handed.task.cost - share)
        if left:
            handed.task = replace(handed.task, seeds=left, cost=share)
            self.on_start(handed.task)

    def left(self) -> list[Handed]:
        """The tasks that other commands had, once one of them is free or all are done; waits until then."""
        tasks, self.elsewhere = self.elsewhere, []
        said = False
        while tasks and all(holders := [self.store.holder(self.runs_of(task), self.owner) for task in tasks]):
            if not said:
                are = "1 task is" if len(tasks) == 1 else f"{len(tasks)} tasks are"
                who = ", ".join(sorted(set(holders)))
                log.warning("%s measured by another command on this store (%s): waiting", are, who)
                said = True
            time.sleep(POLL)
        return [Handed(task) for task in tasks]

    def release(self) -> None:
        """Give back what was claimed and not stored."""
        with suppress(StoreError):  # claims end with their process as well
            self.store.release(self.owner)
