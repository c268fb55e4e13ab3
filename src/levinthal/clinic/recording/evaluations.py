"""When a watched loop evaluates its validation set: before the first step, between steps, after the last."""

from __future__ import annotations

from collections.abc import Callable

from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.training_setup import TrainingSetup

SHARDED = "the parameters are sharded, and an evaluation would wait for other processes"


class Evaluations:
    """The evaluations of one watch, if it has a validation set.

    Args:
        setup: The model and its optimisers.
        history: What was sampled; it holds the validation set.
        safely: Calls a function whose failure must not reach the loop.

    Attributes:
        is_evaluating: Whether an evaluation is going on.
    """

    def __init__(self, setup: TrainingSetup, history: History, safely: Callable[..., None]) -> None:
        self._setup, self._history, self._safely = setup, history, safely
        self.is_evaluating = False

    def begin(self) -> None:
        """Read the validation set."""
        validation = self._history.validation
        if validation is not None and self._setup.is_sharded:
            validation.trouble = SHARDED
        elif validation is not None:
            validation.read()

    def evaluate_if_due(self, steps: int, *, is_last: bool = False) -> None:
        """Evaluate after so many steps, if an evaluation is due."""
        if self._history.validation is not None:
            self._safely(self.evaluate, max(steps - 1, 0), is_last)

    def evaluate(self, step: int, is_last: bool) -> None:
        """Evaluate now, once something was sampled."""
        validation, samples = self._history.validation, self._history.samples
        if validation is not None and samples:
            kind = samples[-1].losses[0].kind if samples[-1].losses else ""
            model = self._setup.evaluated_module
            self.is_evaluating = True
            try:
                validation.evaluate(model, step, self._history.rows, kind, last=is_last)
            finally:
                self.is_evaluating = False
