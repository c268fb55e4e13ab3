"""The note on how much of a source's training was run."""

from __future__ import annotations

from levinthal.lab import Rows
from levinthal.lab.analysis.budget import budget


def test_the_note_says_the_share_and_both_numbers() -> None:
    whole = budget(lambda _: 750_000, 750_000, "the paper")
    assert list(whole(Rows.of([]))) == [
        "Updates run here: 750,000, which is 100 % of the 750,000 of the paper."
    ]


def test_without_runs_there_is_no_note() -> None:
    assert list(budget(lambda _: 0, 750_000, "the paper")(Rows.of([]))) == []
