"""How the measurements of runs become Rows; those that are not as they were stored are left out."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from levinthal.errors import StoreError
from levinthal.lab.storage.heads import Head
from levinthal.lab.storage.integrity import BODY, Damage, body_sum, fetched
from levinthal.lab.storage.rows import Rows
from levinthal.lab.storage.table import Levels, table

LONG = BODY[1:]


class Loaded(NamedTuple):
    """Rows, and the runs that were left out."""

    rows: Rows
    damaged: list[Damage]


def loaded(
    connection: sqlite3.Connection,
    runs: Sequence[Head],
    known: Levels,
    written: Collection[str | float] | None = None,
) -> Loaded:
    """The measurements of the runs; `known` and `written` as in `Table`."""
    found = _fetched(connection, runs)
    changed = _changed(runs, found)
    if changed:
        lost = {head.number for head in changed}
        runs = [head for head in runs if head.number not in lost]
        found = [row for row in found if row[0] not in lost]
    try:
        return Loaded(_assembled(runs, found, known, written), [head.damage() for head in changed])
    except (TypeError, ValueError) as error:  # of runs without a checksum: nobody has looked at them
        raise StoreError(
            f"runs without a checksum cannot be read ({error}): `levinthal store check` says more"
        ) from error


def damaged(connection: sqlite3.Connection, runs: Sequence[Head]) -> list[Head]:
    """The runs whose measurements are not as they were stored."""
    return _changed(runs, _fetched(connection, runs))


def _fetched(connection: sqlite3.Connection, runs: Sequence[Head]) -> list[Any]:
    query = f"""SELECT {", ".join(BODY)} FROM measurements
                WHERE run IN (SELECT value FROM json_each(?))
                ORDER BY run, step, layer, name, condition"""
    return fetched(connection, query, (json.dumps([head.number for head in runs]),))


def _changed(runs: Sequence[Head], found: Sequence[Sequence[Any]]) -> list[Head]:
    """The runs whose measurements do not have the checksum that was stored with them."""
    groups = {number: list(group) for number, group in groupby(found, key=itemgetter(0))}
    sealed = (head for head in runs if head.body is not None)
    return [head for head in sealed if body_sum(groups.get(head.number, ())) != head.body]


def _assembled(
    runs: Sequence[Head],
    found: Sequence[Sequence[Any]],
    known: Levels,
    written: Collection[str | float] | None,
) -> Rows:
    taken: Sequence[Sequence[Any]] = list(zip(*found, strict=True)) if found else [()] * len(BODY)
    cells = {text: i for i, text in enumerate(dict.fromkeys(head.cell for head in runs))}
    place = {head.number: cells[head.cell] for head in runs}
    seeds = {head.number: head.seed for head in runs}
    columns: dict[str, Sequence[Any]] = dict(zip(LONG, taken[1:], strict=True))
    columns["seed"] = [seeds[number] for number in taken[0]]
    long = table(map(json.loads, cells), [place[number] for number in taken[0]], columns, known, written)
    # Runs are stored as they finish; they are read in an order that does not depend on who was faster.
    rank = {head.number: i for i, head in enumerate(runs)}
    order = np.argsort(np.array([rank[number] for number in taken[0]], dtype=np.int64), kind="stable")
    return Rows(long, order)
