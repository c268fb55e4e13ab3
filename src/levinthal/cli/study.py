"""`levinthal study list | show`: which studies there are, and what one asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from levinthal.cli.terminal import notice, plain_table, stdout
from levinthal.shown import one_line

if TYPE_CHECKING:
    from rich.table import Table

    from levinthal.vocabulary import Claim, Preset, Study

StudyName = Annotated[
    str,
    Parameter(
        help="The name of a study, or the path of your own file: `my_study.py`, or `my_study.py:name`."
    ),
]


def list_studies() -> int:
    """List the studies, with the question and the presets of each."""
    from levinthal.studies import catalogue

    known = catalogue()
    table = plain_table("study", "asks", "presets")
    for study in known.studies.values():
        table.add_row(study.name, study.question, ", ".join(study.presets))
    stdout().print(table)
    for error in known.broken:
        notice(str(error))
    return 1 if known.broken else 0


def show(name: StudyName, /) -> None:
    """Show the question of a study, its claims and its presets."""
    from levinthal.studies import find

    study = find(name)
    console = stdout()
    named = f"{study.name} (chapter {study.chapter}, version {study.version})"
    for text, style in ((named, "bold"), (study.question, ""), (f"Source: {study.source}", "")):
        console.print(one_line(text), style=style)
    console.print()
    for table in _tables(study):
        console.print(table)
        console.print()


def _tables(study: Study) -> Iterator[Table]:
    """Claims, their sentences, controls and sizes, terms and presets; empty tables are left out."""
    yield _claims(study)
    for title, words in (("quote", _quote), ("control", _control), ("rival treatment", _rival)):
        found = {claim.id: text for claim in study.claims if (text := words(claim))}
        if found:
            yield _glossary("claim", title, found)
    yield _sizes(study)
    if study.terms:
        yield _glossary("term", "meaning", study.terms)
    yield _glossary("factor", "levels, for --set FACTOR=LEVEL", _levels(study))
    yield _presets(study)


def _glossary(left: str, right: str, entries: Mapping[str, str]) -> Table:
    table = plain_table(left, right)
    for name, text in entries.items():
        table.add_row(name, text)
    return table


def _levels(study: Study) -> dict[str, str]:
    """The factors of all presets and the levels of each, in the order of the tasks."""
    found: dict[str, dict[str, None]] = {}
    for preset in study.presets.values():
        for task in preset.tasks:
            for factor, level in task.cell.items():
                found.setdefault(factor, {})[str(level)] = None
    return {factor: ", ".join(levels) for factor, levels in found.items()}


def _claims(study: Study) -> Table:
    table = plain_table("claim", "says", "smallest effect size", "null")
    for claim in study.claims:
        judged = claim.smallest_effect is not None
        table.add_row(claim.id, claim.says, _smallest(claim), f"{claim.null:.3g}" if judged else "")
    return table


def _smallest(claim: Claim) -> str:
    if claim.smallest_effect is None:
        return "reported only"
    return f"{claim.effect}: {claim.smallest_effect:.3g} {claim.unit}".rstrip()


def _quote(claim: Claim) -> str:
    return f"“{claim.quote}” ({claim.source})" if claim.quote else ""


def _control(claim: Claim) -> str:
    return claim.control or (f"none: {claim.why_no_control}" if claim.why_no_control else "")


def _rival(claim: Claim) -> str:
    return claim.rival


def _sizes(study: Study) -> Table:
    """When the smallest effect size of each judged claim was set, and why it is that."""
    table = plain_table("claim", "test and size were", "why")
    for claim in study.claims:
        if claim.smallest_effect is not None:
            table.add_row(claim.id, claim.basis, claim.why_smallest)
    return table


def _presets(study: Study) -> Table:
    table = plain_table("preset", "data", "cells", "runs", "about")
    for name, preset in study.presets.items():
        table.add_row(name, preset.data or "none", str(_cells(preset)), str(_runs(preset)), preset.about)
    return table


def _cells(preset: Preset) -> int:
    return len({tuple(sorted(task.cell.items())) for task in preset.tasks})


def _runs(preset: Preset) -> int:
    return sum(len(task.seeds) for task in preset.tasks)
