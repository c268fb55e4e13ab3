"""What a rule reads: the patient, its history, and how the loss went."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from levinthal.clinic.patient import Patient
from levinthal.clinic.progress import Progress, progress
from levinthal.clinic.sample import History


@dataclass(frozen=True)
class Chart:
    """A patient and its history."""

    patient: Patient
    history: History

    @cached_property
    def went(self) -> Progress:
        """How the loss went."""
        return progress(self.history)
