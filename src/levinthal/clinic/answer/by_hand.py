"""The losses and the chance level of a loss that no function of torch computes."""

from __future__ import annotations

import math

import numpy as np

from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.loss_trend import FEWEST

GUESS = 1.5
"""The first loss over ln K, or ln K over it, up to which a loss written by hand is a cross-entropy."""
CORRELATED = 0.5
"""Rank correlation of a loss with a mean squared difference, from which on it is made of that difference."""
OF_SQUARES = "squared error of the best constant"
"""How the chance level of a loss of differences is known: the squares of the differences are judged."""
LIKE_CROSS_ENTROPY = "equal probabilities for all classes"
"""How the chance level of a loss after a log-softmax is known: the loss may be another."""
EXACT = 1e-3
"""Relative difference up to which a loss is that mean square."""


def losses_by_hand(history: History) -> tuple[np.ndarray, float, str] | None:
    """The losses that are judged, their chance level and how it is known; None where it is not."""
    return _from_differences(history) or _from_log_softmax(history)


def _from_differences(history: History) -> tuple[np.ndarray, float, str] | None:
    """The squared difference of prediction and target, against the variance of the targets."""
    seen = [sample.difference for sample in history]
    if not seen or any(numbers is None for numbers in seen):
        return None
    table = np.array([numbers.tolist() for numbers in seen if numbers is not None])
    chance = float(table[:, 1].mean() + table[:, 0].var())
    if not chance > 0 or not _is_made_of(history.task_losses, table[:, 2]):
        return None
    return table[:, 2], chance, OF_SQUARES


def _is_made_of(losses: np.ndarray, squares: np.ndarray) -> bool:
    """Whether a loss is a mean square, or rises and falls with it: the difference of two scores need not be
    that of a prediction and its target.

    >>> falling = np.linspace(2, 1, 20)
    >>> _is_made_of(np.sqrt(falling), falling), _is_made_of(falling, falling[::-1])
    (True, False)
    """
    known = np.isfinite(losses) & np.isfinite(squares)
    if are_equal(losses, squares):
        return True
    if known.sum() < FEWEST or not np.ptp(losses[known]) or not np.ptp(squares[known]):
        return False
    a, b = (np.argsort(np.argsort(values[known])) for values in (losses, squares))
    return bool(np.corrcoef(a, b)[0, 1] > CORRELATED)


def are_equal(losses: np.ndarray, squares: np.ndarray) -> bool:
    """Whether a loss is that mean square, wherever both are finite."""
    known = np.isfinite(losses) & np.isfinite(squares)
    return np.allclose(losses[known], squares[known], rtol=EXACT, atol=0.0)


def _from_log_softmax(history: History) -> tuple[np.ndarray, float, str] | None:
    """A loss that begins near ln K and is never negative, after a log-softmax over K classes."""
    widths = {float(rows[3]) for sample in history for rows in sample.log_softmax_inputs}
    losses = history.task_losses
    if len(widths) != 1 or not len(losses) or not np.all(losses[np.isfinite(losses)] >= 0):
        return None
    chance, first = math.log(max(widths.pop(), 1.0)), float(losses[0])
    begins_there = chance > 0 and chance / GUESS < first < chance * GUESS
    return (losses, chance, LIKE_CROSS_ENTROPY) if begins_there else None
