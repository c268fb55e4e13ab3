"""Probes: how well a column, neighbours or a linear model predict a label without the network."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from levinthal.clinic.rules.tables import Table

NEIGHBOURS = 10
"""Nearest rows whose labels predict a row's own."""
PERMUTATIONS = 30
"""Permutations of the labels that give the chance level."""
RIDGE = 1.0
"""Ridge penalty of the linear model."""
LEAKS = 0.98
"""Score of one column above which it leaks the label."""
OTHERS = 0.85
"""Score of the best other column, at most."""
OF_COLUMNS = 0.25
"""Share of the columns that may leak the label, at most."""
ITSELF, ROOM = 1 - 1e-6, 1e-4
"""Correlation above which a column is the target itself, and how far below it all others are."""
FEWEST_COLUMNS, DISTINCT = 3, 10
"""Columns and distinct targets from which on this is distinguished from a simple law."""
LEAKS_CLASS = 0.99
"""Score of a column for one class above which it leaks the class."""
OTHERS_CLASS = 0.9
"""Score of the best other column for that class, at most."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe's score against permuted labels.

    Attributes:
        value: The score above the mean of permuted labels; 1 is a perfect prediction.
        z: The same in standard deviations over permuted labels.
        most: The upper end of its interval.
    """

    value: float
    z: float
    most: float


def neighbour_probe(rows: Table) -> Probe | None:
    """How well the mean label of the 10 nearest other rows predicts a row's own label."""
    labels = _labels(rows)
    if labels is None:
        return None
    x = _standard(rows.values)
    squares = (x**2).sum(1)
    distances = squares[:, None] + squares[None] - 2 * x @ x.T
    np.fill_diagonal(distances, np.inf)
    nearest = np.argpartition(distances, NEIGHBOURS, 1)[:, :NEIGHBOURS]
    smoother = np.zeros_like(distances)
    np.put_along_axis(smoother, nearest, 1 / NEIGHBOURS, 1)
    return _against_permutations(smoother, labels)


def linear_probe(rows: Table) -> Probe | None:
    """How well ridge regression predicts a row's label; each row is left out of its own fit."""
    labels = _labels(rows)
    if labels is None:
        return None
    x = np.column_stack((_standard(rows.values), np.ones(len(rows))))
    gram = x.T @ x + RIDGE * len(rows) / 10 * np.eye(x.shape[1])
    hat = x @ np.linalg.solve(gram, x.T)
    own = np.diag(hat).copy()
    np.fill_diagonal(hat, 0)
    return _against_permutations(hat / (1 - own)[:, None], labels)


def _against_permutations(smoother: np.ndarray, labels: np.ndarray) -> Probe:
    """The score with the labels in order, against the scores with permuted labels."""
    generator = np.random.default_rng(0)
    orders = [np.arange(len(labels)), *(generator.permutation(len(labels)) for _ in range(PERMUTATIONS))]
    scores = [_similarity(smoother @ labels[order], labels[order]) for order in orders]
    value, spread = scores[0] - float(np.mean(scores[1:])), float(np.std(scores[1:]))
    return Probe(value, value / max(spread, 1e-12), value + 2 * spread)


def _similarity(predictions: np.ndarray, labels: np.ndarray) -> float:
    """The covariance of predictions and labels over the variance of the labels, over all rows and classes."""
    a, b = predictions - predictions.mean(0), labels - labels.mean(0)
    return float((a * b).sum() / max((b**2).sum(), 1e-300))


def _labels(rows: Table) -> np.ndarray | None:
    """(n, classes) one-hot labels, or (n, 1) numbers."""
    if rows.classes is not None:
        return np.asarray(rows.classes[:, None] == np.unique(rows.classes)).astype(float)
    return None if rows.numbers is None else rows.numbers[:, None]


