"""Rows of validation that were trained on, or nearly."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.row_reservoir import marks
from levinthal.clinic.rules.context import Chart
from levinthal.clinic.rules.held_out import A_THOUSAND, FEWEST_ROWS, SURE, SURER, both_tables, is_text
from levinthal.vocabulary import Finding, Severity

LEAKED = 0.03
"""Share of validation rows among training rows, beyond what is expected, that is a warning."""
SOME = 0.005
"""Share below which nothing is said."""
FEWEST_COLUMNS = 4
"""Columns below which near rows are no sign."""
A_TENTH = 0.1
"""Share of validation rows with a near twin, and least spread of a column over the usual one."""
NEARER = 3
"""Times nearer than any other training row, from which on a row is a near twin."""
EQUAL = 1e-4
"""Distance over that of the columns' number's root, below which rows are equal."""

DATA_LEAKAGE = FindingKind(
    code="DATA_LEAKAGE",
    means="rows of validation are among the rows trained on: its score says nothing",
    remedy="split first, then copy, balance and augment; drop equal rows before splitting",
    severity=Severity.WARNING,
    area=Area.VALIDATION,
    order=150,
    evidence=(
        "more than {leaked:.0%} of validation rows equal, to the bit, to training rows, beyond the "
        "duplicates expected within each set; info: {twins:.0%} of them with a training row {times} "
        "times as near as any other"
    ),
    thresholds={"leaked": LEAKED, "twins": A_TENTH, "times": NEARER},
    source="Kapoor & Narayanan, Leakage and the reproducibility crisis (Patterns 2023)",
    only_by_hand="the split is made before the Problem",
)


@rule(DATA_LEAKAGE)
def leakage(chart: Chart) -> Iterator[Finding]:
    """Validation rows that stand, to the bit, among the training rows seen, more than equal rows would by
    chance: those within validation and within batches tell how often rows are alike.
    """
    held = [marks(x).cpu().numpy() for x in _inputs(chart.history)]
    seen = [m.cpu().numpy() for m in chart.history.rows.marks]
    if not held or not seen:
        return
    validation, distinct = np.concatenate(held), np.unique(np.concatenate(seen))
    shared = int(np.isin(validation, distinct).sum())
    # batches drawn with replacement hold equal rows too: validation alone may know better
    others = len(distinct), sum(map(len, seen))
    natural = min(_by_chance(samples, *others) for samples in ([validation], [validation, *seen]))
    rows = len(validation)
    beyond = shared / rows - natural
    sure = beyond * rows > SURE * math.sqrt(rows * natural * (1 - natural)) + SURE
    if shared > max(SURER, SOME * rows) and (sure or shared / rows > LEAKED):
        severity = None if sure and beyond > LEAKED else Severity.INFO
        evidence = {"validation rows trained on": shared, "of": rows, "share to expect, at most": natural}
        evidence |= {"training rows seen": len(distinct)}
        yield found(DATA_LEAKAGE, "validation", 0, evidence, severity=severity)


@rule(DATA_LEAKAGE)
def near_twins(chart: Chart) -> Iterator[Finding]:
    """Validation rows each with a training row far closer than any other: copies with a little noise, views
    of one thing, visits of one patient. A remark: it is not known which; equal rows are `leakage`.
    """
    train, held = both_tables(chart.history)
    if train is None or held is None or min(len(train), len(held)) < FEWEST_ROWS or is_text(chart.history):
        return
    if train.values.shape[1:] != held.values.shape[1:] or train.values.shape[1] < FEWEST_COLUMNS:
        return
    twins, rows = share_of_twins(train.values, held.values[:A_THOUSAND])
    if twins > max(A_TENTH, SURER / math.sqrt(rows)):
        evidence = {"validation rows with a near twin among some training rows": twins, "of": rows}
        yield found(DATA_LEAKAGE, "validation", 0, evidence, severity=Severity.INFO)


def share_of_twins(train: np.ndarray, held: np.ndarray) -> tuple[float, int]:
    """The share of held rows whose nearest training row is at a third of the next one's distance, beyond that
    whose next one is so beside the one after it; and of how many rows. Equal rows are left out.

    >>> rows = np.random.default_rng(0).normal(size=(200, 9))
    >>> share_of_twins(rows[:100], rows[:100] + 1e-3)[0], share_of_twins(rows[:100], rows[100:])[0] < 0.02
    (1.0, True)
    """
    spread = np.maximum(train.std(0), A_TENTH * max(float(np.median(train.std(0))), 1e-30))
    a, b = train / spread, held / spread
    squares = (b**2).sum(1)[:, None] + (a**2).sum(1) - 2 * b @ a.T
    near = np.sqrt(np.maximum(np.partition(squares, 2, 1)[:, :3], 0))
    near = np.sort(near, 1)[near.min(1) > EQUAL * math.sqrt(a.shape[1])]
    if not len(near):
        return 0.0, 0
    first, second = (np.mean(near[:, i] < near[:, i + 1] / NEARER) for i in (0, 1))
    return float(first - second), len(near)


def _inputs(history: History) -> Iterator[torch.Tensor]:
    bulks = history.validation.bulks if history.validation else []
    return (x for x, _ in bulks if isinstance(x, torch.Tensor))


def _by_chance(samples: Sequence[np.ndarray], distinct: int, drawn: int) -> float:
    """The share of rows that would have a twin among so many others, at most."""
    pairs = sum(len(s) * (len(s) - 1) / 2 for s in samples)
    counts = [np.unique(s, return_counts=True)[1] for s in samples]
    equal = float(sum((c * (c - 1) / 2).sum() for c in counts))
    # about the upper end of a Poisson count's interval; 1 where nothing was seen
    often = (equal + SURE * math.sqrt(equal) + 1) / max(pairs, 1)
    return min(1.0, (drawn if equal else distinct) * often)
