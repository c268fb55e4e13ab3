"""The claims about the book's own numbers: how near ours come, and whether its one draw could be ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from levinthal.lab.analysis import Effect, Reading, evidence
from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.unstable_gradient.claims.speeds import LAST, last_over_first, norm
from levinthal.studies.trainability.unstable_gradient.design import NORMS, RATIOS, SOURCE
from levinthal.vocabulary import Claim

ONLY_MNIST = "The book's numbers are of MNIST: only a preset on MNIST can be compared with them."

Beside = tuple[float, BySeed]
"""A number of the book, and ours by seed."""


def initial_norms(rows: Rows, start: str) -> dict[str, Beside]:
    """Layer -> the book's ||dC/db|| before training, and ours by seed; of layers that have run on MNIST."""
    here = rows.where(name="bias_gradient").where(pixels=784)
    found = {
        f"layer {layer} of {hidden}": (published, norm(start, hidden, layer)(here).by_seed)
        for hidden, norms in NORMS.items()
        for layer, published in enumerate(norms, start=1)
    }
    return {name: pair for name, pair in found.items() if pair[1]}


def ratios(rows: Rows, start: str) -> dict[int, Beside]:
    """Epoch -> the book's ||dC/db|| of the last over the first of four layers, and ours by seed."""
    here = rows.where(name="bias_gradient").where(pixels=784)
    ours = {epoch: last_over_first(start, 4, LAST, epoch)(here).map(lambda log: 10**log) for epoch in RATIOS}
    return {epoch: (RATIOS[epoch], one.by_seed) for epoch, one in ours.items() if one.by_seed}


def closeness(start: str) -> Callable[[Rows], dict[str, Reading]]:
    """1 - |log2(ours / the book's)| of each norm: 1 is the book's number, 0 is double or half of it."""

    def close(published: float, ours: BySeed) -> Reading:
        return lambda _: Effect(ours).map(lambda norm: 1 - abs(math.log2(norm / published)))

    return lambda rows: {name: close(*pair) for name, pair in initial_norms(rows, start).items()}


def within_draws(rows: Rows) -> Iterator[str]:
    """How many of the book's norms are ordinary among our draws."""
    found = initial_norms(rows, "book").values()
    spans = [(book, np.quantile(list(ours.values()), [0.025, 0.975])) for book, ours in found]
    inside = sum(bool(low <= book <= high) for book, (low, high) in spans)
    sentence = f"{inside} of the book's {len(spans)} norms lie in the central 95 % of our draws."
    yield sentence if spans else ONLY_MNIST


def within(rows: Rows, start: str) -> dict[str, BySeed]:
    """Number of the book -> seed -> 1 if the other seeds' range holds it, 0 if not.

    A seed is left out of its own range: a number that one seed alone reaches does not count for that seed.
    """
    later = {f"last over first, epoch {epoch}": pair for epoch, pair in ratios(rows, start).items()}
    found = dict[str, BySeed]()
    for name, (published, ours) in (initial_norms(rows, start) | later).items():
        others = {seed: [v for s, v in ours.items() if s != seed] for seed in ours} if len(ours) > 1 else {}
        found[name] = {s: float(min(held) <= published <= max(held)) for s, held in others.items()}
    return {name: seeds for name, seeds in found.items() if seeds}


def in_range(start: str) -> Callable[[Rows], dict[str, Reading]]:
    """The book's fifteen numbers against the range of our seeds."""

    def as_reading(seeds: BySeed) -> Reading:
        return lambda _: Effect(seeds)

    return lambda rows: {name: as_reading(seeds) for name, seeds in within(rows, start).items()}


def expected_in_range(rows: Rows) -> Iterator[str]:
    """How many numbers the range of all seeds holds, and how many it would hold of one more draw of ours."""
    found = within(rows, "book")
    seeds = min(map(len, found.values()), default=0)
    held = sum(any(seed.values()) for seed in found.values())
    sentence = (
        f"The range of all seeds holds {held} of the book's {len(found)} numbers; of one more draw of ours, "
        f"beside {seeds} seeds, it would hold {(seeds - 1) / (seeds + 1):.0%}."
    )
    yield sentence if found else ONLY_MNIST


CLAIMS = (
    Claim(
        id="U4",
        says="The speeds are those of the book's figures.",
        source=f"{SOURCE}: the data of its figures",
        effect="1 - |log2(our norm / the book's)|, over its nine initial norms",
        unit="",
        smallest_effect=0.25,
        why_smallest="chosen by us: norms that differ by less than a factor of 1.7 on average",
        control="weights N(0, 1)",
        evidence=evidence(closeness("book"), control=closeness("unit"), notes=within_draws),
    ),
    Claim(
        id="U7",
        says="The book's one draw could be one of ours: its initial norms, and last over first of 4 layers.",
        source=f"{SOURCE}: the data of its figures",
        effect="share of the book's fifteen numbers within the range of the other seeds",
        unit="",
        smallest_effect=0.5,
        why_smallest="chosen by us: half of the fifteen numbers",
        control="weights N(0, 1)",
        evidence=evidence(in_range("book"), control=in_range("unit"), notes=expected_in_range),
    ),
)
