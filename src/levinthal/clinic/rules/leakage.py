"""Data leakage: validation rows that were trained on, or that are near copies of training rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.row_reservoir import row_fingerprints
from levinthal.clinic.rules.context import INTERVAL_ERRORS, SIGNIFICANT_ERRORS, Context
from levinthal.clinic.rules.tables import FEWEST_ROWS, MOST_ROWS, is_text
from levinthal.vocabulary import Finding, Severity

LEAKED = 0.03
"""Share of validation rows that are training rows, beyond the expected share, above which it is a warning."""
SOME = 0.005
"""Share below which nothing is reported."""
FEWEST_COLUMNS = 4
"""Columns below which near rows are expected by chance."""
NEAR_SHARE = 0.1
"""Share of validation rows with a near duplicate; also the least spread of a column over the median one."""
TIMES_NEARER = 3
"""Times nearer than any other training row, from which on a row is a near duplicate."""
EQUAL = 1e-4
"""Distance over the square root of the number of columns, below which rows are equal."""

DATA_LEAKAGE = FindingKind(
    code="DATA_LEAKAGE",
    means="validation rows are among the training rows: the validation score says nothing",
    remedy="split first, then copy, balance and augment; drop equal rows before splitting",
    severity=Severity.WARNING,
    area=Area.VALIDATION,
    order=150,
    evidence=(
        "more than {leaked:.0%} of validation rows equal, to the bit, to training rows, beyond the "
        "duplicates expected within each set; info: {duplicates:.0%} of them with a training row {times} "
        "times as near as any other"
    ),
    thresholds={"leaked": LEAKED, "duplicates": NEAR_SHARE, "times": TIMES_NEARER},
    source="Kapoor & Narayanan, Leakage and the reproducibility crisis (Patterns 2023)",
    only_by_hand="the split is made before the Problem",
)


@rule(DATA_LEAKAGE)
def leakage(context: Context) -> Iterator[Finding]:
    """Validation rows that are equal, to the bit, to training rows, beyond the duplicates that are expected.
    Duplicates within validation, and within batches, say how many are expected.
    """
    held = [row_fingerprints(x).cpu().numpy() for x in _inputs(context.history)]
    seen = [m.cpu().numpy() for m in context.history.rows.row_fingerprints]
    if not held or not seen:
        return
    validation, distinct = np.concatenate(held), np.unique(np.concatenate(seen))
    shared = int(np.isin(validation, distinct).sum())
    # batches drawn with replacement repeat rows too: then validation alone gives the better estimate
    others = len(distinct), sum(map(len, seen))
    expected = min(_expected_share(samples, *others) for samples in ([validation], [validation, *seen]))
    rows = len(validation)
    beyond = shared / rows - expected
    error = math.sqrt(rows * expected * (1 - expected))
    sure = beyond * rows > INTERVAL_ERRORS * error + INTERVAL_ERRORS
    if shared > max(SIGNIFICANT_ERRORS, SOME * rows) and (sure or shared / rows > LEAKED):
        severity = None if sure and beyond > LEAKED else Severity.INFO
        evidence = {"validation rows trained on": shared, "of": rows, "expected share, at most": expected}
        evidence |= {"training rows seen": len(distinct)}
        yield found(DATA_LEAKAGE, "validation", 0, evidence, severity=severity)


@rule(DATA_LEAKAGE)
def near_duplicates(context: Context) -> Iterator[Finding]:
    """Validation rows that each have one training row far nearer than any other: copies with a little noise,
    views of one object, visits of one person. Info, because it is unknown which; `leakage` is for equal rows.
    """
    train, held = context.tables
    if train is None or held is None or min(len(train), len(held)) < FEWEST_ROWS or is_text(context.history):
        return
    if train.values.shape[1:] != held.values.shape[1:] or train.values.shape[1] < FEWEST_COLUMNS:
        return
    duplicates, rows = share_of_near_duplicates(train.values, held.values[:MOST_ROWS])
    if rows and duplicates > max(NEAR_SHARE, SIGNIFICANT_ERRORS / math.sqrt(rows)):
        evidence = {"share of validation rows with a near duplicate in training": duplicates, "of": rows}
        yield found(DATA_LEAKAGE, "validation", 0, evidence, severity=Severity.INFO)


def share_of_near_duplicates(train: np.ndarray, held: np.ndarray) -> tuple[float, int]:
    """The share of held-out rows with a near duplicate among the training rows, and the number of rows.

    A near duplicate is at most a third as far as the next nearest row. The share of rows whose second nearest
    row is so near beside the third is subtracted. Equal rows are left out.

    >>> rows = np.random.default_rng(0).normal(size=(200, 9))
    >>> share_of_near_duplicates(rows[:100], rows[:100] + 1e-3)[0]
    1.0
    >>> share_of_near_duplicates(rows[:100], rows[100:])[0] < 0.02
    True
    """
    spread = np.maximum(train.std(0), NEAR_SHARE * max(float(np.median(train.std(0))), 1e-30))
    a, b = train / spread, held / spread
    squares = (b**2).sum(1)[:, None] + (a**2).sum(1) - 2 * b @ a.T
    near = np.sqrt(np.maximum(np.partition(squares, 2, 1)[:, :3], 0))
    near = np.sort(near, 1)[near.min(1) > EQUAL * math.sqrt(a.shape[1])]
    if not len(near):
        return 0.0, 0
    first, second = (np.mean(near[:, i] < near[:, i + 1] / TIMES_NEARER) for i in (0, 1))
    return float(first - second), len(near)


def _inputs(history: History) -> Iterator[torch.Tensor]:
    """The validation inputs that are one tensor."""
    batches = history.validation.batches if history.validation else []
    return (x for x, _ in batches if isinstance(x, torch.Tensor))


def _expected_share(samples: Sequence[np.ndarray], distinct: int, drawn: int) -> float:
    """The share of rows expected to have a duplicate among so many others, at most."""
    pairs = sum(len(s) * (len(s) - 1) / 2 for s in samples)
    counts = [np.unique(s, return_counts=True)[1] for s in samples]
    equal = float(sum((c * (c - 1) / 2).sum() for c in counts))
    # about the upper end of the interval of a Poisson count; 1 where there are no pairs
    probability = (equal + INTERVAL_ERRORS * math.sqrt(equal) + 1) / max(pairs, 1)
    return min(1.0, (drawn if equal else distinct) * probability)
