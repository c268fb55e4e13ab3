"""`levinthal data list | get`: which data sets there are, and fetching one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from levinthal.cli.terminal import Advance, clock, plain_table, progress, stdout

DataDir = Annotated[
    Path | None,
    Parameter(help="The folder of the data sets. Without it: LEVINTHAL_DATA, or else your cache folder."),
]


def list_data(*, data_dir: DataDir = None) -> None:
    """List the data sets and the place of each."""
    from levinthal.data import describe

    entries = list(describe(data_dir=data_dir))
    table = plain_table("name", "state", "about")
    for entry in entries:
        table.add_row(entry.name, entry.state, entry.about)
    console = stdout()
    console.print(table)
    for entry in entries:  # a path is printed whole, to be copied, however narrow the window is
        console.print(f"{entry.name}: {entry.where}", soft_wrap=True)


def get_data(
    name: str,
    /,
    *,
    data_dir: DataDir = None,
    base_url: Annotated[
        str | None, Parameter(help="An https server that has the files, in the place of the known ones.")
    ] = None,
) -> None:
    """Download a data set and check it; an interrupted download continues where it stopped.

    Parameters
    ----------
    name
        The name of the data set, as `levinthal data list` shows it.
    """
    from levinthal import data

    with progress(f"getting {name}") as advance:
        folder = data.get(name, data_dir=data_dir, base_url=base_url, on_progress=_Listener(advance))
    stdout().print(f"{name} is in {folder}", soft_wrap=True)


class _Listener:
    """Turns the bytes of a download into the progress bar, file by file."""

    def __init__(self, advance: Advance) -> None:
        self.advance, self.file = advance, ""

    def __call__(self, file: str, done: int, total: int | None) -> None:
        if file != self.file:
            self.file, self.began, self.clock = file, done, time.monotonic()
        left = seconds_left(done - self.began, (total or 0) - done, time.monotonic() - self.clock)
        note = f"{file}, {done / 1e6:.1f} MB"
        self.advance(done, total or 0, note if left is None else f"{note}, {clock(left)} left")


def seconds_left(done: float, remaining: float, elapsed: float) -> float | None:
    """What the same pace still needs; None before anything is done, or where the end is not known.

    >>> seconds_left(25, 75, 30.0)
    90.0
    """
    return elapsed * remaining / done if done > 0 and remaining >= 0 else None
