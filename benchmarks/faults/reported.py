"""A reported mistake and its repaired twin under watch: is a right cause named, first, and the twin left alone?"""

from __future__ import annotations

import io
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from typing import Any

from benchmarks.faults.observed import Watching, answered
from benchmarks.faults.report import Report
from benchmarks.faults.reports.causes import CAUSES

Row = dict[str, Any]
COLUMNS = ("runs", "first", "named", "called healthy", "repaired: warned", "repaired: called healthy")


def run(report: Report, seed: int, repaired: bool) -> Row:
    """One watched run: whether it learnt, the causes that the watch reports, and its answer."""
    observer, began, failed = Watching(), time.process_time(), ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with redirect_stdout(io.StringIO()):
                trained = report.run(observer, seed, repaired)
            learnt, score = trained.score >= trained.learnt, trained.score
        except Exception as error:
            learnt, score, failed = False, float("nan"), f"{type(error).__name__}: {error}"
        said = [answered(watch) for watch in observer.watches]
    return {
        "name": report.name,
        "seed": seed,
        "repaired": repaired,
        "learnt": learnt,
        "score": score,
        "failed": failed,
        "states": [each.state for each in said],
        "trouble": [each.trouble for each in said if each.trouble],
        "findings": [finding for each in said for finding in each.findings],
        "line": said[0].first_line if said else "",
        "seconds": time.process_time() - began,
    }


def codes(row: Row) -> list[str]:
    """The codes of its findings, the most important first."""
    return [code for code, *_ in row["findings"]]


def causes(row: Row) -> list[str]:
    """The codes of the findings that follow from no other, those that are warnings before info."""
    roots = [(severity == "info", code) for code, severity, _, follows in row["findings"] if not follows]
    return [code for _, code in sorted(roots, key=lambda root: root[0])]


def is_first(row: Row) -> bool:
    """Whether the first cause is a right one."""
    return causes(row)[:1] != [] and causes(row)[0] in CAUSES[row["name"]]


def is_named(row: Row) -> bool:
    """Whether a right cause is among the findings."""
    return any(code in CAUSES[row["name"]] for code in codes(row))


def is_warned(row: Row) -> bool:
    """Whether there is a warning or worse."""
    return any(severity != "info" and not follows for _, severity, _, follows in row["findings"])


def is_healthy(row: Row) -> bool:
    """Whether a watch called the run healthy."""
    return "healthy" in row["states"]


def pairs(found: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Wrong and repaired runs that count: the first did not learn, and the second did."""
    wrong = {(row["name"], row["seed"]): row for row in found if not row["repaired"]}
    fine = {(row["name"], row["seed"]): row for row in found if row["repaired"]}
    both = [(wrong[key], fine[key]) for key in wrong if key in fine]
    return [(a, b) for a, b in both if not a["learnt"] and b["learnt"]]


def table(found: Sequence[Row]) -> Iterator[str]:
    """The counts, as a table of one line."""
    held = pairs(found)
    bad, good = [a for a, _ in held], [b for _, b in held]
    counts = [len(held), *(sum(map(f, bad)) for f in (is_first, is_named, is_healthy))]
    counts += [sum(map(f, good)) for f in (is_warned, is_healthy)]
    shares = [f"{n} ({n / max(len(held), 1):.1%})" for n in counts[1:]]
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"|{'--:|' * len(COLUMNS)}"
    yield f"| {counts[0]} | {' | '.join(shares)} |"


def failures(found: Sequence[Row]) -> Iterator[str]:
    """The runs in which the first cause is wrong, and the repaired ones that are accused."""
    for wrong, fine in pairs(found):
        if not is_first(wrong):
            right = ", ".join(CAUSES[wrong["name"]]) or "no code"
            said = ", ".join(causes(wrong)) or wrong["line"][:60]
            yield f"- {wrong['name']} {wrong['seed']}: {said} ({right})"
        if is_warned(fine):
            yield f"- {fine['name']} {fine['seed']}, repaired: {', '.join(causes(fine))}"
