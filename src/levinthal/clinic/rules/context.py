"""What a rule reads: the patient, its history, and how the loss went."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.training_setup import Patient
from levinthal.clinic.rules.loss_trend import Progress, progress


@dataclass(frozen=True)
class Chart:
    """A patient and its history."""

    patient: Patient
    history: History

    @cached_property
    def went(self) -> Progress:
        """How the loss went."""
        return progress(self.history)


def typical(values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """The median of the numbers that are there; nan, without a word, where there is none.

    >>> typical(np.array([[1.0, np.nan], [3.0, np.nan]]), 0)
    array([ 2., nan])
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmedian(values, axis))
