"""What can be told of a label without a network: by one column, by neighbours, by a linear rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levinthal.clinic.rules.tables import Table

NEIGHBOURS = 10
"""Nearest rows whose labels predict a row's own."""
SHUFFLES = 30
"""Permutations of the labels that give the chance level."""
RIDGE = 1.0
"""Penalty of the linear rule."""
GIVEN = 0.98
"""Score of one column above which it gives the label away."""
FAR_BEHIND = 0.85
"""Score of the best other column, at most."""
OF_COLUMNS = 0.25
"""Share of the columns that may give the label away, at most."""
GIVEN_EACH = 0.99
"""Score of a column for its class above which it gives the class away."""
FAR_BEHIND_EACH = 0.9
"""Score of the best other column for its class, at most."""


@dataclass(frozen=True, slots=True)
class Told:
    """A probe's score beyond that of a guess (1 is all of it), the same in standard deviations over shuffled
    labels, and the most it may be.
    """

    value: float
    z: float
    most: float


def told_by_neighbours(rows: Table) -> Told | None:
    """The mean of the 10 nearest other rows' labels against the row's own label."""
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
    return _against_shuffles(smoother, labels)


def told_by_planes(rows: Table) -> Told | None:
    """Ridge regression, each row left out of its own fit."""
    labels = _labels(rows)
    if labels is None:
        return None
    x = np.column_stack((_standard(rows.values), np.ones(len(rows))))
    gram = x.T @ x + RIDGE * len(rows) / 10 * np.eye(x.shape[1])
    hat = x @ np.linalg.solve(gram, x.T)
    own = np.diag(hat).copy()
    np.fill_diagonal(hat, 0)
    return _against_shuffles(hat / (1 - own)[:, None], labels)


def _against_shuffles(smoother: np.ndarray, labels: np.ndarray) -> Told:
    """How like are predictions and labels, with the labels as they are and in other orders."""
    dice = np.random.default_rng(0)
    orders = [np.arange(len(labels)), *(dice.permutation(len(labels)) for _ in range(SHUFFLES))]
    scores = [_likeness(smoother @ labels[order], labels[order]) for order in orders]
    value, spread = scores[0] - float(np.mean(scores[1:])), float(np.std(scores[1:]))
    return Told(value, value / max(spread, 1e-12), value + 2 * spread)


def _likeness(guesses: np.ndarray, labels: np.ndarray) -> float:
    """The covariance of guesses and labels over the labels' variance, over all rows and classes."""
    a, b = guesses - guesses.mean(0), labels - labels.mean(0)
    return float((a * b).sum() / max((b**2).sum(), 1e-300))


def _labels(rows: Table) -> np.ndarray | None:
    """(n, classes) of zeros and ones, or (n, 1)."""
    if rows.classes is not None:
        return np.asarray(rows.classes[:, None] == np.unique(rows.classes)).astype(float)
    return None if rows.numbers is None else rows.numbers[:, None]


def _standard(values: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and spread 1; constant ones are 0."""
    centred = values - values.mean(0)
    return np.asarray(centred / np.where(centred.std(0) > 0, centred.std(0), 1))


def given_away(rows: Table) -> tuple[list[int], float, float] | None:
    """Columns that tell the label, each alone: their places, how well, and how well the best other does.

    Either one column tells every label, or a few each tell one class from the others, together all of them.
    None unless the others are far behind and many.
    """
    if rows.values.shape[1] < 2:
        return None
    if rows.classes is None:
        return None if rows.numbers is None else _alone(_rank_likeness(rows.values, rows.numbers))
    single = _alone(np.array([_neighbouring(column, rows.classes) for column in rows.values.T]))
    return single or _class_by_class(rows.values, rows.classes)


def _alone(scores: np.ndarray) -> tuple[list[int], float, float] | None:
    """Few columns above all others."""
    given = np.flatnonzero(scores > GIVEN)
    rest = np.delete(scores, given)
    if not len(given) or len(given) > max(1, OF_COLUMNS * len(scores)) or rest.max() > FAR_BEHIND:
        return None
    return given.tolist(), float(scores[given].min()), float(rest.max())


def _neighbouring(column: np.ndarray, classes: np.ndarray) -> float:
    """How often rows that follow each other in a column's order are of one class: 0 is chance, 1 what sorted
    classes would give; ties in any order.
    """
    order = np.lexsort((np.random.default_rng(0).random(len(column)), column))
    counts = np.unique(classes, return_counts=True)[1]
    same, chance = np.mean(np.diff(classes[order]) == 0), float(((counts / len(classes)) ** 2).sum())
    most = 1 - (len(counts) - 1) / (len(classes) - 1)
    return float((same - chance) / (most - chance))


def _rank_likeness(values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """(d,) the size of each column's rank correlation with the target."""
    ranks = values.argsort(0).argsort(0).astype(float)
    target = numbers.argsort().argsort().astype(float)
    ranks[:, values.std(0) == 0] = 0
    return np.abs([_likeness(column, target) for column in ranks.T])


def _class_by_class(values: np.ndarray, classes: np.ndarray) -> tuple[list[int], float, float] | None:
    """One column for each class."""
    scores = np.array([_separations(values, classes == c) for c in np.unique(classes)])
    best = scores.argmax(1)
    given = sorted(set(best.tolist()))
    rest = np.delete(scores, given, 1).max(1, initial=0).min()
    least, few = scores.max(1).min(), len(given) <= OF_COLUMNS * values.shape[1]
    is_leak = few and least > GIVEN_EACH and rest < FAR_BEHIND_EACH
    return (given, float(least), float(rest)) if is_leak else None


def _separations(values: np.ndarray, mine: np.ndarray) -> np.ndarray:
    """(d,) how well a cut through each column tells a class from the rest: recall of both, beyond chance."""
    order = values.argsort(0)
    ordered = np.take_along_axis(values, order, 0)
    inside, outside = np.cumsum(mine[order], 0) / mine.sum(), np.cumsum(~mine[order], 0) / (~mine).sum()
    cut = np.diff(ordered, axis=0) > 0
    return np.asarray(np.where(cut, np.abs(inside - outside)[:-1], 0).max(0, initial=0))
