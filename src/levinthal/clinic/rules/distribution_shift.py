"""Distribution shift between training and validation rows: in columns, tokens or classes."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.channels import SWAPPED, SWAPPED_ERRORS, swapped
from levinthal.clinic.rules.context import INTERVAL_ERRORS, SIGNIFICANT_ERRORS, Context
from levinthal.clinic.rules.generalisation_gap import WIDE, evaluations_of, gap
from levinthal.clinic.rules.label_probes import neighbour_probe
from levinthal.clinic.rules.tables import FEWEST_ROWS, MOST_ROWS, Table, is_text
from levinthal.vocabulary import Finding, Severity

SHIFTED = 0.25
"""Least distance of two distributions that counts as a shift."""
ERROR = 1e-3
"""Probability of a false alarm over all columns together."""
APART, SAME_SHAPE, RESCALED = 0.5, 0.15, 1.5
"""Medians over the columns of training and evaluated rows: Kolmogorov-Smirnov distance, Wasserstein distance
once standardised (in deviations), and factor between the deviations, from which on one of the two was
prepared in another way.
"""
UNSEEN = 0.02
"""Share of validation rows whose class training does not have, above which it is a shift."""
EXPECTED = 10
"""Rows of such a class that training would be expected to have."""

TRAIN_VAL_SHIFT = FindingKind(
    code="TRAIN_VAL_SHIFT",
    means="validation rows are distributed unlike training rows",
    remedy="prepare both sets in one way, with the statistics of the training set; split at random",
    severity=Severity.WARNING,
    area=Area.VALIDATION,
    order=170,
    evidence=(
        "a column's Kolmogorov-Smirnov distance above {moved} and beyond chance in all columns "
        "together ({error}); or neighbours that separate the sets by {moved} ({sigma} standard "
        "deviations); and the model worse. Or rows that the loop itself evaluates: their columns are {apart} "
        "away from training rows (median Kolmogorov-Smirnov distance), at most {shape} once standardised "
        "(Wasserstein), and their deviations differ by {rescaled}. Or the first and the last channel of "
        "images have changed places, in either set ({swapped} standard errors)"
    ),
    thresholds={
        "moved": SHIFTED,
        "error": ERROR,
        "sigma": SIGNIFICANT_ERRORS,
        "apart": APART,
        "shape": SAME_SHAPE,
        "rescaled": RESCALED,
        "swapped": SWAPPED_ERRORS,
    },
    source=(
        "Kolmogorov-Smirnov, bound of Dvoretzky, Kiefer, Wolfowitz and Massart; Bonferroni; Schilling (1986)"
    ),
    explains=("OVERFIT",),
    only_by_hand="the split is made before the Problem",
)
UNSEEN_CLASSES = "share of rows whose class is not in training"


@rule(TRAIN_VAL_SHIFT)
def shift(context: Context) -> Iterator[Finding]:
    """Validation rows come from another distribution than training rows, and the model is worse on them."""
    train, held_out = context.tables
    if train is None or held_out is None or min(len(train), len(held_out)) < FEWEST_ROWS:
        return
    shifted = _tokens_shifted if is_text(context.history) else _rows_shifted
    evidence = shifted(train.values, held_out.values)
    evidence |= _classes_shifted(context.history, held_out, len(train))
    channels = _channels_swapped(context.history)
    evidence |= channels
    if not evidence:
        return
    evaluations = evaluations_of(context.history)
    apart = gap(evaluations[-1].held_out, evaluations[-1].training) if evaluations else None
    is_worse = UNSEEN_CLASSES in evidence or (apart is not None and apart.low > WIDE / 2)
    severity = None if is_worse else Severity.INFO
    remedy = SWAPPED if channels else ""
    yield found(TRAIN_VAL_SHIFT, "validation", 0, evidence, severity=severity, remedy=remedy)


def _channels_swapped(history: History) -> dict[str, float]:
    """What the channels of images say."""
    held = history.validation.batches if history.validation else []
    return swapped([chunk.inputs for chunk in history.rows.chunks], [x for x, _ in held])


def _rows_shifted(train: np.ndarray, held_out: np.ndarray) -> dict[str, float]:
    """What columns say; where no column has shifted, what neighbours say."""
    if train.shape[1:] != held_out.shape[1:]:
        return {}
    return _columns_shifted(train, held_out) or _neighbours_shifted(train, held_out)


def _columns_shifted(train: np.ndarray, held_out: np.ndarray) -> dict[str, float]:
    """Columns whose Kolmogorov-Smirnov distance is large and beyond chance in all columns together."""
    distances = np.array([distance(a, b) for a, b in zip(train.T, held_out.T, strict=True)])
    rows = len(train) * len(held_out) / (len(train) + len(held_out))
    least = max(SHIFTED, math.sqrt(math.log(2 * len(distances) / ERROR) / 2 / rows))
    shifted = np.flatnonzero(distances > least)
    if not len(shifted):
        return {}
    worst = int(distances.argmax())
    return {
        "shifted columns": len(shifted),
        "of": len(distances),
        "largest shift in column": worst,
        "Kolmogorov-Smirnov distance": float(distances[worst]),
    }


def _neighbours_shifted(train: np.ndarray, held_out: np.ndarray) -> dict[str, float]:
    """How often nearest neighbours are of a row's own set, beyond chance (Schilling 1986): this also sees a
    shift that no single column shows.
    """
    sets = [values[:: -(-len(values) // MOST_ROWS)] for values in (train, held_out)]
    members = np.repeat([0, 1], [len(values) for values in sets])
    probe = neighbour_probe(Table(np.concatenate(sets), members))
    if probe is None or probe.value <= SHIFTED or probe.z <= SIGNIFICANT_ERRORS:
        return {}
    return {"separated from training rows by neighbours, beyond chance": probe.value}


def _tokens_shifted(train: np.ndarray, held_out: np.ndarray) -> dict[str, float]:
    """The total variation distance of the token distributions, where it is large and beyond chance."""
    a, b = train.sum(0), held_out.sum(0)
    distance = _total_variation(a, b, int(a.sum()), int(b.sum()))
    return {"distance of token distributions": distance} if distance > SHIFTED else {}


def _total_variation(a: np.ndarray, b: np.ndarray, rows_a: int, rows_b: int) -> float:
    """The total variation distance of two tables of counts; 0 where chance explains it."""
    distance = float(np.abs(a / a.sum() - b / b.sum()).sum()) / 2
    expected = math.sqrt(np.count_nonzero(a + b) * (1 / rows_a + 1 / rows_b) / (2 * math.pi))
    return distance if distance > INTERVAL_ERRORS * expected else 0.0


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference of two samples' distribution functions (Kolmogorov-Smirnov).

    >>> distance(np.zeros(3), np.ones(2))
    1.0
    """
    a, b = np.sort(a), np.sort(b)
    places = np.concatenate((a, b))
    shares = (np.searchsorted(sample, places, "right") / len(sample) for sample in (a, b))
    return float(np.abs(next(shares) - next(shares)).max())


def _classes_shifted(history: History, held_out: Table, rows: int) -> dict[str, float]:
    """Classes of validation that training does not have, or class distributions that differ."""
    tables = [call.counts.cpu().numpy() for call in history.calls() if call.counts is not None]
    if held_out.classes is None or not tables or any(len(t) != len(tables[0]) for t in tables):
        return {}
    trained = np.sum(tables, 0)
    if held_out.classes.min() < 0 or held_out.classes.max() >= len(trained):
        return {}
    counts = np.bincount(held_out.classes, minlength=len(trained))
    shares = counts / counts.sum()
    unseen = (trained == 0) & (shares * rows > EXPECTED)
    if shares[unseen].sum() > UNSEEN:
        return {UNSEEN_CLASSES: float(shares[unseen].sum()), "classes": int(unseen.sum())}
    distance = _total_variation(trained, counts, rows, len(held_out))
    return {"distance of class distributions": distance} if distance > SHIFTED else {}
