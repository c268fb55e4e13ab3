"""What the loss of a run is held against: its own start, the chance level, its floor, a reference learner."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from levinthal.clinic.answer.by_hand import LIKE_CROSS_ENTROPY, OF_SQUARES, are_equal, losses_by_hand
from levinthal.clinic.answer.constants import chance_of, first_call, floor_of
from levinthal.clinic.answer.descent import pace, steps_needed
from levinthal.clinic.answer.reference import Reference, reference
from levinthal.clinic.answer.states import Ground
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.sample import LossCall
from levinthal.clinic.rules.loss_trend import AT_CHANCE, NEAR_CHANCE, LossTrend, judged_losses, trend_of


@dataclass(frozen=True)
class Standing:
    """The loss of a run, and what it is held against.

    Attributes:
        history: The sampled steps.
    """

    history: History

    @cached_property
    def call(self) -> LossCall | None:
        """The first loss function of a step."""
        return first_call(self.history)

    @cached_property
    def _read(self) -> tuple[np.ndarray, float, str]:
        """(samples,) the losses, their chance level, and how that is known."""
        losses, known = judged_losses(self.history)
        if math.isnan(known) and math.isfinite(self.history.chance):
            return losses, known, ""  # of a sum of unlike losses
        chance = chance_of(self.history, self.call)
        if math.isfinite(chance) or self.call is not None:
            return losses, chance, "the best constant prediction"
        return losses_by_hand(self.history) or (losses, chance, "")

    @property
    def losses(self) -> np.ndarray:
        """(samples,) the losses that are judged."""
        return self._read[0]

    @cached_property
    def what(self) -> str:
        """What is judged, in words: of a loss by hand that is made of differences, their squares."""
        squares = self._read[2] == OF_SQUARES and not are_equal(self.history.task_losses, self.losses)
        return "the squared error of the output" if squares else "the loss"

    @property
    def chance(self) -> float:
        """The chance level; nan where it is unknown."""
        return self._read[1]

    @cached_property
    def trend(self) -> LossTrend:
        """The trend of these losses."""
        return trend_of(self.losses, self.chance)

    @cached_property
    def floor(self) -> float:
        """The least possible loss; minus infinity where it is unknown."""
        return floor_of(self.history, self.call)

    @cached_property
    def _learner(self) -> Reference | None:
        """The quick learner, however well it does."""
        return reference(self.history, self.call) if math.isfinite(self.chance) else None

    @property
    def reference(self) -> Reference | None:
        """The quick learner, where it is better than chance level."""
        found = self._learner
        return found if found is not None and found.loss < self.level(AT_CHANCE) else None

    @property
    def is_learner_at_chance(self) -> bool:
        """Whether the quick learner predicts rows that were left out no better than a constant."""
        return self._learner is not None and self.reference is None

    @cached_property
    def end(self) -> float:
        """The loss at the end; without dropout where the run was evaluated on training rows."""
        held = self.history.validation
        last = held.evaluations[-1].training if held is not None and held.evaluations else None
        plain = held is not None and held.loss_fn is None and self.call is not None
        return min(self.trend.end, last.loss) if last is not None and plain else self.trend.end

    @cached_property
    def pace(self) -> float:
        """The fall of the loss per step at the end; 0 where it does not fall."""
        return pace(self.history.steps, self.losses)

    @cached_property
    def validation(self) -> float:
        """The lowest validation loss; nan where none is comparable."""
        held = self.history.validation
        if held is None or held.loss_fn is not None or self.call is None or self.call.reduction == "sum":
            return math.nan
        return min((one.held_out.loss for one in held.evaluations), default=math.nan)

    @property
    def validation_end(self) -> float:
        """The last validation loss; nan where it is not finite."""
        held = self.history.validation
        return held.evaluations[-1].held_out.loss if held is not None and held.evaluations else math.nan

    @property
    def is_chance_guessed(self) -> bool:
        """Whether the chance level is that of a cross-entropy because the loss began there."""
        return self._read[2] == LIKE_CROSS_ENTROPY

    def steps_left(self) -> int:
        """Steps to the reference, or to well below chance level, at the pace of the end; 0 without pace."""
        goal = self.reference.loss if self.reference else self.level(NEAR_CHANCE)
        return steps_needed(self.trend.end, goal, self.pace) if self.pace and math.isfinite(goal) else 0

    def level(self, share: float) -> float:
        """The level this share of the way from the floor to the chance level; the floor is 0 if unknown."""
        floor = self.floor if math.isfinite(self.floor) else 0.0
        return floor + share * (self.chance - floor)

    def grounds(self) -> tuple[Ground, ...]:
        """The loss at the end, and every number that it is held against."""
        both = [Ground("loss at the end", self.end), Ground("loss at the start", self.trend.start)]
        both += [Ground("chance level", self.chance, self._read[2])]
        if self.reference is not None:
            how = f"each of {self.reference.rows:,} training rows predicted from the others"
            both.append(Ground(self.reference.name, self.reference.loss, how))
        both += [Ground("floor", self.floor)]
        both += [Ground("validation loss", self.validation, "the lowest of the run")]
        return tuple(ground for ground in both if math.isfinite(ground.loss))
