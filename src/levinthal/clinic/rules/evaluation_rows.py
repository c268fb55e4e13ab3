"""Rows of the loop's own evaluations that were prepared in another way than training rows.

Without targets nothing tells how good the model is on them. But two sets that differ by scale and offset
alone, in most columns, are one distribution before and after a transform that one of them lacks.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import rule
from levinthal.clinic.rules.channels import SWAPPED, swapped
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.distribution_shift import (
    APART,
    RESCALED,
    SAME_SHAPE,
    TRAIN_VAL_SHIFT,
    distance,
)
from levinthal.clinic.rules.tables import FEWEST_ROWS, Table, is_text, table
from levinthal.vocabulary import Finding

PREPARED = (
    "prepare both sets by one function: the scaling of the training set (`/ 255`, `Normalize`, "
    "`StandardScaler.transform`) is missing, or another one, where the model is evaluated"
)


@rule(TRAIN_VAL_SHIFT)
def evaluated_rows(context: Context) -> Iterator[Finding]:
    """Rows that the loop evaluates are training rows at another scale, or with the channels in another order.

    A validation set that is given is compared elsewhere: its scores say whether that matters.
    """
    history = context.history
    if history.validation is not None or is_text(history):
        return
    rows = [[chunk.inputs for chunk in held.chunks] for held in (history.rows, history.evaluated)]
    if len({x.dtype for part in rows for x in part}) > 1:
        return  # the model tells them apart, as bytes from numbers
    evidence, remedy = _rescaled(*(table((x, None) for x in part) for part in rows)), PREPARED
    if not evidence:
        evidence, remedy = swapped(*rows), SWAPPED
    if evidence:
        yield found(TRAIN_VAL_SHIFT, "evaluation", 0, evidence, remedy=remedy, examined=False)


def _rescaled(train: Table | None, held_out: Table | None) -> dict[str, float]:
    """Columns that are far apart, and equally distributed once standardised, with scales that differ."""
    if train is None or held_out is None or min(len(train), len(held_out)) < FEWEST_ROWS:
        return {}
    a, b = train.values, held_out.values
    if a.shape[1:] != b.shape[1:]:
        return {}
    varied = (a.std(0) > 0) & (b.std(0) > 0)
    if not varied.any():
        return {}
    a, b = a[:, varied], b[:, varied]
    apart = float(np.median([distance(x, y) for x, y in zip(a.T, b.T, strict=True)]))
    shape = float(np.median(np.abs(_standardised_quantiles(a) - _standardised_quantiles(b)).mean(0)))
    factor = float(np.median(b.std(0) / a.std(0)))
    if apart < APART or shape > SAME_SHAPE or abs(np.log(factor)) < np.log(RESCALED):
        return {}
    return {
        "Kolmogorov-Smirnov distance of a column": apart,
        "Wasserstein distance once standardised": shape,
        "deviation of evaluated rows over that of training rows": factor,
    }


def _standardised_quantiles(values: np.ndarray) -> np.ndarray:
    """(quantiles, columns)."""
    levels = np.linspace(0.01, 0.99, 99)
    return np.asarray(np.quantile((values - values.mean(0)) / values.std(0), levels, axis=0))
