"""The claims about the speed of the layers: ||dC/db|| from the first hidden layer to the last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from levinthal.lab.analysis import Effect, Reading, compare, evidence, log10_ratio, mapped, value
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.unstable_gradient.design import EPOCHS, NORMS, SOURCE, TERMS
from levinthal.vocabulary import Basis, Claim

LAST = EPOCHS[-1]
CONTROL = "the same widths with tanh units, orthogonal weights and biases of zero at first"


def norm(start: str, hidden: int, layer: int, *, epochs: int = 0, step: int = 0, **where: Any) -> Reading:
    """||dC/db|| of one layer in the runs of so many epochs, at an epoch."""
    arm: dict[str, Any] = {"start": start, "hidden": hidden, "epochs": epochs, "labels": "true"} | where
    return value("bias_gradient", step=step, layer=f"{layer}", **arm)


def last_over_first(start: str, hidden: int, epochs: int = 0, step: int = 0, **where: Any) -> Reading:
    """log10 of the last hidden layer's ||dC/db|| over the first's, at an epoch."""
    last, first = (norm(start, hidden, n, epochs=epochs, step=step, **where) for n in (hidden, 1))
    return compare(last, first, log10_ratio)


def per_layer(start: str, hidden: int, epochs: int = 0, step: int = 0) -> Reading:
    """log10 of the factor on ||dC/db|| per layer, at an epoch of the runs of so many epochs.

    Per layer, because over more layers a ratio drifts further, that of the control too.
    """
    return mapped(last_over_first(start, hidden, epochs, step), lambda whole: whole / (hidden - 1))


def growth(start: str) -> dict[str, Reading]:
    """log10 of the factor on ||dC/db|| per layer before training, for each depth."""
    return {f"{hidden} hidden layers": per_layer(start, hidden) for hidden in NORMS}


def least_growth(start: str) -> dict[str, Reading]:
    """The smallest factor per layer (log10) among all epochs that are read, for each depth."""

    def least(hidden: int) -> Reading:
        epochs = [per_layer(start, hidden, LAST, epoch) for epoch in EPOCHS]

        def read(rows: Rows) -> Effect:
            found = [seeds for epoch in epochs if (seeds := epoch(rows).by_seed)]
            held = set.intersection(*(set(seeds) for seeds in found)) if found else set()
            return Effect({seed: min(seeds[seed] for seeds in found) for seed in sorted(held)})

        return read

    return {f"{hidden} hidden layers": least(hidden) for hidden in NORMS}


def of_depths(start: str, choose: Callable[[Iterable[float]], float]) -> Reading:
    """The smallest or the largest of `least_growth` over the depths, seed by seed."""

    def read(rows: Rows) -> Effect:
        found = [one(rows).by_seed for one in least_growth(start).values()]
        held = set.intersection(*map(set, found))
        return Effect({seed: choose(seeds[seed] for seeds in found) for seed in sorted(held)})

    return read


def draws(rows: Rows) -> Iterator[str]:
    """The ratio over four layers, which the book shows, and its spread over the draws."""
    found = list(last_over_first("book", 4)(rows).by_seed.values())
    if found:
        low, middle, high = np.quantile(10 ** np.array(found), [0.025, 0.5, 0.975])
        yield (
            f"Last over first of 4 hidden layers: median {middle:.0f}, 95 % of draws {low:.0f} to {high:.0f}."
        )


def lowest_epochs(rows: Rows) -> Iterator[str]:
    """For each depth the epoch at which the median factor per layer is lowest, and that factor."""
    found = []
    for hidden in NORMS:
        medians = {
            epoch: float(np.median(list(seeds.values())))
            for epoch in EPOCHS
            if (seeds := per_layer("book", hidden, LAST, epoch)(rows).by_seed)
        }
        if medians:
            at = min(medians, key=medians.__getitem__)
            found.append(f"{10 ** medians[at]:.2g} at epoch {at} with {hidden} hidden layers")
    if found:
        yield f"The lowest median factor per layer: {', '.join(found)}."


PILOT = "a pilot had shown a ratio of 100 to 250 over four layers"

CLAIMS = (
    Claim(
        id="U1",
        says="Early layers learn slower: the first hidden layer's bias gradient is smaller than the last's.",
        source=SOURCE,
        effect="growth of ||dC/db|| from first to last hidden layer, before training",
        unit="log10 ratio per layer",
        smallest_effect=0.3,
        why_smallest=f"chosen by us: a factor of two a layer; {PILOT}",
        basis=Basis.PILOT,
        control=CONTROL,
        evidence=evidence(growth("book"), control=growth("orthogonal"), notes=draws),
        quote="the gradient tends to get smaller as we move backward through the hidden layers",
    ),
    Claim(
        id="U2",
        says="With weights N(0, 1) and 30 units a layer, the first hidden layer's bias gradient is smaller "
        "than the last's.",
        source=SOURCE,
        effect="growth of ||dC/db|| from first to last hidden layer, before training, weights N(0, 1)",
        unit="log10 ratio per layer",
        smallest_effect=0.3,
        why_smallest="chosen by us: a factor of two a layer; for layers of one neuron the book expects four "
        "or more (16 over two layers); a pilot had shown that it is far less than with N(0, 1/n). The "
        "quote is of one path; with 30 units a gradient sums 30 such products a layer, so that each of them "
        "can decrease while the norm does not",
        basis=Basis.PILOT,
        control=CONTROL,
        evidence=evidence(growth("unit"), control=growth("orthogonal")),
        quote="And when we take a product of many such terms, the product will tend to exponentially "
        "decrease: the more terms, the smaller the product will be.",
    ),
    Claim(
        id="U3",
        says="Early layers stay slower throughout training: at every depth and epoch that is read.",
        source=SOURCE,
        effect="smallest growth of ||dC/db|| from first to last hidden layer, among 18 epochs of 0 to 499 of "
        "two, three and four hidden layers, seed by seed",
        unit="log10 ratio per layer",
        smallest_effect=0.3,
        why_smallest="chosen by us: a factor of two a layer, as in U1; the book's network of four has 3.7 at "
        "its lowest. When every epoch was asked for in place of the last, 1.3 had been seen as the lowest "
        "with two hidden layers, of which the quote is; it was the mean over the depths",
        basis=Basis.SEEN,
        control=f"{CONTROL}, at the depth where their smallest growth is largest; they start at equal "
        "speeds, so that it stays near zero whatever training does",
        evidence=evidence(of_depths("book", min), control=of_depths("orthogonal", max), notes=lowest_epochs),
        quote="But through it all, the first hidden layer learns much more slowly than the second hidden "
        "layer.",
    ),
    Claim(
        id="U8",
        says="With weights N(0, 1) the terms |w s'(z)| of the product are usually below 1/4.",
        source=SOURCE,
        effect="share of the terms between hidden layers that are below 1/4, before training: 68 % follow "
        "from |w| < 1 alone, because s' is at most 1/4",
        unit="",
        smallest_effect=None,
        null=0.5,
        control="",
        why_no_control="the sentence states how large the terms are, and compares them with nothing",
        evidence=evidence(value(TERMS, start="unit")),
        quote="we see that the terms wⱼσ′(zⱼ) will usually satisfy |wⱼσ′(zⱼ)| < 1/4",
    ),
)
