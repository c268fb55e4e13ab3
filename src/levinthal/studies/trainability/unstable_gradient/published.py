"""The claims about the book's own numbers: how near ours come, and whether its one draw could be ours."""

from __future__ import annotations

import math

import numpy as np

from levinthal.lab.analysis.effects import BySeed, present
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.unstable_gradient.plan import EPOCHS, NORMS, RATIOS
from levinthal.studies.trainability.unstable_gradient.speeds import SOURCE, last_over_first, norms
from levinthal.vocabulary import Claim, Evidence

ELSEWHERE = "The book's numbers are of MNIST: only a preset on MNIST can speak of them."

Beside = tuple[float, BySeed]
"""A number of the book, and ours by seed."""


def of_the_book(rows: Rows) -> Rows:
    """The gradients that were measured on the book's data."""
    return rows.where(name="bias_gradient").where(pixels=784)


def initial_norms(rows: Rows, start: str) -> dict[str, Beside]:
    """Layer -> the book's ||dC/db|| before training, and ours by seed; of layers that have run."""
    here, found = of_the_book(rows), dict[str, Beside]()
    for hidden, published in NORMS.items():
        arm = norms(here, start, hidden)
        for layer, norm in enumerate(published, start=1):
            found[f"layer {layer} of {hidden}"] = norm, arm.by_seed(layer=f"{layer}")
    return {name: pair for name, pair in found.items() if pair[1]}


def ratios(rows: Rows, start: str) -> dict[int, Beside]:
    """Epoch -> the book's ||dC/db|| of the last over the first of four layers, and ours by seed."""
    arm, found = norms(of_the_book(rows), start, 4, epochs=EPOCHS[-1]), dict[int, Beside]()
    for epoch, ratio in RATIOS.items():
        ours = {seed: 10**decades for seed, decades in last_over_first(arm, epoch).items()}
        found[epoch] = ratio, ours
    return {epoch: pair for epoch, pair in found.items() if pair[1]}


def closeness(rows: Rows, start: str) -> dict[str, BySeed]:
    """Norm -> seed -> 1 - |log2(ours / the book's)|: 1 is the book's number, 0 is double or half of it."""
    return {
        name: {seed: 1 - abs(math.log2(norm / published)) for seed, norm in ours.items()}
        for name, (published, ours) in initial_norms(rows, start).items()
    }


def as_published(rows: Rows) -> Evidence:
    """U4: how close our draws come to the book's; control: weights N(0, 1), which the book did not use."""
    inside = []
    for norm, ours in initial_norms(rows, "book").values():
        low, high = np.quantile(list(ours.values()), [0.025, 0.975])
        inside.append(low <= norm <= high)
    note = f"{sum(inside)} of the book's {len(inside)} norms lie in the central 95 % of our draws."
    return Evidence(closeness(rows, "book"), closeness(rows, "unit"), notes=(note if inside else ELSEWHERE,))


def within(rows: Rows, start: str) -> dict[str, BySeed]:
    """Number of the book -> seed -> 1 if the other seeds' range holds it, 0 if not.

    A seed is left out of its own range: what one seed alone reaches does not count for that seed.
    """
    parts = dict[str, BySeed]()
    later = {f"last over first, epoch {epoch}": pair for epoch, pair in ratios(rows, start).items()}
    for name, (published, ours) in (initial_norms(rows, start) | later).items():
        others = {seed: [v for s, v in ours.items() if s != seed] for seed in ours} if len(ours) > 1 else {}
        parts[name] = {s: float(min(held) <= published <= max(held)) for s, held in others.items()}
    return present(parts)


def one_of_ours(rows: Rows) -> Evidence:
    """U7: the book's fifteen numbers against the range of our seeds; control: weights N(0, 1)."""
    found = within(rows, "book")
    seeds = min(map(len, found.values()), default=0)
    held = sum(any(seed.values()) for seed in found.values())
    note = (
        f"The range of all seeds holds {held} of the book's {len(found)} numbers; of one more draw of ours, "
        f"beside {seeds} seeds, it would hold {(seeds - 1) / (seeds + 1):.0%}."
    )
    return Evidence(found, within(rows, "unit"), notes=(note if found else ELSEWHERE,))


CLAIMS = (
    Claim(
        id="U4",
        says="The speeds are those of the book's figures.",
        source=f"{SOURCE}: the data of its figures",
        effect="1 - |log2(our norm / the book's)|, over its nine initial norms",
        unit="doublings",
        smallest_effect=0.25,
        why_smallest="chosen by us: norms that differ by less than a factor of 1.7 on average",
        control="weights N(0, 1)",
        evidence=as_published,
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
        evidence=one_of_ours,
    ),
)
