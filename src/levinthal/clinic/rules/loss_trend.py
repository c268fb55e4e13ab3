"""Does the loss fall? A warning needs harm, and this is how harm is told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levinthal.clinic.recording.history import History

FEWEST = 5
"""Samples below which nothing is said about the course of training."""
A_FAIR_CHANCE = 25
"""Steps before which nobody can say that a network does not learn."""
A_GUESS = 0.8
"""Of the loss of a guess: above it little is learnt."""
LITTLE = 0.05
"""Share of the starting loss by which it falls, at least, if it falls."""
MUCH = 0.2
"""Share of the starting loss by which it rises, at least, if it is worse."""
AT_CHANCE = 0.95
"""Share of the chance level from which on a loss is at it."""
LEARNT = 0.5
"""Share of the chance level below which half is learnt."""
SURE = 2.5
"""Standard errors of the slope beyond which the loss is on its way down."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The loss at both ends, the noise of their difference, and how surely it falls at last."""

    start: float
    end: float
    noise: float
    falling: float
    """Slope over the last two thirds of the samples in its standard errors, downwards positive."""
    broken: bool
    samples: int
    chance: float = float("nan")
    """The loss of a guess, where it is known."""
    peak: float = float("nan")
    """The highest loss of the first third of the samples."""

    @property
    def known(self) -> bool:
        """Whether there is enough to judge by."""
        return self.samples >= FEWEST and bool(np.isfinite(self.start))

    @property
    def is_at_chance(self) -> bool:
        """Known to end no lower than a guess."""
        return self.known and self.end >= AT_CHANCE * self.chance

    @property
    def has_learnt(self) -> bool:
        """Whether half of what a guess loses is gone; of the starting loss, where a guess is not known."""
        return self.known and self.end < LEARNT * (self.chance if np.isfinite(self.chance) else self.start)

    @property
    def is_stuck(self) -> bool:
        """Known, not on its way down, and no lower than a guess, or hardly lower than at the start."""
        if self.end < LEARNT * self.chance:
            return False
        lower = self.start - self.end > max(2 * self.noise, LITTLE * abs(self.start))
        coming = self.falling > SURE and self.end < self.start - self.noise
        return self.known and not coming and (not lower or self.is_at_chance)

    @property
    def is_worse(self) -> bool:
        """Known, and higher than at the start by more than its noise and a fifth, or no number any more."""
        higher = self.end - self.start > max(2 * self.noise, MUCH * abs(self.start))
        return self.known and (higher or self.broken)

    @property
    def is_harmed(self) -> bool:
        """Known, and stuck, worse or broken."""
        return self.is_stuck or self.is_worse


def progress(history: History) -> Progress:
    """How the loss went.

    >>> progress(History()).known
    False
    """
    return course(history.task_losses, history.chance)


def course(losses: np.ndarray, chance: float = float("nan")) -> Progress:
    """How a series of losses went; what comes after the first that is no number is left out, and said.

    The start is the first loss, or the median of the first fifth where that is lower, so that a jump at the
    first step does not raise it. The noise is told from successive differences, where a trend hardly shows.

    >>> course(np.linspace(2, 1, 20)).is_stuck, course(np.full(20, 2.0)).is_stuck
    (False, True)
    """
    seen = losses[np.isfinite(losses).argmax() :] if np.isfinite(losses).any() else losses[:0]
    ended = np.flatnonzero(~np.isfinite(seen))
    good = seen[: ended[0]] if len(ended) else seen
    if len(good) == 0:
        return Progress(np.nan, np.nan, np.nan, np.nan, len(losses) > len(seen), 0, chance)
    part = max(len(good) // 5, 1)
    spread = 1.4826 * float(np.median(np.abs(np.diff(good)))) / np.sqrt(2) if len(good) > 1 else 0.0
    start = min(float(good[0]), float(np.median(good[:part])))
    noise = spread * float(np.sqrt(2 / part))
    end, broken = float(np.mean(good[-part:])), len(ended) > 0
    peak = float(np.max(good[: max(len(good) // 3, 1)]))
    return Progress(start, end, noise, _falling(good), broken, len(seen), chance, peak)


def _falling(losses: np.ndarray) -> float:
    """Minus the t-value of the least-squares slope over the last two thirds."""
    late = losses[len(losses) // 3 :]
    if len(late) < FEWEST:
        return 0.0
    steps = np.arange(len(late)) - (len(late) - 1) / 2
    scaled = late / max(float(np.abs(late).max()), 1e-300)
    slope = float(steps @ scaled / (steps @ steps))
    rest = scaled - scaled.mean() - slope * steps
    error = float(np.sqrt(rest @ rest / (len(late) - 2) / (steps @ steps)))
    return -slope / error if error > 0 else float(np.copysign(np.inf, -slope)) if slope else 0.0
