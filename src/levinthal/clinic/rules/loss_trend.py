"""The trend of the loss. A warning needs degraded training, and this module decides what that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levinthal.clinic.recording.history import History

FEWEST = 5
"""Samples below which the trend of the loss is unknown."""
MIN_STEPS = 25
"""Steps before which it is too early to say that a network does not learn."""
NEAR_CHANCE = 0.8
"""Share of the chance level above which little is learnt."""
LITTLE = 0.05
"""Share of the first loss by which a loss that falls has to fall, at least."""
MUCH = 0.2
"""Share of the first loss by which a worse loss has to rise, or one that is better at once to fall."""
AT_CHANCE = 0.95
"""Share of the chance level above which a loss is at chance level."""
LEARNT = 0.5
"""Share of the chance level below which the network has learnt."""
SIGN_CHANGES = 3
"""Changes of the sign of a loss without a chance level, from which on it has no lower bound."""
OFTEN = 0.5
"""Share of the samples with unlike losses, above which the whole loss counts too."""
SURE = 2.5
"""Standard errors of the slope beyond which the loss still falls."""


@dataclass(frozen=True, slots=True)
class LossTrend:
    """The loss at both ends, the noise of their difference, and the t-value of its late slope.

    Attributes:
        start: The first loss, or the median of the first fifth where that is lower.
        end: The mean of the last fifth of the finite losses.
        noise: The standard error of end minus start.
        falling: Slope over the last two thirds of the samples, in standard errors, positive downwards.
        broken: Whether the loss became nan or infinite.
        samples: How many losses were seen, without leading nan.
        chance: The loss at chance level; nan where it is unknown.
        peak: The highest loss of the first third of the samples.
        first: The first finite loss.
        has_no_floor: Whether the loss changes its sign again and again, as that of a policy or of an
            adversary does: then it need not fall.
    """

    start: float
    end: float
    noise: float
    falling: float
    broken: bool
    samples: int
    chance: float = float("nan")
    peak: float = float("nan")
    has_no_floor: bool = False
    first: float = float("nan")

    @property
    def known(self) -> bool:
        """Whether there are enough samples to judge."""
        return self.samples >= FEWEST and bool(np.isfinite(self.start))

    @property
    def is_at_chance(self) -> bool:
        """Known, and at chance level at the end."""
        return self.known and self.end >= AT_CHANCE * self.chance

    @property
    def has_learnt(self) -> bool:
        """Known, and below half of the chance level; of the first loss where the chance level is unknown."""
        return self.known and self.end < LEARNT * (self.chance if np.isfinite(self.chance) else self.start)

    @property
    def has_plateaued(self) -> bool:
        """Known, no longer falling, and at chance level or hardly lower than at the start."""
        if self.has_no_floor or self.end < LEARNT * self.chance:
            return False
        lower = self.start - self.end > max(2 * self.noise, LITTLE * abs(self.start))
        # where the least possible loss is unknown, most of what can be gained may be gained at once
        lower |= np.isnan(self.chance) and self.first - self.end > max(2 * self.noise, MUCH * abs(self.first))
        coming = self.falling > SURE and self.end < self.start - self.noise
        return self.known and not coming and (not lower or self.is_at_chance)

    @property
    def is_worse(self) -> bool:
        """Known, and higher than at the start by more than its noise and a fifth, or not finite any more."""
        higher = self.end - self.start > max(2 * self.noise, MUCH * abs(self.start))
        return self.known and ((higher and not self.has_no_floor) or self.broken)

    @property
    def is_degraded(self) -> bool:
        """Known, and plateaued, worse or not finite."""
        return self.has_plateaued or self.is_worse


def loss_trend(history: History) -> LossTrend:
    """The trend of the loss of a history.

    >>> loss_trend(History()).known
    False
    """
    return trend_of(*judged_losses(history))


def judged_losses(history: History) -> tuple[np.ndarray, float]:
    """The losses that say how a training goes, and their chance level.

    They are those of the first loss function, without penalties. Where a step has unlike losses, the first
    may be a small part of the whole: if it alone does badly, they are the values that backward was called on.

    Args:
        history: The sampled steps.

    Returns:
        (samples,) losses, none where none was seen, and the chance level; nan where it is unknown.
    """
    losses = history.task_losses if history.has_losses else history.task_losses[:0]
    chance = history.chance
    if has_unlike_losses(history) and trend_of(losses, chance).is_degraded:
        whole = trend_of(history.losses)
        if whole.known and not whole.is_degraded:
            return history.losses, np.nan
    return losses, chance


def has_unlike_losses(history: History) -> bool:
    """Whether most steps call loss functions of different kinds, or on targets of different shapes."""
    several = [len({(call.kind, call.target_shape[1:]) for call in sample.losses}) > 1 for sample in history]
    return sum(several) > OFTEN * len(several)


def trend_of(losses: np.ndarray, chance: float = float("nan")) -> LossTrend:
    """The trend of a series of losses. Losses after the first that is not finite are left out.

    The start is the first loss, or the median of the first fifth where that is lower, so that a jump at the
    first step does not raise it. The noise is estimated from successive differences, which hardly depend on
    the trend.

    >>> trend_of(np.linspace(2, 1, 20)).has_plateaued, trend_of(np.full(20, 2.0)).has_plateaued
    (False, True)
    """
    seen = losses[np.isfinite(losses).argmax() :] if np.isfinite(losses).any() else losses[:0]
    ended = np.flatnonzero(~np.isfinite(seen))
    good = seen[: ended[0]] if len(ended) else seen
    if len(good) == 0:
        return LossTrend(np.nan, np.nan, np.nan, np.nan, len(losses) > len(seen), 0, chance)
    part = max(len(good) // 5, 1)
    spread = 1.4826 * float(np.median(np.abs(np.diff(good)))) / np.sqrt(2) if len(good) > 1 else 0.0
    start = min(float(good[0]), float(np.median(good[:part])))
    noise = spread * float(np.sqrt(2 / part))
    end, broken = float(np.mean(good[-part:])), len(ended) > 0
    peak = float(np.max(good[: max(len(good) // 3, 1)]))
    floorless = bool(np.isnan(chance)) and int((np.diff(np.sign(good)) != 0).sum()) >= SIGN_CHANGES
    return LossTrend(
        start, end, noise, _falling(good), broken, len(seen), chance, peak, floorless, float(good[0])
    )


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
