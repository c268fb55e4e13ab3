"""The four states of an answer, the reasons within a state, and the grounds in numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """The states of an answer."""

    CAUSE = "cause found"
    HEALTHY = "healthy"
    NO_CAUSE = "no cause found"
    NOT_JUDGED = "not judged"


class Reason(StrEnum):
    """Why the answer has its state."""

    NAMED = "a finding names the cause"
    AS_GOOD_AS_REFERENCE = "the loss is as low as that of a reference learner"
    BELOW_CHANCE = "the loss is well below chance level"
    AT_CHANCE = "the loss is at chance level"
    WORSE_THAN_REFERENCE = "a reference learner does better"
    VALIDATION_AT_CHANCE = "the validation loss is at chance level"
    UNFINISHED = "the loss still falls"
    RISES = "the loss is higher than at the start"
    DOES_NOT_FALL = "the loss does not fall"
    NOT_FINITE = "the loss is not finite"
    BELOW_FLOOR = "the loss is below its floor"
    ENDED_EARLY = "the watch ended early"
    NOTHING_SEEN = "no training step was seen"
    NOTHING_MOVED = "no step changed a weight"
    FEW_SAMPLES = "few steps were sampled"
    NO_LOSS = "no loss was seen"
    NO_REFERENCE = "nothing to hold the loss against is known"
    HARDLY_PREDICTABLE = "neither the network nor a reference learner predicts the targets well"
    MEMORISED = "the training rows may be memorised"
    DROPOUT = "dropout raises the training loss"
    GAME = "networks that train against each other"
    ONE_TERM = "the loss has other terms, and only the first can be held against something"
    MOVING_TARGETS = "the targets move with the training"
    DOUBTED = "a finding puts the loss in doubt"
    FAILED = "the answer could not be computed"
    BEFORE_TRAINING = "nothing was trained yet"


EXIT_CODES = {State.HEALTHY: 0, State.CAUSE: 1, State.NO_CAUSE: 3, State.NOT_JUDGED: 4}
"""The exit code of the command line; 2 is an error in the command."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A number that the loss is held against, or the loss itself.

    Attributes:
        name: Such as "chance level".
        loss: The number, in the unit of the loss.
        how: How it was measured.
    """

    name: str
    loss: float
    how: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a run, a checkup or an examination. Terminal, page, notebook, JSON and exit code read it.

    Attributes:
        state: One of the four states.
        reason: Why it has this state.
        headline: One sentence.
        because: The reason in one to three sentences.
        grounds: The loss at the end, and the numbers that it is held against.
        not_seen: What of the training was not seen, such as why the watch ended early.
    """

    state: State
    reason: Reason
    headline: str
    because: str = ""
    grounds: tuple[Ground, ...] = ()
    not_seen: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The headline, why, and what was not seen.

        >>> print(Answer(State.HEALTHY, Reason.BELOW_CHANCE, "Healthy.", "Held against: floor 0."))
        Healthy.
        Held against: floor 0.
        """
        unseen = tuple(f"Not seen: {what}." for what in self.not_seen)
        return "\n".join(part for part in (self.headline, self.because, *unseen) if part)

    @property
    def is_healthy(self) -> bool:
        """Whether no cause was found and the run did as well as it should."""
        return self.state is State.HEALTHY

    @property
    def exit_code(self) -> int:
        """0 for a healthy run, 1 for a cause, 3 for a run that did badly without one, 4 for not judged."""
        return EXIT_CODES[self.state]

    def ground(self, name: str) -> float:
        """The number of a ground.

        Args:
            name: The name of a ground, such as "chance level".

        Returns:
            The number in the unit of the loss; nan where there is no such ground.

        >>> grounds = (Ground("floor", 0.0),)
        >>> Answer(State.HEALTHY, Reason.BELOW_CHANCE, "Healthy.", "", grounds).ground("floor")
        0.0
        """
        return next((ground.loss for ground in self.grounds if ground.name == name), math.nan)
