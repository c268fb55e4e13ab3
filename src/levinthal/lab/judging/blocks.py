"""The word of a claim over disjoint blocks of seeds: does it come out the same each time?

A word that rests on eight seeds is one draw of a random word. Judged again on other eight seeds it may be
another one. Each block is judged alone, on its own rows, with its own best learning rates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from levinthal.lab.judging.failing import FEWEST_TO_REPLICATE
from levinthal.lab.judging.verdicts import judge
from levinthal.lab.storage.rows import Rows
from levinthal.vocabulary import Claim, Outcome

BLOCK = FEWEST_TO_REPLICATE
"""Seeds of a block: the fewest that can replicate."""
FEWEST_BLOCKS = 3


def seed_blocks(seeds: Iterable[int], size: int = BLOCK) -> list[tuple[int, ...]]:
    """Disjoint blocks of seeds, in ascending order; seeds that fill no block are left out.

    Args:
        seeds: the seeds that have run, in any order.
        size: seeds of a block.

    Returns:
        The blocks.

    >>> seed_blocks(range(7), 3)
    [(0, 1, 2), (3, 4, 5)]
    """
    ordered = sorted(set(seeds))
    return [tuple(ordered[at : at + size]) for at in range(0, len(ordered) - size + 1, size)]


def block_outcomes(claim: Claim, rows: Rows, size: int = BLOCK) -> tuple[Outcome, ...]:
    """The word of a claim over each block of seeds.

    Args:
        claim: a claim that is judged.
        rows: the rows of one preset.
        size: seeds of a block.

    Returns:
        One word for each block that has effects, at 95 %; none for fewer than three blocks, and for
        a claim that is only reported.
    """
    run = set(rows.distinct("seed"))
    if claim.smallest_effect is None or len(run) < FEWEST_BLOCKS * size:
        return ()
    blocks = seed_blocks(_seeds_of(claim, rows, run), size)
    if len(blocks) < FEWEST_BLOCKS:
        return ()
    found = [claim.evidence(rows.where(seed=block)) for block in blocks]
    return tuple(judge(claim, evidence).outcome for evidence in found if any(evidence.effects.values()))


def _seeds_of(claim: Claim, rows: Rows, run: set[int]) -> set[int]:
    """The seeds that the claim has effects of; all that ran where effects are of networks, not of seeds."""
    own = {seed for effects in claim.evidence(rows).effects.values() for seed in effects}
    return own if own and own <= run else run


def stability(outcome: Outcome, blocks: Sequence[Outcome], size: int = BLOCK) -> str:
    """How often the word of a verdict comes out over the blocks.

    Args:
        outcome: the verdict's word.
        blocks: the words over the blocks.
        size: seeds of a block.

    Returns:
        A phrase: the share of blocks with this word, then the other words; empty without blocks.

    >>> R, P = Outcome.REPLICATES, Outcome.PARTIALLY
    >>> stability(R, (R, R, P))
    'the same verdict in 2 of 3 blocks of 8 seeds; else partially'
    >>> stability(P, (P, P, P))
    'the same verdict in 3 of 3 blocks of 8 seeds'
    """
    if not blocks:
        return ""
    others = Counter(word for word in blocks if word is not outcome)
    rest = " or ".join(str(word) for word, _ in others.most_common())
    same = len(blocks) - others.total()
    words = f"the same verdict in {same} of {len(blocks)} blocks of {size} seeds"
    return f"{words}; else {rest}" if rest else words
