"""From the rows of a store to verdicts, the page and what the terminal shows."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from levinthal.cli.provenance import provenance
from levinthal.cli.selection import Selected
from levinthal.cli.terminal import stdout
from levinthal.errors import StudyError, UnknownFactorError
from levinthal.vocabulary import Claim, Figure, Outcome, Study, Verdict

if TYPE_CHECKING:
    from levinthal.lab import Rows, Run, Store


class Published(NamedTuple):
    """What a report was made of."""

    rows: Rows
    verdicts: list[Verdict]
    provenance: Mapping[str, str]
    faults: tuple[str, ...] = ()

    def raise_faults(self) -> None:
        """Raise StudyError where an evidence function asked for a factor that does not exist."""
        if self.faults:
            raise StudyError("; ".join(self.faults))


def publish(chosen: Selected, store: Store, page: Path, *, command: str) -> Published:
    """Judge the claims, write the page, and show answer, verdicts and the path in the terminal."""
    from levinthal.lab.execution.source import measure_source
    from levinthal.report import write_report
    from levinthal.report.terminal import verdict_table

    rows = chosen.rows(store)
    runs = chosen.finished(store)
    faults: list[str] = []
    verdicts = judged(chosen.study, rows, on_fault=faults.append)
    changed = changed_since(runs, measure_source(chosen.study.measure))
    facts = provenance(chosen, runs, command=command, changed=changed)
    unfinished = f"{len(runs)} of {chosen.planned} runs are there" if len(runs) < chosen.planned else ""
    broken: list[str] = []
    page_of = (chosen.study, chosen.preset_name, rows, verdicts, facts, page)
    write_report(*page_of, progress=unfinished, on_fault=broken.append)
    console = stdout()
    console.print(verdict_table(chosen.study, verdicts))
    if unfinished:
        console.print(f"Unfinished: {unfinished}; `{command}` goes on.", soft_wrap=True, markup=False)
    if changed:
        print(f"levinthal: {changed}: `{command} --again`, or raise the study's version", file=sys.stderr)
    for fault in broken:
        print(f"levinthal: {fault}", file=sys.stderr)
    console.print(f"Report: {page}", soft_wrap=True, markup=False)
    return Published(rows, verdicts, facts, tuple(faults))


def changed_since(runs: Sequence[Run], source: str) -> str:
    """How many runs other code measured than the study's own of now; runs without a hash are not counted."""
    from levinthal.report.formatting import counted

    others = sum(run.source not in ("", source) for run in runs) if source else 0
    return f"`measure` has changed since {others} of {counted(len(runs), 'run')} were made" if others else ""


def judged(study: Study, rows: Rows, *, on_fault: Callable[[str], None]) -> list[Verdict]:
    """A verdict on every claim; one whose evidence cannot be computed is inconclusive and says why.

    `on_fault` gets one line for each claim whose evidence asks for a factor that does not exist; the line
    stands in the verdict's reasons as well.
    """
    return [_judged(claim, rows, on_fault) for claim in study.claims]


def _judged(claim: Claim, rows: Rows, on_fault: Callable[[str], None]) -> Verdict:
    from levinthal.lab.judging.verdicts import judge

    try:
        return judge(claim, claim.evidence(rows))
    except Exception as error:
        if isinstance(error, UnknownFactorError):
            on_fault(f"the evidence of claim {claim.id} cannot be computed: {error}")
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(last.filename).name}:{last.lineno}"
        why = f"Its evidence could not be computed ({type(error).__name__}: {error}, {place})."
        return Verdict(claim, Outcome.INCONCLUSIVE, None, 0, reasons=(why,))


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
    """The page as Markdown, and beside it the same result as JSON."""
    from levinthal.report.markdown import write_markdown
    from levinthal.report.stored import write_stored

    beside, study = path.with_suffix(".json"), chosen.study
    write_markdown(study, published.verdicts, published.provenance, path, figures)
    write_stored(study, chosen.preset_name, published.verdicts, published.provenance, beside, figures)
    stdout().print(f"markdown: {path}, with its result in {beside.name}", soft_wrap=True)
