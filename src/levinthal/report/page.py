"""The page: question and answer, verdicts, figures, how far to believe it, provenance, in one HTML file."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from levinthal.lab.execution.executors import ignore
from levinthal.lab.judging.expected import expected_false
from levinthal.lab.storage import csv_files
from levinthal.lab.storage.rows import Rows
from levinthal.report import painting
from levinthal.report.believing import beliefs
from levinthal.report.explained import meanings
from levinthal.report.record import NO_RECORD, Record
from levinthal.report.shell import rendered
from levinthal.report.verdicts import (
    answer,
    answer_fault,
    control_text,
    entries,
    level_of,
    null_text,
    origin,
    tally,
)
from levinthal.vocabulary import Study, Verdict
from levinthal.written_files import write_whole
from levinthal.written_files.kinds import PACKED_ROWS, PAGE

EMBEDDED_BYTES = 500_000
"""Compressed rows up to this size travel inside the page; larger ones would make it larger than 1.5 MB."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows as a gzipped CSV: inside the page (base64), or the name of the file beside it."""

    name: str
    rows: int
    inside: str = ""
    beside: str = ""


def write_report(
    study: Study,
    preset: str,
    rows: Rows,
    verdicts: Sequence[Verdict],
    provenance: Mapping[str, str | int | float],
    path: Path,
    *,
    progress: str = "",
    part: str = "",
    record: Record = NO_RECORD,
    on_fault: Callable[[str], object] = ignore,
) -> Path:
    """Write the report of a study as one page that works offline.

    The page names what is missing: no rows, no verdict of a claim, a figure that fails. It is written
    completely or not at all. A table above 0.5 MB (compressed) is written beside it, as `NAME.csv.gz`.

    Args:
        study: what was run.
        preset: the name of its preset.
        rows: the measurements; the figures are drawn from them.
        verdicts: of its claims; a claim without one is shown as not judged yet.
        provenance: facts for the foot of the page by name, such as seeds, versions and the command.
        path: the HTML file to write; a file that is there is replaced only where it is such a page.
        progress: such as "12 of 40 tasks done", for a study that is not finished.
        part: such as "24 of the preset's 96 runs", for a page of a part of the preset.
        record: how the claims stand to those that were frozen before the run.
        on_fault: called with one line for each figure that fails, and for an answer that fails; the page
            shows it as well.

    Returns:
        The path.

    Raises:
        StoreError: the page cannot be written.
    """
    path = Path(path)
    table = _table(rows, path.with_suffix(".csv.gz"))
    context = _context(study, preset, rows, verdicts, record) | {
        "provenance": [
            (key[:1].upper() + key[1:], value) for key, value in provenance.items() if value != ""
        ],
        "progress": progress,
        "part": part,
        "notices": record.notices,
        "versions": record.versions,
        "table": table,
    }
    for figure in context["figures"]:
        if figure.has_failed:
            on_fault(f"{figure.title}: {figure.note}")
    if fault := answer_fault(study, verdicts):
        on_fault(fault)
    return write_whole(path, rendered("page.html", context), PAGE)


def _context(
    study: Study, preset: str, rows: Rows, verdicts: Sequence[Verdict], record: Record
) -> dict[str, Any]:
    judged = entries(study, verdicts, record)
    figures = painting.drawn_figures(study, rows)
    return {
        "study": study,
        "preset": preset,
        "about": study.presets[preset].about if preset in study.presets else "",
        "answer": answer(study, verdicts),
        "entries": judged,
        "tally": tally(judged),
        "level": level_of(judged),
        "origin": origin,
        "control_text": control_text,
        "null_text": null_text,
        "meanings": meanings(row.label for row in judged),
        "expected": expected_false(verdicts).sentence,
        "figures": figures,
        "drawings": painting.packed({f.id: f.drawing for f in figures if f.drawing}),
        "beliefs": beliefs(rows),
        "count": len(rows),
    }


def _table(rows: Rows, beside: Path) -> Table | None:
    """The rows, packed; beside the page they are written at once, as the page links to them."""
    if not len(rows):
        return None
    packed = io.BytesIO()
    with (
        csv_files.packed(packed) as squeezed,
        io.TextIOWrapper(squeezed, encoding="utf-8", newline="") as text,
    ):
        rows.to_csv(text)
    if len(packed.getvalue()) > EMBEDDED_BYTES:
        write_whole(beside, packed.getvalue(), PACKED_ROWS)
        return Table(beside.name, len(rows), beside=beside.name)
    return Table(beside.name, len(rows), base64.b64encode(packed.getvalue()).decode())
