"""From the rows of a store to verdicts, the page and what the terminal shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from levinthal.cli.judging import Fault, judged
from levinthal.cli.provenance import provenance, share_of_runs
from levinthal.cli.record import analysis, record_of
from levinthal.cli.register import registers
from levinthal.cli.selection import Selected
from levinthal.cli.stability import with_blocks
from levinthal.cli.terminal import notice, stdout
from levinthal.errors import InputError, StudyError
from levinthal.vocabulary import Figure, Study, Verdict
from levinthal.written_files import write_whole
from levinthal.written_files.kinds import REGISTERED
from levinthal.written_files.places import real_file

if TYPE_CHECKING:
    from levinthal.lab import Rows, Run, Store
    from levinthal.lab.storage.claims import Frozen
    from levinthal.report.record import Record


class Published(NamedTuple):
    """What a report was made of."""

    rows: Rows
    verdicts: list[Verdict]
    provenance: Mapping[str, str]
    record: Record
    faults: tuple[Fault, ...] = ()
    broken: tuple[str, ...] = ()

    def exit_code(self) -> int:
        """0, or 1 where evidence, figures or answer failed, which is said already.

        Raises:
            StudyError: evidence asked for a factor, level or measurement that does not exist.
        """
        if lines := [fault.line for fault in self.faults if fault.is_contradiction]:
            raise StudyError("; ".join(lines))
        return int(bool(self.faults or self.broken))


def publish(
    chosen: Selected, store: Store, page: Path, *, command: str, registered: Frozen | None = None
) -> Published:
    """Judge the claims, write the page, and show answer, verdicts and the path in the terminal."""
    from levinthal.lab.execution.source import measure_source
    from levinthal.report import write_report

    rows, runs, faults = chosen.rows(store), chosen.finished(store), list[Fault]()
    source = measure_source(chosen.study.measure)
    verdicts = with_blocks(_verdicts(chosen, store, rows, runs, source, faults), chosen, store)
    record = record_of(chosen, store, runs, registered)
    changed = changed_since(runs, source)
    facts = provenance(chosen, runs, command=command, changed=changed, claims=record.state)
    unfinished = share_of_runs(chosen, runs, " runs are stored") if len(runs) < chosen.planned else ""
    broken: list[str] = []
    page_of = (chosen.study, chosen.preset_name, rows, verdicts, facts, page)
    write_report(*page_of, progress=unfinished, part=chosen.part, record=record, on_fault=broken.append)
    again = f"{changed}: `{command} --again`, or raise the study's version" if changed else ""
    _print(chosen.study, verdicts, record, f"{unfinished}; `{command}` continues" if unfinished else "")
    failed = [fault.line for fault in faults if not fault.is_contradiction]
    for line in filter(None, (again, *record.notices, *failed, *broken)):
        notice(line)
    stdout().print(f"Report: {page}", soft_wrap=True)
    return Published(rows, verdicts, facts, record, tuple(faults), tuple(broken))


def _verdicts(
    chosen: Selected, store: Store, rows: Rows, runs: Sequence[Run], source: str, faults: list[Fault]
) -> list[Verdict]:
    """The verdicts; rows that other code measured may have units of that time, and are not asked for them."""
    count = partial(analysis, chosen, store, runs)
    current = all(run.source == source for run in runs)
    return judged(chosen.study, rows, on_fault=faults.append, count=count, check_units=current)


def _print(study: Study, verdicts: Sequence[Verdict], record: Record, unfinished: str) -> None:
    """Answer and verdicts, then what they do not rest on."""
    from levinthal.report.formatting import full_sentence
    from levinthal.report.terminal import verdict_table

    console = stdout()
    console.print(verdict_table(study, verdicts, record=record))
    if unfinished:
        console.print(f"Unfinished: {unfinished}.", soft_wrap=True)
    if record.versions:
        console.print(full_sentence(record.versions), soft_wrap=True)


def changed_since(runs: Sequence[Run], source: str) -> str:
    """How many runs other code measured than the study's own of now; runs without a hash are not counted."""
    from levinthal.report.formatting import counted

    others = sum(run.source not in ("", source) for run in runs) if source else 0
    return f"`measure` has changed since {others} of {counted(len(runs), 'run')} were made" if others else ""


def save_figures(study: Study, rows: Rows, folder: Path) -> list[tuple[Figure, Path]]:
    """The figures, and the SVG files that now hold them."""
    from levinthal.report.painting import sound_figures
    from levinthal.report.svg import export

    figures = list(sound_figures(study, rows))
    paths = export(figures, folder)
    stdout().print(f"figures: {len(paths)} SVG files in {folder}", soft_wrap=True)
    return list(zip(figures, paths, strict=True))


def save_markdown(
    chosen: Selected, published: Published, figures: Sequence[tuple[Figure, Path]], path: Path
) -> None:
    """The page as Markdown; beside it the same result as JSON, and the claims as they were frozen."""
    from levinthal.lab.storage.registered import file_text
    from levinthal.report.markdown import write_markdown
    from levinthal.report.stored import write_stored

    result, claims = list(beside(path).values())[1:]
    record, facts, study = published.record, published.provenance, chosen.study
    is_registered = record.frozen is not None and registers(claims, record.frozen)
    write_markdown(study, published.verdicts, facts, path, figures, record=record)
    write_stored(study, chosen.preset_name, published.verdicts, facts, result, figures, record=record)
    if record.frozen and not is_registered:
        write_whole(claims, file_text(record.frozen), REGISTERED)
    stdout().print(f"markdown: {path}, with its result in {result.name}", soft_wrap=True)


def beside(markdown: Path | None) -> dict[str, Path]:
    """The files that --markdown writes, by what they are: the page, its result, the claims as frozen."""
    if markdown is None:
        return {}
    real_file(markdown, InputError)  # of a folder such as `..` the suffix cannot be another
    return {
        "--markdown": markdown,
        "the result of --markdown": markdown.with_suffix(".json"),
        "the claims of --markdown": markdown.with_suffix(".registered.json"),
    }
