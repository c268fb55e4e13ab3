"""The word over blocks of seeds: on the page of its own preset, and on that of another one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Call = Callable[..., object]
RUN = ("study", "run", "small_study.py", "--device", "cpu", "--workers", "1")


def test_three_blocks_of_seeds_stand_beside_the_word(call: Call) -> None:
    call(*RUN, "--seeds", "16")
    call(*RUN, "--seeds", "24")
    assert "blocks of 8 seeds" not in Path("results/toy-coins-quick-seeds-16.html").read_text()
    assert (
        "The same verdict in 3 of 3 blocks of 8 seeds"
        in Path("results/toy-coins-quick-seeds-24.html").read_text()
    )


def test_a_preset_with_few_seeds_shows_the_blocks_of_another_one(call: Call) -> None:
    call(*RUN, "--seeds", "24")
    call(*RUN, "--preset", "digits")
    assert "With the preset quick: the same verdict in " in Path("results/toy-coins-digits.html").read_text()
