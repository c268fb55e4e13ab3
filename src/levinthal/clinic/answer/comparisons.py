"""The loss of a run against what it is held against: each comparison is a yes or a no."""

from __future__ import annotations

import math

import torch

from levinthal.clinic.answer.standing import Standing
from levinthal.clinic.recording.row_reservoir import row_fingerprints
from levinthal.clinic.rules.loss_trend import AT_CHANCE, FEWEST, LEARNT, NEAR_CHANCE

TOLERANCE = 0.25
"""Share of the way from the reference to the chance level that a training loss may lie above it, because
dropout and augmentation raise it."""
BELOW = 1e-3
"""Share of the chance level (or of one) below the floor from which on a loss is absurd."""
SHORT = 4 * FEWEST
"""Samples from which on a loss without a certain fall has come to its end."""
DROPOUT = 0.2
"""Dropout probability from which on the training loss is much higher than without."""
REPEATED = 0.1
"""Share of the kept rows that were kept before, from which on a training set is small."""
FLAT = 0.05
"""Share of the first loss by which a loss that was low from the start has to fall."""


def is_short(run: Standing) -> bool:
    """Whether the loss fell, in too few samples to say that it no longer does."""
    fell = run.trend.start - run.trend.end > 2 * run.trend.noise
    return fell and run.trend.samples < SHORT


def is_at_chance(run: Standing) -> bool:
    """Whether the loss ends at chance level or above."""
    return run.trend.known and run.trend.end >= run.level(AT_CHANCE)


def is_well_below_chance(run: Standing) -> bool:
    """Whether the loss ends well below chance level."""
    return run.trend.known and run.trend.end <= run.level(NEAR_CHANCE)


def is_as_good_as_reference(run: Standing) -> bool:
    """Whether the loss is as low as that of the reference, within the tolerance."""
    ref = run.reference
    if ref is None:
        return False
    room = max(TOLERANCE * (run.chance - ref.loss), 2 * ref.error)
    return run.end <= ref.loss + room and not is_at_chance(run)


def is_hardly_predictable(run: Standing) -> bool:
    """Whether neither the network nor the reference is much better than a constant."""
    ref = run.reference
    return (
        ref is not None and min(ref.loss, run.end) > run.level(LEARNT) and ref.loss > run.level(NEAR_CHANCE)
    )


def is_raised_by_dropout(run: Standing) -> bool:
    """Whether the only loss that is known was computed with dropout."""
    rates = [p for sample in run.history for p in sample.dropout_rates.values()]
    held = run.history.validation
    return max(rates, default=0.0) >= DROPOUT and (held is None or not held.evaluations)


def is_below_floor(run: Standing) -> bool:
    """Whether the loss is lower than any prediction allows."""
    scale = max(abs(run.chance) if math.isfinite(run.chance) else 0.0, abs(run.floor), 1.0)
    return run.trend.samples > 0 and run.trend.end < run.floor - BELOW * scale


def was_low_from_the_start(run: Standing) -> bool:
    """Whether the loss began well below chance level and did not fall. A first loss near chance level that
    falls within a few samples, as that of a network that predicts noise, was not low.
    """
    low = max(run.trend.start, run.trend.first) <= run.level(NEAR_CHANCE)
    return low and run.trend.start - run.trend.end <= max(FLAT * run.trend.start, 2 * run.trend.noise)


def is_validation_at_chance(run: Standing) -> bool:
    """Whether the validation loss was never below chance level."""
    return run.validation >= run.level(AT_CHANCE)


def is_validation_at_chance_at_last(run: Standing) -> bool:
    """Whether the last validation loss is at chance level, or is no number."""
    end = run.validation_end
    return math.isfinite(run.validation) and not end < run.level(AT_CHANCE)


def has_learnt(run: Standing) -> bool:
    """Whether the loss ends below half of the chance level."""
    return run.trend.known and run.trend.end <= run.level(LEARNT)


def may_be_memorised(run: Standing) -> bool:
    """Whether rows come again and again, no learner predicts left-out rows, and none were held out."""
    if not run.is_learner_at_chance or math.isfinite(run.validation):
        return False
    marks = torch.cat([row_fingerprints(chunk.inputs).cpu() for chunk in run.history.rows.chunks])
    return len(torch.unique(marks)) < (1 - REPEATED) * len(marks)
