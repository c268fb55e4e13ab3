"""The laboratory: the store, the sweep, statistics and verdicts."""

from __future__ import annotations

from levinthal.lab.rows import Rows
from levinthal.lab.runs import Run, Status, run_id
from levinthal.lab.store import Store

__all__ = ["Rows", "Run", "Status", "Store", "run_id"]