def _standard(values: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and standard deviation 1; constant columns become 0."""
    centred = values - values.mean(0)
    return np.asarray(centred / np.where(centred.std(0) > 0, centred.std(0), 1))


def leaking_columns(rows: Table) -> tuple[list[int], float, float] | None:
    """Columns that each predict the label alone: their indices, their score, and that of the best other.

    Either one column predicts every label, or a few columns each predict one class, and together all classes.
    None unless the other columns are many and score far lower.
    """
    least = 2 if rows.classes is not None else FEWEST_COLUMNS
    if rows.values.shape[1] < least:
        return None
    if rows.classes is None:
        if rows.numbers is None:
            return None
        return _alone(_rank_similarity(rows.values, rows.numbers)) or _equal(rows.values, rows.numbers)
    single = _alone(_neighbouring(rows.values, rows.classes))
    return single or _class_by_class(rows.values, rows.classes)


def _alone(scores: np.ndarray) -> tuple[list[int], float, float] | None:
    """Few columns whose score is above all others."""
    leaking = np.flatnonzero(scores > LEAKS)
    rest = np.delete(scores, leaking)
    if not len(leaking) or len(leaking) > max(1, OF_COLUMNS * len(scores)) or rest.max() > OTHERS:
        return None
    return leaking.tolist(), float(scores[leaking].min()), float(rest.max())


def _equal(values: np.ndarray, numbers: np.ndarray) -> tuple[list[int], float, float] | None:
    """A column that is the target itself, up to scale and offset, among others that are not."""
    if len(np.unique(numbers)) < DISTINCT:
        return None
    scores = np.abs([_correlation(column, numbers) for column in values.T])
    best = int(scores.argmax())
    rest = float(np.delete(scores, best).max())
    return ([best], float(scores[best]), rest) if scores[best] > ITSELF > rest + ROOM else None


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """The correlation of two columns; 0 where one is constant."""
    a, b = a - a.mean(), b - b.mean()
    size = math.sqrt(float((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / size if size > 0 else 0.0


def _neighbouring(values: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """(d,) how often rows next to each other in a column's order have the same class: 0 is chance, 1 is what
    sorted classes give. Ties are put in random order.
    """
    counts = np.unique(classes, return_counts=True)[1]
    chance, most = float(((counts / len(classes)) ** 2).sum()), 1 - (len(counts) - 1) / (len(classes) - 1)
    ties = np.random.default_rng(0).random(len(classes))
    orders = (np.lexsort((ties, column)) for column in values.T)
    same = np.array([np.mean(np.diff(classes[order]) == 0) for order in orders])
    return np.asarray((same - chance) / (most - chance))


def _rank_similarity(values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """(d,) the absolute rank correlation of each column with the target."""
    ranks = values.argsort(0).argsort(0).astype(float)
    target = numbers.argsort().argsort().astype(float)
    ranks[:, values.std(0) == 0] = 0
    return np.abs([_similarity(column, target) for column in ranks.T])


def _class_by_class(values: np.ndarray, classes: np.ndarray) -> tuple[list[int], float, float] | None:
    """Columns that each predict one class, and together all classes."""
    scores = _separations(values, classes)
    best = scores.argmax(1)
    leaking = sorted(set(best.tolist()))
    rest = np.delete(scores, leaking, 1).max(1, initial=0).min()
    least, few = scores.max(1).min(), len(leaking) <= OF_COLUMNS * values.shape[1]
    is_leak = few and least > LEAKS_CLASS and rest < OTHERS_CLASS
    return (leaking, float(least), float(rest)) if is_leak else None


def _separations(values: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """(classes, d) how well a threshold on a column separates a class: both recalls, less 1."""
    order = values.T.argsort(1)
    cut = np.diff(np.take_along_axis(values.T, order, 1), axis=1) > 0
    sorted_classes, places = classes[order][:, :-1], np.arange(1, len(classes))
    scores = []
    for each in np.unique(classes):
        inside, count = (sorted_classes == each).cumsum(1, dtype=np.int32), int((classes == each).sum())
        apart = np.abs(inside / count - (places - inside) / (len(classes) - count))
        scores.append(apart.max(1, initial=0, where=cut))
    return np.array(scores)
