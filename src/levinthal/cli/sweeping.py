"""A sweep in the terminal: its progress, its errors, and how it went."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from levinthal.cli.terminal import Advance, clock, notice, stdout

if TYPE_CHECKING:
    from levinthal.lab import Event, Summary

SHOWN_ERRORS = 5


class Listener:
    """Turns the events of a sweep into the progress bar."""

    def __init__(self, advance: Advance, workers: int) -> None:
        self.advance, self.workers = advance, workers
        self.tasks = self.ended = 0

    def __call__(self, event: Event) -> None:
        """Show an event."""
        from levinthal.lab import Failed, Finished, Planned, time_left

        if isinstance(event, Planned):
            self.tasks = event.tasks
            if event.tasks:
                self.advance(0, event.total_cost, f"0 of {event.tasks} tasks")
        elif isinstance(event, Finished | Failed):
            self.ended += 1
            left = time_left(event.done_cost, event.total_cost, event.busy, self.workers)
            note = f"{self.ended} of {self.tasks} tasks"
            note += f", {clock(left)} left" if left else ""
            self.advance(event.done_cost, event.total_cost, note)


def print_summary(summary: Summary, store: Path) -> None:
    """How the sweep went, in a line, and a line for each error."""
    for error in summary.errors[:SHOWN_ERRORS]:
        notice(f"failed: {error}")
    if len(summary.errors) > SHOWN_ERRORS:
        notice(f"and {len(summary.errors) - SHOWN_ERRORS} more tasks failed")
    if summary.interrupted:
        notice("interrupted: finished runs are stored, and the same command continues")
    counts = (
        f"{summary.done} runs measured in {clock(summary.seconds)}, {summary.skipped} were stored already"
    )
    failed = f", {summary.failed} failed" if summary.failed else ""
    stdout().print(f"{counts}{failed} (store: {store})\n", soft_wrap=True)
