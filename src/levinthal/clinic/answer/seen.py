"""What an answer is decided from, and the answers of three of the four states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from levinthal.clinic.answer.standing import Standing
from levinthal.clinic.answer.states import Answer, Reason, State
from levinthal.clinic.answer.wording import held_against, loss_in_words
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.clinic.rules.dynamics import UNDERFIT
from levinthal.report.formatting import sentence
from levinthal.vocabulary import Finding, Severity

NAMES_NO_CAUSE = (UNDERFIT.code,)
"""Findings that say that a run did badly, and name no cause."""
LOOKED_FOR = len(CATALOGUE) - len(NAMES_NO_CAUSE)
NONE_FOUND = f"No cause was found; {LOOKED_FOR} kinds of cause are known."
NOT_MEASURED = "A score on validation data would say how good the model is; its loss does not."


@dataclass(frozen=True)
class Seen:
    """What an answer is decided from."""

    findings: Sequence[Finding]
    history: History
    setup: TrainingSetup | None
    trouble: str

    @cached_property
    def standing(self) -> Standing:
        """The loss and what it is held against."""
        return Standing(self.history)

    @property
    def has_no_floor(self) -> bool:
        """Whether the value that backward was called on takes both signs, as that of a policy does."""
        losses = self.history.losses[np.isfinite(self.history.losses)]
        return bool(len(losses)) and bool(losses.min() < 0 < losses.max())


def causes(findings: Sequence[Finding]) -> list[Finding]:
    """The warnings and critical findings that follow from no other finding."""
    return [f for f in findings if not f.follows and f.severity is not Severity.INFO]


def course(seen: Seen) -> str:
    """How the loss went, as a sentence."""
    return f"{sentence(loss_in_words(seen.history))}."


def not_judged(seen: Seen, reason: Reason, why: str, because: str = "") -> Answer:
    """Not enough is known to call the run good or bad."""
    grounds = seen.standing.grounds() if len(seen.history) else ()
    return Answer(State.NOT_JUDGED, reason, f"Not judged: {why}.", because, grounds)


def did_badly(seen: Seen, reason: Reason, head: str, because: str = "") -> Answer:
    """No cause was found, and the run did badly or is unfinished."""
    said = [NONE_FOUND, because, held_against(seen.standing.grounds())]
    return Answer(State.NO_CAUSE, reason, head, " ".join(filter(None, said)), seen.standing.grounds())


def healthy(seen: Seen, reason: Reason, head: str) -> Answer:
    """No cause was found, and the run did as well as it should."""
    grounds = seen.standing.grounds()
    return Answer(State.HEALTHY, reason, f"Healthy: {head}.", held_against(grounds), grounds)
