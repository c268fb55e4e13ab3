"""What the rows tell of their labels: too much, or nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.rules.context import Chart
from levinthal.clinic.rules.held_out import both_tables
from levinthal.clinic.rules.label_probes import (
    FAR_BEHIND,
    FAR_BEHIND_EACH,
    GIVEN,
    GIVEN_EACH,
    NEIGHBOURS,
    SHUFFLES,
    given_away,
    told_by_neighbours,
    told_by_planes,
)
from levinthal.clinic.rules.tables import Table
from levinthal.vocabulary import Finding, Severity

FEWEST_ROWS = 100
"""Distinct training rows below which labels are not examined."""
SURE = 3.0
"""Standard deviations over permuted labels beyond which a probe predicts something."""
LITTLE = 0.05
"""The most that a probe may predict, beyond chance, of labels that are unrelated."""
A_GUESS = 0.05
"""Accuracy above the largest class's share, below which the model is at chance level."""
OF_THE_START = 0.8
"""Share of the chance level above which a validation loss has not improved."""

LABEL_LEAK_FEATURE = FindingKind(
    code="LABEL_LEAK_FEATURE",
    means="the label can be read off one or few inputs alone",
    remedy="leave these columns out, unless they will be known when the model is used",
    severity=Severity.WARNING,
    area=Area.LABELS,
    order=160,
    evidence=(
        "one column alone predicts {given:.0%} of the labels, the best of the others below "
        "{others:.0%}; or a few columns each one class, {given_each:.0%} and {others_each:.0%}"
    ),
    thresholds={
        "given": GIVEN,
        "others": FAR_BEHIND,
        "given_each": GIVEN_EACH,
        "others_each": FAR_BEHIND_EACH,
    },
    source="Kapoor & Narayanan (Patterns 2023), for the fault",
    explains=("OVERFIT",),
    only_by_hand="which columns are known at prediction time is the user's knowledge",
)

LABELS_UNRELATED = FindingKind(
    code="LABELS_UNRELATED",
    means="the labels have nothing to do with the inputs, as far as neighbours and linear rules can tell",
    remedy="check that rows and labels were sorted, shuffled and joined together",
    severity=Severity.WARNING,
    area=Area.LABELS,
    order=190,
    evidence=(
        "{neighbours} nearest neighbours and a linear rule predict labels no better than under "
        "{shuffles} permutations ({sigma} standard deviations), and the model is at chance level"
    ),
    thresholds={"neighbours": NEIGHBOURS, "shuffles": SHUFFLES, "sigma": SURE},
    source="permutation test",
    explains=("DEAD_RELU", "OVERFIT", *symptoms.NO_LEARNING),
    only_by_hand="rows and labels are joined before the Problem",
)


@rule(LABEL_LEAK_FEATURE)
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
        yield found(LABEL_LEAK_FEATURE, where, 0, evidence)


@rule(LABELS_UNRELATED)
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
        yield found(LABELS_UNRELATED, "labels", 0, evidence)


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
