"""What the rows tell of their labels: too much, or nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from levinthal.clinic.findings.finding import found
from levinthal.clinic.rules.context import Chart
from levinthal.clinic.rules.held_out import both_tables
from levinthal.clinic.rules.label_probes import given_away, told_by_neighbours, told_by_planes
from levinthal.clinic.rules.tables import Table
from levinthal.vocabulary import Finding

FEWEST_ROWS, SURE, LITTLE = 100, 3.0, 0.05
A_GUESS, OF_THE_START = 0.05, 0.8


def label_leak(chart: Chart) -> Iterator[Finding]:
    """Columns that give the label away, each alone, where the other columns do not come near."""
    rows, _ = both_tables(chart.history)
    if rows is None or len(rows) < FEWEST_ROWS:
        return
    given = given_away(rows)
    if given is not None:
        columns, share, others = given
        where = f"input, column {', '.join(map(str, columns[:3]))}"
        evidence = {"columns": len(columns), "of": rows.values.shape[1], "told by them alone": share}
        evidence |= {"by the best other column": others}
        yield found("LABEL_LEAK_FEATURE", where, 0, evidence)


def labels_unrelated(chart: Chart) -> Iterator[Finding]:
    """Neither a row's neighbours nor a linear rule tell its label, and what the network learns holds for its
    training rows alone, or it learns nothing.
    """
    rows, _ = both_tables(chart.history)
    if rows is None or len(rows) < FEWEST_ROWS or not _is_lost(chart, rows):
        return
    probes = [told_by_neighbours(rows), told_by_planes(rows)]
    told = [probe for probe in probes if probe is not None]
    if len(told) == len(probes) and all(p.z < SURE and p.most < LITTLE for p in told):
        evidence = {"told by neighbours, beyond chance": told[0].value, "by a linear rule": told[1].value}
        evidence |= {"at most": max(p.most for p in told), "rows": len(rows)}
        yield found("LABELS_UNRELATED", "labels", 0, evidence)


def _is_lost(chart: Chart, rows: Table) -> bool:
    """Whether the network does no better than a guess: on validation at every look, else on its batches."""
    looks = chart.history.validation.looks if chart.history.validation else []
    if not looks:  # of several losses a step (rivals, heads) it is not known which labels were meant
        several = any(len(sample.losses) > 1 for sample in chart.history)
        return chart.went.is_stuck and chart.went.is_at_chance and not several
    if rows.classes is None or looks[-1].held.right is None:
        start, chance = looks[0].held.loss, chart.went.chance
        least = OF_THE_START * (start if math.isnan(chance) else chance)
        return min(look.held.loss for look in looks) > least
    guess = float(np.bincount(rows.classes - rows.classes.min()).max() / len(rows))
    best = max(look.held.accuracy for look in looks)
    return best < guess + A_GUESS + 2 * math.sqrt(guess * (1 - guess) / looks[-1].held.rows)


RULES = (label_leak, labels_unrelated)
