"""What a rule reads: the training setup, its history, and the trend of the loss."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.rules.loss_trend import LossTrend, loss_trend
from levinthal.clinic.rules.tables import Table, both_tables

INTERVAL_ERRORS = 2.0
"""Standard errors on each side of an estimate that make its interval."""
SIGNIFICANT_ERRORS = 3.0
"""Standard errors beyond which a difference is not due to chance."""


@dataclass(frozen=True)
class Context:
    """A training setup and the history of its sampled steps."""

    setup: TrainingSetup
    history: History

    @cached_property
    def trend(self) -> LossTrend:
        """The trend of the loss."""
        return loss_trend(self.history)

    @cached_property
    def tables(self) -> tuple[Table | None, Table | None]:
        """The training rows that were seen, and the validation rows."""
        return both_tables(self.history)


def typical(values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """The median of the known numbers; nan, without a warning, where none is known.

    >>> typical(np.array([[1.0, np.nan], [3.0, np.nan]]), 0)
    array([ 2., nan])
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmedian(values, axis))
