"""The same verdicts as a page of Markdown, for a repository: table, reasons, figures as files, provenance."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from levinthal.lab.judging.expected import expected_false
from levinthal.report.escaping import cell, escaped
from levinthal.report.explained import meanings
from levinthal.report.formatting import full_sentence
from levinthal.report.record import NO_RECORD, Record
from levinthal.report.verdicts import Entry, Line, answer, control_text, entries, glyph, null_text, origin
from levinthal.vocabulary import Figure, Study, Verdict
from levinthal.written_files import write_whole
from levinthal.written_files.kinds import MARKDOWN

HEAD = ("", "claim", "verdict", "effect", "trust", "seeds", "control")


def write_markdown(
    study: Study,
    verdicts: Sequence[Verdict],
    provenance: Mapping[str, str | int | float],
    path: Path,
    figures: Sequence[tuple[Figure, Path]] = (),
    *,
    record: Record = NO_RECORD,
) -> Path:
    """Write question, answer, verdicts, reasons, `figures` (each with its file) and provenance to `path`.

    Links to figures are relative to the page. Raises StoreError where it cannot be written.
    """
    rows = entries(study, verdicts, record)
    pictures = [(figure, os.path.relpath(file, path.parent)) for figure, file in figures]
    blocks = [
        f"# {escaped(study.name)}",
        escaped(study.question),
        f"**{escaped(answer(study, verdicts))}**",
        f"Source: {escaped(study.source)}.",
        *(f"**{escaped(full_sentence(notice))}**" for notice in record.notices),
        *filter(None, [escaped(full_sentence(record.versions)) if record.versions else ""]),
        "\n".join(_table(rows)),
        *filter(None, [expected_false(verdicts).sentence, _meanings(rows)]),
        *(_picture(figure, file) for figure, file in pictures),
        "## Why",
        *(_why(row) for row in rows),
        *_terms(study),
        "## Provenance",
        "\n".join(
            f"- {escaped(key)}: {escaped(str(value))}" for key, value in provenance.items() if value != ""
        ),
    ]
    return write_whole(path, "\n\n".join(blocks) + "\n", MARKDOWN)


def _meanings(rows: Sequence[Entry]) -> str:
    return "\n".join(f"- *{word}*: {text}" for word, text in meanings(row.label for row in rows).items())


def _table(rows: Sequence[Entry]) -> Iterator[str]:
    yield _cells(HEAD)
    yield _cells(["---"] * len(HEAD))
    for row in rows:
        verdict, trust = f"{glyph(row.label)} {row.label}", row.effect.trust if row.effect else "–"
        seeds, control = str(row.seeds or "–"), _numbers(row.control)
        says = " ".join(
            (
                escaped(row.claim.says),
                *(f"**{escaped(full_sentence(mark))}**" for mark in row.marks),
                *_stability(row),
            )
        )
        yield _cells([escaped(row.claim.id), says, verdict, _numbers(row.effect), trust, seeds, control])


def _stability(row: Entry) -> Iterator[str]:
    if row.stability:
        yield escaped(full_sentence(row.stability))


def _cells(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(cell, cells))} |"


def _numbers(line: Line | None) -> str:
    return escaped(f"{line.value} {line.interval}".rstrip()) if line else "–"


def _picture(figure: Figure, file: str) -> str:
    title = escaped(figure.title)
    return f"![{title}]({quote(file)})\n\n*{title}.* {escaped(figure.caption)}"


def _terms(study: Study) -> Iterator[str]:
    """The study's abbreviations and units, where it has any."""
    if study.terms:
        yield "## Terms"
        yield "\n".join(f"- **{escaped(term)}**: {escaped(meaning)}" for term, meaning in study.terms.items())


def _why(row: Entry) -> str:
    claim = row.claim
    control = f" Control: {control_text(claim)}."
    null = f" Null value: {null_text(claim)}." if claim.null else ""
    size = f" Smallest effect size: {claim.why_smallest}." if claim.why_smallest else ""
    about = f"{full_sentence(claim.says)} Source: {origin(claim)}.{control}{null}{size}"
    reasons = (*row.reasons, *filter(None, [full_sentence(row.settles) if row.settles else ""]))
    changed = (f"Changed: {one}." for one in row.differences)
    lines = (f"- {escaped(line)}" for line in (*reasons, *changed))
    return "\n".join([f"**{escaped(claim.id)}** {escaped(about)}", "", *lines])
