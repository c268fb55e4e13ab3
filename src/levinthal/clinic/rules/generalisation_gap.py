"""The gap between validation rows and training rows, in accuracy or in loss, with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.scoring import Score
from levinthal.clinic.recording.validation import Evaluation
from levinthal.clinic.rules.context import INTERVAL_ERRORS

WIDE = 0.1
"""Gap in accuracy that matters."""
WIDE_LOSS = 0.5
"""Gap that matters, as a share of the validation loss."""


@dataclass(frozen=True, slots=True)
class Gap:
    """How much worse the model is on validation rows than on training rows.

    Attributes:
        value: The difference of accuracies, or the difference of losses as a share of the validation loss.
        low: The lower end of its 95 % interval.
        in_accuracy: Whether it is a difference of accuracies.
    """

    value: float
    low: float
    in_accuracy: bool

    @property
    def is_wide(self) -> bool:
        """Whether it matters: a tenth of all answers, or half of the loss."""
        return self.low > (WIDE if self.in_accuracy else WIDE_LOSS)


def gap(held_out: Score, training: Score | None) -> Gap | None:
    """The gap in accuracy where answers can be counted, else in loss; None where it is unknown.

    >>> import torch
    >>> ones = torch.ones(4)
    >>> gap(Score(ones, torch.tensor(75), 100), Score(ones, torch.tensor(100), 100)).value
    0.25
    """
    if training is None:
        return None
    if held_out.right is None or training.right is None:
        value, error = held_out.loss - training.loss, math.hypot(held_out.error, training.error)
        low = value - INTERVAL_ERRORS * error
        return Gap(value / held_out.loss, low / held_out.loss, False) if held_out.loss > 0 else None
    value = training.accuracy - held_out.accuracy
    error = math.hypot(_binomial_error(held_out), _binomial_error(training))
    return Gap(value, value - INTERVAL_ERRORS * error, True)


def _binomial_error(score: Score) -> float:
    """The standard error of an accuracy, above 0 even where all or none are right (Agresti and Coull)."""
    share = (score.accuracy * score.rows + 2) / (score.rows + 4)
    return math.sqrt(share * (1 - share) / (score.rows + 4))


def evaluations_of(history: History) -> list[Evaluation]:
    """The evaluations on validation whose losses are finite."""
    evaluations = history.validation.evaluations if history.validation else []
    return [evaluation for evaluation in evaluations if math.isfinite(evaluation.held_out.loss)]
