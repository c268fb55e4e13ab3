"""Labels: a column that leaks them, or labels that are unrelated to the inputs."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.rules.context import SIGNIFICANT_ERRORS, Context
from levinthal.clinic.rules.label_probes import (
    ITSELF,
    LEAKS,
    LEAKS_CLASS,
    NEIGHBOURS,
    OTHERS,
    OTHERS_CLASS,
    PERMUTATIONS,
    leaking_columns,
    linear_probe,
    neighbour_probe,
)
from levinthal.clinic.rules.tables import Table
from levinthal.vocabulary import Finding, Severity

FEWEST_ROWS = 100
"""Distinct training rows below which labels are not judged."""
UNRELATED = 0.05
"""Upper end of a probe's score, beyond chance, below which labels are unrelated to the inputs."""
ABOVE_LARGEST_CLASS = 0.05
"""Accuracy above the share of the largest class, below which the model is at chance level."""
NOT_IMPROVED = 0.8
"""Share of the chance level above which a validation loss has not improved."""
FRESH = 0.8
"""Share of distinct rows among those that were seen, below which rows come again."""
OTHER_FITS, FITS = 0.2, 0.5
"""Share of masks that another image fits far better, above which images and masks are apart; the correlation
from which on an image fits."""
EXPLAINED, WRONG_SIGN = 0.8, 0.15
"""Share of a target's absolute value that an odd function of an image explains; share of the rows with the
wrong sign, above which images and targets are not flipped together."""

LABEL_LEAK_FEATURE = FindingKind(
    code="LABEL_LEAK_FEATURE",
    means="one or a few input columns alone predict the label",
    remedy="leave these columns out, unless they will be known when the model is used",
    severity=Severity.WARNING,
    area=Area.LABELS,
    order=160,
    evidence=(
        "one column alone predicts {leaks:.0%} of the labels, the best of the others below "
        "{others:.0%}; or a few columns each one class, {leaks_class:.0%} and {others_class:.0%}; info in "
        "rows of places in time, one of which may be all that is to be remembered"
    ),
    thresholds={
        "leaks": LEAKS,
        "others": OTHERS,
        "leaks_class": LEAKS_CLASS,
        "others_class": OTHERS_CLASS,
    },
    source="Kapoor & Narayanan (Patterns 2023), for the fault",
    explains=("OVERFIT",),
    only_by_hand="which columns are known at prediction time is the user's knowledge",
)

LABELS_UNRELATED = FindingKind(
    code="LABELS_UNRELATED",
    means="the labels are unrelated to the inputs, as far as neighbours and a linear model can show",
    remedy="check that rows and labels were sorted, shuffled and joined together",
    severity=Severity.WARNING,
    area=Area.LABELS,
    order=190,
    evidence=(
        "{neighbours} nearest neighbours and a linear model predict labels no better than under "
        "{permutations} permutations ({sigma} standard deviations), and the model is at chance level (where "
        "rows come again, above {little:.0%} of it); or "
        "{masks:.0%} of the masks fit their flipped image far better than their own; or what is on each side "
        "of the middle of an image explains {explained:.0%} of a target but for its sign, which is wrong in "
        "{wrong:.0%} of the rows"
    ),
    thresholds={
        "neighbours": NEIGHBOURS,
        "permutations": PERMUTATIONS,
        "sigma": SIGNIFICANT_ERRORS,
        "little": NOT_IMPROVED,
        "masks": OTHER_FITS,
        "explained": EXPLAINED,
        "wrong": WRONG_SIGN,
    },
    source="permutation test",
    explains=("DEAD_RELU", "OVERFIT", *symptoms.NO_LEARNING),
    only_by_hand="rows and labels are joined before the Problem",
)


@rule(LABEL_LEAK_FEATURE)
def label_leak(context: Context) -> Iterator[Finding]:
    """Columns that each leak the label, where the other columns predict it far worse."""
    rows, _ = context.tables
    if rows is None or len(rows) < FEWEST_ROWS:
        return
    leaking = leaking_columns(rows)
    if leaking is not None:
        # a place of a sequence may be all that is to be remembered
        columns, share, others = leaking
        in_time = any(chunk.inputs.dim() == 3 for chunk in context.history.rows.chunks)
        is_last = share > ITSELF and columns[-1] == rows.values.shape[1] - 1  # a window that ends too late
        where = f"input, column {', '.join(map(str, columns[:3]))}"
        evidence = {
            "columns": len(columns),
            "of": rows.values.shape[1],
            "labels predicted by them alone": share,
        }
        evidence |= {"by the best other column": others}
        severity = Severity.INFO if in_time and not is_last else None
        yield found(LABEL_LEAK_FEATURE, where, 0, evidence, severity=severity)


@rule(LABELS_UNRELATED)
def labels_unrelated(context: Context) -> Iterator[Finding]:
    """Neither neighbours nor a linear model predict the label, and the network is at chance level: on
    validation rows, or on its own batches where there are none.
    """
    rows, _ = context.tables
    if context.history.carries_state:
        return  # a label may depend on what came before the row
    if rows is None or len(rows) < FEWEST_ROWS or not _is_at_chance_level(context, rows):
        return
    probes = [neighbour_probe(rows), linear_probe(rows)]
    known = [probe for probe in probes if probe is not None]
    if len(known) == len(probes) and all(p.z < SIGNIFICANT_ERRORS and p.most < UNRELATED for p in known):
        neighbours, linear = (probe.value for probe in known)
        evidence = {"predicted by neighbours, beyond chance": neighbours, "by a linear model": linear}
        evidence |= {"at most": max(p.most for p in known), "rows": len(rows)}
        yield found(LABELS_UNRELATED, "labels", 0, evidence)


def _come_again(context: Context, rows: Table) -> bool:
    """Whether many of the rows come again: then a part of their labels may have been learnt by heart."""
    return len(rows) < FRESH * len(context.history.rows)


def _is_at_chance_level(context: Context, rows: Table) -> bool:
    """Whether the network is at chance level: on validation at every evaluation, else on its batches."""
    evaluations = context.history.validation.evaluations if context.history.validation else []
    if (
        not evaluations
    ):  # with several losses a step (a GAN, several heads) it is unknown which labels are meant
        several = any(len(sample.losses) > 1 for sample in context.history)
        little = context.trend.is_at_chance or (
            _come_again(context, rows) and context.trend.end > NOT_IMPROVED * context.trend.chance
        )
        return context.trend.has_plateaued and little and not several
    if rows.classes is None or evaluations[-1].held_out.right is None:
        start, chance = evaluations[0].held_out.loss, context.trend.chance
        least = NOT_IMPROVED * (start if math.isnan(chance) else chance)
        return min(evaluation.held_out.loss for evaluation in evaluations) > least
    _, counts = np.unique(rows.classes, return_counts=True)
    largest = float(counts.max() / len(rows))
    best = max(evaluation.held_out.accuracy for evaluation in evaluations)
    error = math.sqrt(largest * (1 - largest) / evaluations[-1].held_out.rows)
    return bool(best < largest + ABOVE_LARGEST_CLASS + 2 * error)
