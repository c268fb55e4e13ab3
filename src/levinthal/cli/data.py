"""`levinthal data list | get`: which data sets there are, and fetching one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from levinthal.cli.terminal import plain_table, progress, stdout

DataDir = Annotated[
    Path | None,
    Parameter(help="Folder that holds the data sets; otherwise LEVINTHAL_DATA, otherwise your cache."),
]


def list_data(*, data_dir: DataDir = None) -> None:
    """List the data sets and where each is."""
    from levinthal.data import describe

    table = plain_table("name", "state", "about", "where")
    for entry in describe(data_dir=data_dir):
        table.add_row(entry.name, entry.state, entry.about, entry.where)
    stdout().print(table)


def get_data(name: str, /, *, data_dir: DataDir = None) -> None:
    """Download a data set and check it; a download that broke off goes on where it stopped.

    Parameters
    ----------
    name
        Its name, as `levinthal data list` gives it.
    """
    from levinthal import data

    with progress(f"getting {name}") as advance:
        folder = data.get(
            name,
            data_dir=data_dir,
            on_progress=lambda file, done, total: advance(done, total or 0, file),
        )
    stdout().print(f"{name} is in {folder}", soft_wrap=True)
