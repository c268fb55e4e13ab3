"""Does the loss fall? A warning needs harm, and this is how harm is told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levinthal.clinic.sample import History

FEWEST = 5
"""Samples below which nothing is said about the course of training."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The loss at both ends (means of a third of the samples), and the noise of their difference."""

    start: float
    end: float
    noise: float
    samples: int

    @property
    def known(self) -> bool:
        """Whether there is enough to judge by."""
        return self.samples >= FEWEST and bool(np.isfinite(self.start))

    @property
    def fall(self) -> float:
        """Share of the starting loss that is gone; negative where it has grown."""
        return (self.start - self.end) / abs(self.start) if self.start else 0.0

    @property
    def is_stuck(self) -> bool:
        """Known, and not lower by more than its noise and a twentieth."""
        return self.known and not self.start - self.end > max(2 * self.noise, 0.05 * abs(self.start))

    @property
    def is_worse(self) -> bool:
        """Known, and higher than at the start by more than its noise and a fifth, or no number any more."""
        return self.known and not self.end - self.start < max(2 * self.noise, 0.2 * abs(self.start))


def progress(history: History) -> Progress:
    """How the loss went from the first third of the samples to the last.

    >>> progress(History()).known
    False
    """
    losses = history.losses
    losses = losses[: len(losses) - _trailing_gaps(losses)]
    third = max(len(losses) // 3, 1)
    if len(losses) == 0:
        return Progress(float("nan"), float("nan"), float("nan"), 0)
    first, last = losses[:third], losses[-third:]
    with np.errstate(over="ignore", invalid="ignore"):
        noise = float(np.sqrt((first.var() + last.var()) / third))
        return Progress(float(first.mean()), float(last.mean()), noise, len(losses))


def _trailing_gaps(losses: np.ndarray) -> int:
    """Samples at the end whose loss was never seen, where some was."""
    return 0 if np.isfinite(losses).any() else len(losses)
