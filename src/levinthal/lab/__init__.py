"""The laboratory: the store, the sweep, statistics and verdicts."""

from __future__ import annotations

from levinthal.lab.execution.events import (
    Event,
    Failed,
    Finished,
    Planned,
    Started,
    Summary,
    time_left,
)
from levinthal.lab.execution.executors import Executor, Inline
from levinthal.lab.execution.processes import Processes, WorkerDied
from levinthal.lab.execution.sweep import sweep
from levinthal.lab.storage.rows import Rows
from levinthal.lab.storage.runs import Run, Status, run_id
from levinthal.lab.storage.store import Store

__all__ = [
    "Event",
    "Executor",
    "Failed",
    "Finished",
    "Inline",
    "Planned",
    "Processes",
    "Rows",
    "Run",
    "Started",
    "Status",
    "Store",
    "Summary",
    "WorkerDied",
    "run_id",
    "sweep",
    "time_left",
]
