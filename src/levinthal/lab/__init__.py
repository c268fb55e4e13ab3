"""The laboratory: the store, the sweep, statistics and verdicts."""

from __future__ import annotations

from levinthal.lab.executors import Executor, Inline
from levinthal.lab.processes import Processes, WorkerDied
from levinthal.lab.rows import Rows
from levinthal.lab.runs import Run, Status, run_id
from levinthal.lab.store import Store
from levinthal.lab.sweep import Event, Failed, Finished, Planned, Started, Summary, sweep, time_left

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
