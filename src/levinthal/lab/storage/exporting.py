"""All that a store holds, as text for other programs."""

from __future__ import annotations

import io
import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from levinthal.lab.storage import integrity, reading
from levinthal.lab.storage.csv_files import write_csv
from levinthal.lab.storage.heads import Head, heads
from levinthal.lab.storage.integrity import BODY, TABLES, Damage

CSV, LINES, FOLDER = ".csv", ".jsonl", ""
"""One table of measurements; a line of JSON for each run; a folder with a table for each kind of row."""
_RUN = TABLES["runs"][1:]
_JSON = ("cell", "environment", "reasons", "details", "claims")
Table = Mapping[str, list[Any]]


def texts(connection: sqlite3.Connection, form: str) -> tuple[dict[str, str], list[Damage]]:
    """A store as text; what is damaged is left out.

    Args:
        connection: the store.
        form: `CSV`, `LINES` or `FOLDER`.

    Returns:
        The text of each file by its name (one file has the name ""), and what was left out.
    """
    found = heads(connection)
    damaged = [*found.faults()]
    lost = reading.damaged(connection, found.heads)
    damaged += [head.damage() for head in lost]
    runs = [head for head in found.heads if head not in lost]
    others = {table: integrity.read(connection, table) for table in ("frozen", "analyses")}
    damaged += [damage for read in others.values() for damage in read.damaged]
    records = {
        table: [dict(zip(TABLES[table], row, strict=False)) for row in read.rows]
        for table, read in others.items()
    }
    if form == CSV:
        return {"": _csv([*_RUN, *BODY[1:]], _joined(connection, runs))}, damaged
    if form == LINES:
        lines = [
            *_lines(connection, runs),
            *({"kind": kind, **row} for kind, rows in records.items() for row in rows),
        ]
        return {"": "".join(f"{_json(line)}\n" for line in lines)}, damaged
    files = {"runs.csv": _csv(TABLES["runs"], ([getattr(h, k) for k in TABLES["runs"]] for h in runs))}
    files["measurements.csv"] = _csv(
        BODY, (row for head in runs for row in integrity.measurements(connection, head.number))
    )
    return files | {
        f"{kind}.csv": _csv(TABLES[kind], (row.values() for row in rows)) for kind, rows in records.items()
    }, damaged


def _joined(connection: sqlite3.Connection, runs: Iterable[Head]) -> Iterator[list[Any]]:
    """Each measurement beside its run; a run without any has one line of its own."""
    for head in runs:
        own = [getattr(head, name) for name in _RUN]
        for row in integrity.measurements(connection, head.number) or [[None] * len(BODY)]:
            yield [*own, *row[1:]]


def _lines(connection: sqlite3.Connection, runs: Iterable[Head]) -> Iterator[dict[str, Any]]:
    for head in runs:
        own = {name: getattr(head, name) for name in _RUN}
        rows = [
            dict(zip(BODY[1:], row[1:], strict=True))
            for row in integrity.measurements(connection, head.number)
        ]
        yield {"kind": "run", **own, "measurements": rows}


def _csv(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO()
    taken = list(zip(*rows, strict=True)) or [()] * len(columns)
    write_csv(text, zip(columns, taken, strict=True))
    return text.getvalue()


def _json(row: Mapping[str, Any]) -> str:
    return json.dumps(_plain(row), ensure_ascii=False, allow_nan=False)


def _plain(value: Any, key: str = "") -> Any:
    """A value as JSON has it: texts of JSON as what they say, infinity as text."""
    if isinstance(value, Mapping):
        return {name: _plain(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if key in _JSON and isinstance(value, str):
        return _plain(json.loads(value))
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
