"""The claims about the book's own numbers: how near ours come, and how odd its one draw is among ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from levinthal.lab.analysis import Effect, Reading, evidence
from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.unstable_gradient.claims.speeds import LAST, last_over_first, norm
from levinthal.studies.trainability.unstable_gradient.design import NORMS, RATIOS, SOURCE
from levinthal.vocabulary import Basis, Claim

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


def as_odd(draws: Mapping[int, Sequence[float]], book: Sequence[float]) -> BySeed:
    """Seed -> 1 if its draw is at least as far from the middle as the book's, 0 if nearer.

    Each number is ranked among all seeds and the book; the distance of a draw is the mean square of its
    ranks' distances from the middle rank. If the book's draw is one of ours, the share of seeds with a 1 is
    as likely to be large as small: a p-value.

    >>> as_odd({0: [1.0], 1: [2.0], 2: [3.0], 3: [5.0]}, [4.0])
    {0: 1.0, 1: 1.0, 2: 0.0, 3: 1.0}
    """
    table = np.array([*draws.values(), book])
    ranks = table.argsort(axis=0).argsort(axis=0) - (len(table) - 1) / 2
    far = (ranks**2).mean(axis=1)
    return {seed: float(one >= far[-1]) for seed, one in zip(draws, far[:-1], strict=True)}


def groups(rows: Rows, start: str) -> dict[str, dict[str, Beside]]:
    """The book's numbers by the network they are of: initial norms by depth, and ratios over epochs."""
    first = initial_norms(rows, start)
    found = {
        f"{hidden} hidden layers": {name: first[name] for name in first if name.endswith(f"of {hidden}")}
        for hidden in NORMS
    }
    found["over training"] = {f"epoch {epoch}": pair for epoch, pair in ratios(rows, start).items()}
    return {name: pairs for name, pairs in found.items() if pairs}


def oddness(start: str) -> Callable[[Rows], dict[str, Reading]]:
    """Group of numbers -> which of our draws are at least as far from the middle as the book's."""

    def reading(pairs: Mapping[str, Beside]) -> Reading:
        seeds = sorted(set.intersection(*(set(ours) for _, ours in pairs.values())))
        draws = {seed: [ours[seed] for _, ours in pairs.values()] for seed in seeds}
        found = as_odd(draws, [book for book, _ in pairs.values()]) if seeds else {}
        return lambda _: Effect(found)

    return lambda rows: {name: reading(pairs) for name, pairs in groups(rows, start).items()}


def in_range(rows: Rows) -> Iterator[str]:
    """How many numbers the range of all seeds holds, and how many it would hold of one more draw of ours."""
    pairs = [pair for found in groups(rows, "book").values() for pair in found.values()]
    seeds = min((len(ours) for _, ours in pairs), default=0)
    held = sum(min(ours.values()) <= book <= max(ours.values()) for book, ours in pairs)
    yield (
        f"The range of all seeds holds {held} of the book's {len(pairs)} numbers; of one more draw of ours, "
        f"beside {seeds} seeds or more, it would hold {(seeds - 1) / (seeds + 1):.0%} or more."
        if seeds > 1
        else ONLY_MNIST
    )


def nearer_draws(rows: Rows) -> Iterator[str]:
    """The p-value of each group of numbers, and the range."""
    for name, read in oddness("book")(rows).items():
        if found := list(read(rows).by_seed.values()):
            p = (1 + sum(found)) / (1 + len(found))
            yield f"The book's draw by rank among ours, {name}: p = {p:.2g}."
    yield from in_range(rows)


CLAIMS = (
    Claim(
        id="U4",
        says="Averaged over its nine norms, the speeds before training are within a factor of 1.7 of the "
        "book's one draw, and each of them within two, on the mean over our draws.",
        source=f"{SOURCE}: its text and the data of its figures",
        effect="1 - |log2(our norm / the book's)|, over its nine initial norms: 1 is the book's number, 0 is "
        "double or half of it",
        unit="",
        smallest_effect=0.25,
        why_smallest="chosen by us: norms that differ by less than a factor of 1.7 on average. Those of the "
        "last layers, three of nine, are near in most networks; one that is further off is seen in its own "
        "condition. A pilot had shown how our draws spread",
        basis=Basis.PILOT,
        control="weights N(0, 1)",
        evidence=evidence(closeness("book"), control=closeness("unit"), notes=within_draws),
        quote="In that case, the respective speeds of learning are 0.003, 0.017, 0.070, and 0.285.",
    ),
    Claim(
        id="U7",
        says="How odd the book's one draw is among ours: its initial norms, and last over first of 4 layers.",
        source=f"ours, on the data of the figures of {SOURCE}",
        effect="share of our draws that are at least as far from the middle as the book's: anything from 0 "
        "to 1 is as likely for one network if the book's is one of ours (a half on the mean), and the "
        "interval is over our seeds alone",
        unit="",
        smallest_effect=None,
        null=0.5,
        control="",
        why_no_control="a p-value is compared with chance, not with an arm",
        evidence=evidence(oddness("book"), notes=nearer_draws),
    ),
)
