"""The pace of a loss: a fall that noise hides, none on a plateau, and the steps that are left."""

from __future__ import annotations

import numpy as np
import pytest

from levinthal.clinic.answer.descent import pace, steps_needed

STEPS = np.arange(0, 400, 10)
NOISE = 0.05 * np.sin(np.arange(40) * 12.9898) * 1.7


def test_a_straight_fall_has_its_slope() -> None:
    assert pace(STEPS, 3.0 - 0.002 * STEPS) == pytest.approx(0.002)


def test_a_fall_within_the_noise_of_the_last_half_is_seen_over_all_samples() -> None:
    assert pace(STEPS, 1.5 - 2e-4 * STEPS + NOISE) == pytest.approx(2e-4, rel=0.6)


@pytest.mark.parametrize("losses", [1.5 + NOISE, 1.0 + np.exp(-STEPS / 20.0) + NOISE, 1.0 + 1e-4 * STEPS])
def test_a_plateau_has_no_pace_whatever_was_before(losses: np.ndarray) -> None:
    assert pace(STEPS, losses) == 0


def test_steps_are_counted_in_two_digits() -> None:
    assert steps_needed(2.0, 0.5, 3.7e-5) == 41_000
    assert steps_needed(0.4, 0.5, 1.0) == 0
