"""From the rows of a store to verdicts, the page and what the terminal shows."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from levinthal.cli.provenance import provenance, share_of_runs
from levinthal.cli.record import analysis, record_of
from levinthal.cli.selection import Selected
from levinthal.cli.stability import with_blocks
from levinthal.cli.terminal import stdout
from levinthal.errors import StudyError, UnknownFactorError
from levinthal.vocabulary import Claim, Evidence, Figure, Outcome, Study, Verdict

if TYPE_CHECKING:
    from levinthal.lab import Rows, Run, Store
    from levinthal.lab.storage.claims import Frozen
    from levinthal.report.record import Record

Counter = Callable[[Claim, Evidence], int]


class Published(NamedTuple):
    """What a report was made of."""

    rows: Rows
    verdicts: list[Verdict]
    provenance: Mapping[str, str]
    record: Record
    faults: tuple[str, ...] = ()

    def raise_faults(self) -> None:
        """Raise StudyError where evidence asked for a factor, level or measurement that does not exist."""
        if self.faults:
            raise StudyError("; ".join(self.faults))


def publish(
    chosen: Selected, store: Store, page: Path, *, command: str, registered: Frozen | None = None
) -> Published:
    """Judge the claims, write the page, and show answer, verdicts and the path in the terminal."""
    from levinthal.lab.execution.source import measure_source
    from levinthal.report import write_report
    from levinthal.report.formatting import full_sentence
    from levinthal.report.terminal import verdict_table

    rows = chosen.rows(store)
    runs = chosen.finished(store)
    faults: list[str] = []
    count = partial(analysis, chosen, store, runs)
    verdicts = with_blocks(judged(chosen.study, rows, on_fault=faults.append, count=count), chosen, store)
    record = record_of(chosen, store, runs, registered)
    changed = changed_since(runs, measure_source(chosen.study.measure))
    facts = provenance(chosen, runs, command=command, changed=changed, claims=record.state)
    unfinished = share_of_runs(chosen, runs, " runs are stored") if len(runs) < chosen.planned else ""
    broken: list[str] = []
    page_of = (chosen.study, chosen.preset_name, rows, verdicts, facts, page)
    write_report(*page_of, progress=unfinished, part=chosen.part, record=record, on_fault=broken.append)
    console = stdout()
    console.print(verdict_table(chosen.study, verdicts, record=record))
    if unfinished:
        console.print(f"Unfinished: {unfinished}; `{command}` continues.", soft_wrap=True, markup=False)
    if record.versions:
        console.print(full_sentence(record.versions), soft_wrap=True, markup=False)
    if changed:
        print(f"levinthal: {changed}: `{command} --again`, or raise the study's version", file=sys.stderr)
    for notice in record.notices:
        print(f"levinthal: {notice}", file=sys.stderr)
    for fault in broken:
        print(f"levinthal: {fault}", file=sys.stderr)
    console.print(f"Report: {page}", soft_wrap=True, markup=False)
    return Published(rows, verdicts, facts, record, tuple(faults))


def changed_since(runs: Sequence[Run], source: str) -> str:
    """How many runs other code measured than the study's own of now; runs without a hash are not counted."""
    from levinthal.report.formatting import counted

    others = sum(run.source not in ("", source) for run in runs) if source else 0
    return f"`measure` has changed since {others} of {counted(len(runs), 'run')} were made" if others else ""


def _first(claim: Claim, evidence: Evidence) -> int:
    """Every analysis is the first where nobody counts."""
    del claim, evidence
    return 1


def judged(
    study: Study, rows: Rows, *, on_fault: Callable[[str], None], count: Counter = _first
) -> list[Verdict]:
    """A verdict on every claim; one whose evidence cannot be computed is inconclusive and says why.

    `on_fault` gets one line for each claim whose evidence asks for a factor, level, measurement or condition
    that does not exist; the line stands in the verdict's reasons as well. `count` gives the number of the
    analysis of a claim on its evidence.
    """
    return [_judged(claim, rows, on_fault, count) for claim in study.claims]


def _judged(claim: Claim, rows: Rows, on_fault: Callable[[str], None], count: Counter) -> Verdict:
    from levinthal.lab.analysis.parts import require_known_conditions
    from levinthal.lab.judging.verdicts import judge

    try:
        evidence = require_known_conditions(claim.evidence(rows))
        first = judge(claim, evidence)
    except Exception as error:
        if isinstance(error, UnknownFactorError):
            on_fault(f"the evidence of claim {claim.id} cannot be computed: {error}")
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(last.filename).name}:{last.lineno}"
        why = f"Its evidence could not be computed ({type(error).__name__}: {error}, {place})."
        return Verdict(claim, Outcome.INCONCLUSIVE, None, 0, reasons=(why,))
    analyses = count(claim, evidence)
    return judge(claim, evidence, analyses=analyses) if analyses > 1 else first


def save_figures(study: Study, rows: Rows, folder: Path) -> list[tuple[Figure, Path]]:
    """The figures, and the SVG files that now hold them."""
    from levinthal.report.svg import export

    figures = list(study.figures(rows))
    paths = export(figures, folder)
    stdout().print(f"figures: {len(paths)} SVG files in {folder}", soft_wrap=True)
    return list(zip(figures, paths, strict=True))


def save_markdown(
    chosen: Selected, published: Published, figures: Sequence[tuple[Figure, Path]], path: Path
) -> None:
    """The page as Markdown; beside it the same result as JSON, and the claims as they were frozen."""
    from levinthal.lab.storage.registered import file_text
    from levinthal.report.markdown import write_markdown
    from levinthal.report.page import write_whole
    from levinthal.report.stored import write_stored

    beside, study = path.with_suffix(".json"), chosen.study
    record, facts = published.record, published.provenance
    write_markdown(study, published.verdicts, facts, path, figures, record=record)
    write_stored(study, chosen.preset_name, published.verdicts, facts, beside, figures, record=record)
    if record.frozen:
        write_whole(path.with_suffix(".registered.json"), file_text(record.frozen))
    stdout().print(f"markdown: {path}, with its result in {beside.name}", soft_wrap=True)
