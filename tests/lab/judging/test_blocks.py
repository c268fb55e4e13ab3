"""The words over blocks of seeds, for effects whose blocks are known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levinthal.lab.analysis.contrasts import evidence
from levinthal.lab.analysis.readings import value
from levinthal.lab.judging.blocks import BLOCK, block_outcomes, seed_blocks, stability
from levinthal.lab.storage.rows import Rows
from levinthal.vocabulary import Claim, Estimate, Measurement, Outcome, Row


def rows(*levels: float) -> Rows:
    """Eight seeds a level, with a little spread around it."""
    return Rows.of(
        Row({"arm": "only"}, Measurement("gain", Estimate.exact(level + 0.01 * seed), BLOCK * at + seed))
        for at, level in enumerate(levels)
        for seed in range(BLOCK)
    )


def claim(smallest: float | None = 1.0) -> Claim:
    return Claim("X", "It gains.", "a book", "gain", "", smallest, "", evidence(value("gain", arm="only")))


def test_each_block_is_judged_on_its_own_seeds() -> None:
    words = block_outcomes(claim(), rows(3.0, 0.0, -3.0, 3.0))
    one, other = Outcome.REPLICATES, Outcome.DOES_NOT_REPLICATE
    assert [words[0], words[2], words[3]] == [one, other, one]


@pytest.mark.parametrize("levels", [(), (3.0,), (3.0, 3.0)])
def test_fewer_than_three_blocks_say_nothing(levels: tuple[float, ...]) -> None:
    assert block_outcomes(claim(), rows(*levels)) == ()


def test_blocks_are_of_the_seeds_that_the_claim_has() -> None:
    """Two of four blocks have the claim's measurement: too few, however many seeds others have."""
    others = Rows.of(
        Row({"arm": "only"}, Measurement("other", Estimate.exact(1.0), BLOCK * 2 + seed))
        for seed in range(BLOCK * 2)
    )
    assert len(block_outcomes(claim(), rows(3.0, 3.0, 3.0))) == 3
    assert block_outcomes(claim(), Rows.of([*rows(3.0, 3.0), *others])) == ()


def test_a_number_that_is_only_reported_has_no_blocks() -> None:
    assert block_outcomes(claim(None), rows(3.0, 3.0, 3.0)) == ()


@given(st.sets(st.integers(0, 99)), st.integers(1, 12))
def test_blocks_are_disjoint_full_and_lose_less_than_one(seeds: set[int], size: int) -> None:
    blocks = seed_blocks(seeds, size)
    used = [seed for block in blocks for seed in block]
    assert all(len(block) == size for block in blocks)
    assert used == sorted(set(used))
    assert set(used) <= seeds
    assert len(seeds) - len(used) < size


def test_a_word_that_never_comes_out_in_a_block_is_not_hidden() -> None:
    words = stability(Outcome.PARTIALLY, (Outcome.REPLICATES, Outcome.REPLICATES, Outcome.INCONCLUSIVE))
    assert words == "the same verdict in 0 of 3 blocks of 8 seeds; else replicates or inconclusive"
    assert stability(Outcome.PARTIALLY, ()) == ""


def test_the_sentence_has_the_size_of_the_blocks() -> None:
    word = Outcome.REPLICATES
    assert stability(word, (word, word), 12) == "the same verdict in 2 of 2 blocks of 12 seeds"


def test_blocks_without_rows_of_the_claim_are_left_out() -> None:
    other = Rows.of(
        Row({"arm": "only"}, Measurement("loss", Estimate.exact(1.0), seed)) for seed in range(24)
    )
    assert block_outcomes(claim(), other) == ()
