"""`levinthal check A --against B`: two runs side by side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from levinthal.cli.terminal import plain_table, stdout
from levinthal.errors import InputError
from levinthal.user_files import user_path

if TYPE_CHECKING:
    from levinthal.clinic.changes.changes import Changes
    from levinthal.clinic.changes.record import Record

MOST_LAYERS = 12
"""Rows of the table of layers."""


def is_report(name: str) -> bool:
    """Whether a name is that of a saved report.

    >>> is_report("before.json"), is_report("train.py:problem")
    (True, False)
    """
    return name.endswith(".json")


def saved(name: str) -> Record:
    """The report in a file."""
    from levinthal.clinic.changes.record import read_record

    return read_record(user_path(name, InputError))


def compared(now: Record, before: Record, *, as_json: bool) -> int:
    """Print what changed, and return the exit code."""
    from levinthal.clinic.changes.changes import changes_between

    changes = changes_between(now, before)
    if as_json:
        print(json.dumps(changes.to_json(), indent=2, allow_nan=False))
    else:
        _print(changes)
    return changes.exit_code


def record(data: dict[str, Any], name: str) -> Record:
    """The record of a run that has just ended."""
    from levinthal.clinic.changes.record import record_of

    if "trainings" in data:
        count = len(data["trainings"])
        raise InputError(f"{name} trains {count} times, and --against compares 1 training with 1 other")
    return record_of(data, name)


def _print(changes: Changes) -> None:
    console = stdout()
    now, before = changes.now, changes.before
    for label, run in (("now:   ", now), ("before:", before)):
        console.print(f"{label} {run.name}: {run.state}. {run.headline}", soft_wrap=True)
    verdict = "Worse than before." if changes.is_worse else "No worse than before."
    console.print(verdict, soft_wrap=True)
    _print_findings(changes)
    _print_numbers(changes)
    _print_layers(changes)
    note = "One run of each: a change may be of the seed. --treat compares remedies over several seeds."
    console.print(f"\n{note}", soft_wrap=True)


def _print_findings(changes: Changes) -> None:
    table = plain_table("finding", "code", "where", "severity")
    for label, rows in (("new", changes.new), ("gone", changes.gone)):
        for row in rows:
            table.add_row(label, row["code"], row["where"], row["severity"])
    for before, now in changes.kept:
        table.add_row("kept", now["code"], _moved(before, now, "where"), _moved(before, now, "severity"))
    if table.row_count:
        stdout().print("", table)
    else:
        stdout().print("\nNo findings in either run.")


def _moved(before: dict[str, Any], now: dict[str, Any], key: str) -> str:
    return str(now[key]) if before[key] == now[key] else f"{before[key]} -> {now[key]}"


def _print_numbers(changes: Changes) -> None:
    from levinthal.vocabulary import rounded

    table = plain_table("number", "before", "now")
    before, now = changes.before.numbers, changes.now.numbers
    for name in dict.fromkeys((*before, *now)):
        table.add_row(name, *(rounded(side[name]) if name in side else "" for side in (before, now)))
    stdout().print("", table)


def _print_layers(changes: Changes) -> None:
    from levinthal.vocabulary import rounded

    new, gone = changes.parameters
    for label, names in (("new", new), ("gone", gone)):
        if names:
            stdout().print(f"\nParameters {label}: {', '.join(names[:8])} ({len(names)})", soft_wrap=True)
    if not changes.layers:
        stdout().print("\nNo gradient, weight or step of a layer changed by a factor of 2 or more.")
        return
    table = plain_table("layer", "statistic", "before", "now", "times")
    for change in changes.layers[:MOST_LAYERS]:
        values = (rounded(value) for value in (change.before, change.now, float(change.ratio)))
        table.add_row(change.parameter, change.statistic, *values)
    stdout().print("", table)
    if (more := len(changes.layers) - MOST_LAYERS) > 0:
        stdout().print(f"and {more} more: --json has all")
