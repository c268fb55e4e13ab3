"""The result of a study as a small JSON file, for the gallery and other programs: no rows, no pictures."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from levinthal.report.record import NO_RECORD, Record
from levinthal.report.verdicts import Entry, Line, answer, control_text, entries, null_text, origin
from levinthal.shown import escaped_in_json
from levinthal.vocabulary import Figure, Study, Verdict
from levinthal.written_files import write_whole
from levinthal.written_files.kinds import RESULT

FORMAT = 1
"""The layout of the file; it is raised when a reader of an older file would fail."""


def write_stored(
    study: Study,
    preset: str,
    verdicts: Sequence[Verdict],
    provenance: Mapping[str, str | int | float],
    path: Path,
    figures: Sequence[tuple[Figure, Path]] = (),
    *,
    record: Record = NO_RECORD,
) -> Path:
    """Write question, answer, verdicts, figures (title, caption, file) and provenance to `path` as JSON.

    The numbers are formatted as on the page; files are relative to `path`. Raises StoreError where it cannot
    be written.
    """
    result: dict[str, Any] = {
        "format": FORMAT,
        "study": study.name,
        "version": study.version,
        "preset": preset,
        "chapter": study.chapter,
        "question": study.question,
        "answer": answer(study, verdicts),
        "source": study.source,
        "verdicts": [_verdict(row, record) for row in entries(study, verdicts, record)],
        "claims": {"state": record.state, "notices": list(record.notices), "file": _file(record, path)},
        "figures": [_figure(figure, os.path.relpath(file, path.parent)) for figure, file in figures],
        "provenance": {key: value for key, value in provenance.items() if value != ""},
    }
    return write_whole(path, escaped_in_json(json.dumps(result, indent=1, ensure_ascii=False)) + "\n", RESULT)


def _file(record: Record, path: Path) -> str:
    """The name of the file beside the page that holds the claims as they were frozen."""
    return path.with_suffix(".registered.json").name if record.frozen else ""


def _verdict(row: Entry, record: Record) -> dict[str, Any]:
    change = record.changes.get(row.claim.id)
    return {
        "claim": row.claim.id,
        "says": row.claim.says,
        "quote": row.claim.quote,
        "origin": origin(row.claim),
        "outcome": row.label,
        "effect": line_text(row.effect),
        "trust": row.effect.trust if row.effect else "",
        "seeds": row.seeds,
        "control": line_text(row.control),
        "control_arm": control_text(row.claim),
        "null": null_text(row.claim),
        "basis": str(row.claim.basis),
        "change": change.label if change else "",
        "differences": list(change.differences) if change else [],
        "marks": list(row.marks),
        "stability": row.stability,
    }


def _figure(figure: Figure, file: str) -> dict[str, str]:
    return {"title": figure.title, "caption": figure.caption, "file": Path(file).as_posix()}


def line_text(line: Line | None) -> str:
    """Value, interval and unit of an estimate in one text; empty where there is none."""
    return f"{line.value} {line.interval}".rstrip() if line else ""
