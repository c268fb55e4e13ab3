"""A sweep: which runs of a preset are missing, and the way they get into the store."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial

from levinthal.errors import InputError, require_one_of
from levinthal.lab.execution.events import Event, Failed, Finished, Planned, Started, Summary
from levinthal.lab.execution.executors import Executor, Inline, ignore
from levinthal.lab.execution.freezing import cells_of, frozen_now
from levinthal.lab.execution.measuring import Measured, Measuring
from levinthal.lab.execution.own_code import in_one_line
from levinthal.lab.execution.sharing import Handed, IfMine, Sharing
from levinthal.lab.execution.soundness import listed
from levinthal.lab.execution.source import measure_source
from levinthal.lab.storage.runs import SOURCE, Run, Status, run_id
from levinthal.lab.storage.store import Store
from levinthal.vocabulary import Dataset, Preset, Study, Task


def sweep(
    study: Study,
    preset: str,
    store: Store,
    *,
    executor: Executor | None = None,
    device: str = "cpu",
    data: Dataset | None = None,
    again: bool = False,
    defined: Study | None = None,
    on_event: Callable[[Event], None] = ignore,
) -> Summary:
    """Compute what the store lacks of a preset, each task in one transaction.

    A finished run is never computed again; a failed one is. The seeds of a task are measured together,
    less those that are finished, because an ensemble trains them at once. A study that is `seed_by_seed`
    is measured and stored one seed at a time. A task that fails is recorded with its error and the others
    go on. Ctrl-C ends the sweep, retains what is finished, and the next call goes on from there. Several
    sweeps on one store share the tasks: each is measured by the one that claims it first, and a sweep ends
    when all tasks are finished. The tasks of a process that died are taken over.

    Args:
        study: what to measure.
        preset: the name of one of its presets.
        store: where finished runs are, and where new ones go.
        executor: computes the tasks; one after another in this process where not given.
        device: "cpu" or "cuda", passed on to the study's `measure`.
        data: the preset's data set, for a preset that names one.
        again: also measure the runs that another `measure` made: one whose code has changed since. The old
            runs stay in the store; the newest of each is read.
        defined: the study as its file defines it, where `study` has a preset that was narrowed or extended.
            Its claims and its preset are stored before the first run (`Store.freeze`).
        on_event: called with Planned once, then Started and Finished or Failed for each task.

    Returns:
        Counts of runs, seconds on the wall, and one line for each error.

    Raises:
        InputError: an unknown preset, a task without seeds, or data that are missing.
        StoreError: the store cannot be written.
    """
    chosen = study.presets[require_one_of("preset", preset, study.presets)]
    if chosen.data is not None and data is None:
        raise InputError(f"preset '{preset}' of {study.name} needs the data set '{chosen.data}': pass data=")
    runner = executor if executor is not None else Inline()
    checksum = data.checksum if data is not None else ""
    source = measure_source(study.measure)
    tasks, skipped = missing(study, chosen, store, checksum, source=source if again else None)
    whole = defined if defined is not None else study
    store.freeze(frozen_now(whole, preset), cells_of(whole, whole.presets[preset], checksum))
    if study.seed_by_seed:
        tasks = [alone for task in tasks for alone in one_seed_each(task)]
    if runner.workers > 1:  # the longest first, so that no worker is left alone with it at the end
        tasks.sort(key=lambda task: -task.cost)
    total = sum(task.cost for task in tasks)
    tally = _Tally(study, store, checksum, source, again, on_event, skipped, total)
    on_event(Planned(len(tasks), sum(len(task.seeds) for task in tasks), skipped, tally.total_cost))
    sharing = Sharing(store, tally.planned, again, tally.start, tally.skip)
    function, handed = IfMine(Measuring(study.measure, data, device)), [Handed(task) for task in tasks]
    try:
        while handed:
            with closing(runner.run(function, handed, sharing.start)) as answers:
                for one, answer in answers:
                    tally.take(one.task, answer)
            handed = sharing.left()
    except KeyboardInterrupt:
        return tally.summary(interrupted=True)
    finally:
        sharing.release()
    return tally.summary()


def missing(
    study: Study, preset: Preset, store: Store, data: str = "", *, source: str | None = None
) -> tuple[list[Task], int]:
    """The tasks that remain, each with the seeds that are not finished, and the number of runs that are.

    With `source`, a run counts as finished only if a `measure` with that hash made it.
    """
    finished = store.finished(study.name, study.version, data, source=source)
    seen: set[str] = set()
    tasks, skipped = [], 0
    for task in preset.tasks:
        if not task.seeds:
            raise InputError(f"a task of {study.name} has 0 seeds ({_named(task)}): at least 1 is needed")
        ids = {run_id(study.name, study.version, task.cell, seed, data): seed for seed in task.seeds}
        skipped += len(ids.keys() & finished - seen)
        left = tuple(seed for name, seed in ids.items() if name not in finished | seen)
        seen |= ids.keys()
        if left:
            tasks.append(replace(task, seeds=left, cost=task.cost * len(left) / len(task.seeds)))
    return tasks, skipped


def one_seed_each(task: Task) -> list[Task]:
    """The task as one task a seed, each with its share of the cost.

    >>> one_seed_each(Task({"width": 20}, seeds=(0, 3), cost=4.0))
    [Task(cell={'width': 20}, seeds=(0,), cost=2.0), Task(cell={'width': 20}, seeds=(3,), cost=2.0)]
    """
    return [replace(task, seeds=(seed,), cost=task.cost / len(task.seeds)) for seed in task.seeds]


def _named(task: Task) -> str:
    return " ".join(f"{key}={value}" for key, value in task.cell.items()) or "no factors"


@dataclass(slots=True)
class _Tally:
    """Writes answers to the store and keeps count."""

    study: Study
    store: Store
    data: str
    source: str
    again: bool
    on_event: Callable[[Event], None]
    skipped: int
    total_cost: float
    done_cost: float = 0.0
    busy: float = 0.0
    done: int = 0
    failed: int = 0
    errors: list[str] = field(default_factory=list)
    clock: float = field(default_factory=time.perf_counter)

    def start(self, task: Task) -> None:
        self.on_event(Started(task))

    def skip(self, runs: int, cost: float) -> None:
        """Another command measured some of the runs."""
        self.skipped += runs
        self.total_cost -= cost

    def take(self, task: Task, answer: Measured | Exception | None) -> None:
        if answer is None:  # another command has the task, or had it
            return
        if isinstance(answer, Exception):
            answer = Measured((), in_one_line(answer), {}, "", 0.0)
        error = answer.error or self._refusal(task, answer)
        if error:
            self._fail(task, replace(answer, error=error, measurements=()))
        else:
            self._finish(task, answer)

    def _refusal(self, task: Task, answer: Measured) -> str:
        """Store a task; what the store says where a measurement cannot be stored."""
        try:
            new = self.store.write(self._runs(task, answer), answer.measurements, again=self.again)
        except InputError as error:
            return str(error)
        self.done += new
        self.skipped += len(task.seeds) - new  # another process was first
        return ""

    def _finish(self, task: Task, answer: Measured) -> None:
        self.done_cost += task.cost
        self.busy += answer.duration
        costs = (self.done_cost, self.total_cost, self.busy)
        self.on_event(Finished(task, answer.duration, *costs))

    def _fail(self, task: Task, answer: Measured) -> None:
        self.store.write(self._runs(task, answer), again=self.again)
        self.failed += len(task.seeds)
        self.total_cost -= task.cost
        self.errors.append(f"{_named(task)} seeds {listed(task.seeds)}: {answer.error}")
        self.on_event(Failed(task, answer.error, self.done_cost, self.total_cost, self.busy))

    def planned(self, task: Task) -> list[Run]:
        """The runs of a task, before it is measured."""
        name, version, made_by = self.study.name, self.study.version, {SOURCE: self.source}
        return [Run(name, version, task.cell, seed, self.data, environment=made_by) for seed in task.seeds]

    def _runs(self, task: Task, answer: Measured) -> list[Run]:
        known = partial(
            replace,
            status=Status.FAILED if answer.error else Status.DONE,
            error=answer.error,
            environment={**answer.environment, SOURCE: self.source},
            started=answer.started,
            duration=answer.duration,
        )
        return [known(run) for run in self.planned(task)]

    def summary(self, *, interrupted: bool = False) -> Summary:
        seconds = time.perf_counter() - self.clock
        return Summary(self.done, self.skipped, self.failed, seconds, tuple(self.errors), interrupted)
