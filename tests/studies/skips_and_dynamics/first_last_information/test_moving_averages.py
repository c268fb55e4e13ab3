"""Moving averages of batch norm settle during a run: they make no rise or peak (C1, C6), and hide none."""

from __future__ import annotations

import pytest
from tests.studies.skips_and_dynamics.first_last_information.test_claims import (
    in_every_mode,
    trains,
    verdict,
)

from levinthal.vocabulary import Cell, Outcome


def settling(cell: Cell, share: float) -> float:
    """From no information up; sooner in trained networks, whose large weights outgrow the initial values."""
    return share * (1 + 1.2 * trains(cell))


@pytest.mark.parametrize("id_", ["C1", "C1m"])
def test_a_rise_of_moving_averages_is_none(id_: str) -> None:
    """The weights' own rise is 0.06 bits: the mean over the modes was 0.8 bits, and replicated."""
    small = in_every_mode(lambda cell, share: 2 + 0.06 * trains(cell) * share)
    found = verdict(id_, information=small | {("running", "before"): settling})
    assert found.outcome in (Outcome.WEAKER, Outcome.DOES_NOT_REPLICATE)
    assert found.effect.value < 0.1
    notes = [reason for reason in found.reasons if reason.startswith("With running statistics: 2.")]
    assert len(notes) == 1
    assert "with frozen weights, where they alone move, 1.0" in notes[0] or ", 0.9" in notes[0]


def test_a_peak_is_not_hidden_by_moving_averages_that_still_settle() -> None:
    """As on digits: 0.41 bits, and 0.1 with running statistics, which the smallest of the modes took."""
    peaked = in_every_mode(lambda cell, share: 2 + 4 * trains(cell) * share * (1 - share))
    found = verdict("C6", information=peaked | {("running", "before"): settling})
    assert found.outcome is Outcome.REPLICATES


@pytest.mark.parametrize("id_", ["C1m", "C6m"])
def test_one_width_does_not_speak_for_the_others(id_: str) -> None:
    """A large effect at width 10, a small one of the other sign at width 20: their mean is large."""

    def course(cell: Cell, share: float) -> float:
        shape = share if id_ == "C1m" else 4 * share * (1 - share)
        return 2 + (1.5 if cell["width"] == 10 else -0.1) * trains(cell) * shape

    found = verdict(id_, information=in_every_mode(course), noise=0.01)
    assert found.outcome is not Outcome.REPLICATES
    assert id_ == "C6m" or found.effect.value > 0.25
