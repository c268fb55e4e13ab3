"""What a sweep tells whoever watches it, and how long it still takes."""

from __future__ import annotations

from dataclasses import dataclass

from levinthal.vocabulary import Task


@dataclass(frozen=True, slots=True)
class Planned:
    """What a sweep is about to do.

    Attributes:
        tasks: the number of tasks that are not finished.
        runs: their runs: a cell with one seed.
        skipped: the runs that are in the store already.
        total_cost: the sum of the costs of the tasks, in the unit of the tasks.
    """

    tasks: int
    runs: int
    skipped: int
    total_cost: float


@dataclass(frozen=True, slots=True)
class Started:
    """A task was handed out.

    Attributes:
        task: the task.
    """

    task: Task


@dataclass(frozen=True, slots=True)
class Finished:
    """A task is in the store.

    Attributes:
        task: the task.
        seconds: how long it took.
        done_cost: the sum of the costs of the tasks finished so far.
        total_cost: the sum of the costs of all tasks that have not failed.
        busy: the sum of the seconds of the tasks finished so far.
    """

    task: Task
    seconds: float
    done_cost: float
    total_cost: float
    busy: float


@dataclass(frozen=True, slots=True)
class Failed:
    """A task failed.

    Attributes:
        task: the task.
        error: the error, in one line.
        done_cost: the sum of the costs of the tasks finished so far.
        total_cost: the sum of the costs of all tasks that have not failed.
        busy: the sum of the seconds of the tasks finished so far.
    """

    task: Task
    error: str
    done_cost: float
    total_cost: float
    busy: float


Event = Planned | Started | Finished | Failed


@dataclass(frozen=True, slots=True)
class Summary:
    """How a sweep went. A run is a cell with one seed.

    Attributes:
        done: the number of runs that were measured.
        skipped: the number of runs that were in the store already.
        failed: the number of runs that failed.
        seconds: how long the sweep took.
        errors: one line for each task that failed.
        interrupted: whether Ctrl-C ended it.
    """

    done: int
    skipped: int
    failed: int
    seconds: float
    errors: tuple[str, ...] = ()
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """0 where all went well, 1 where a task failed, 130 after Ctrl-C."""
        return 130 if self.interrupted else int(self.failed > 0)


def time_left(done_cost: float, total_cost: float, busy: float, workers: int) -> float | None:
    """Seconds left of a sweep: `busy / done_cost * (total_cost - done_cost) / workers`.

    Args:
        done_cost: cost of the finished tasks, in the study's own unit.
        total_cost: cost of all tasks, in the same unit.
        busy: seconds that the workers spent on the finished tasks, summed over tasks. It is not the elapsed
            time, which would include the unfinished tasks.
        workers: how many tasks run at once.

    Returns:
        Seconds, or None before the first task is finished.

    >>> time_left(10, 30, busy=20.0, workers=2)
    20.0
    """
    if done_cost <= 0:
        return None
    return busy / done_cost * max(total_cost - done_cost, 0.0) / workers
