"""The evidence of simulated studies: an effect for each condition and seed, many studies at once."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from benchmarks.simulated.cells import Cell
from benchmarks.simulated.noises import LAWS, NULL, SHARE, SIZE, Array, Generator, probability

from levinthal.vocabulary import Claim, Evidence

POSITIVE_SHAPE = 4.0
"""A control that cannot be negative has a gamma law of this shape: its spread is half its mean."""


def claim_of(cell: Cell) -> Claim:
    """The claim of a cell: its smallest effect size is 1, or that of a share."""
    is_share = cell.noise == SHARE
    return Claim(
        id="X",
        says="A simulated effect.",
        source="simulation",
        effect="effect",
        unit="",
        smallest_effect=NULL + SIZE if is_share else 1.0,
        control="" if cell.control is None else "the same without the cause",
        evidence=lambda _: Evidence({}),
        null=NULL if is_share else 0.0,
        binary=is_share,
        why_no_control="" if cell.control is not None else "the truth is known",
    )


def truth_of(cell: Cell) -> float:
    """The mean over conditions and all possible seeds, in the unit of the claim."""
    if cell.noise == SHARE:
        return probability(cell.truth)
    return cell.truth * (cell.parts - cell.uneven) / cell.parts


def effects(rng: Generator, cell: Cell, studies: int, seeds: int) -> Array:
    """Effects of many studies: study, condition, seed."""
    shape = (studies, cell.parts, seeds)
    if cell.noise == SHARE:
        return (rng.random(shape) < probability(cell.truth)).astype(float)
    means = np.full(cell.parts, cell.truth)
    means[: cell.uneven] = 0.0
    return means[:, None] + cell.spread * correlated(rng, cell, shape)


def correlated(rng: Generator, cell: Cell, shape: tuple[int, ...]) -> Array:
    """Noise with the correlation `shared` between the conditions of a seed (normal noise stays normal)."""
    law = LAWS[cell.noise]
    own = law(rng, shape)
    if not cell.shared:
        return own
    common = law(rng, (shape[0], 1, shape[2]))
    return math.sqrt(1 - cell.shared) * own + math.sqrt(cell.shared) * common


def controls(rng: Generator, cell: Cell, studies: int, seeds: int) -> Array | None:
    """The control arm of the same studies, with noise of its own; None for a cell without one."""
    if cell.control is None:
        return None
    shape = (studies, cell.parts, seeds)
    if cell.positive:
        return rng.gamma(POSITIVE_SHAPE, cell.control / POSITIVE_SHAPE, shape)
    means = np.full(cell.parts, cell.control)
    if cell.in_one:
        means[1:] = 0.0
    return means[:, None] + cell.spread * LAWS[cell.noise](rng, shape)


def evidence_of(effect: Array, control: Array | None = None, *, seeds: int | None = None) -> Evidence:
    """One study as evidence: the first `seeds` seeds of each condition."""
    return Evidence(by_condition(effect, seeds), {} if control is None else by_condition(control, seeds))


def by_condition(values: Array, seeds: int | None) -> dict[str, dict[int, float]]:
    """Condition -> seed -> effect."""
    return {f"condition {number}": dict(enumerate(row[:seeds])) for number, row in enumerate(values.tolist())}


def drawn(rng: Generator, cell: Cell, studies: int) -> Iterator[Evidence]:
    """The evidence of many studies of a cell."""
    effect, control = effects(rng, cell, studies, cell.seeds), controls(rng, cell, studies, cell.seeds)
    for study in range(studies):
        yield evidence_of(effect[study], None if control is None else control[study])
