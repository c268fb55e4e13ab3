"""The claims on saturation and on the normalised start, each at every learning rate of the grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from levinthal.lab.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.curves import (
    Curve,
    chosen,
    curves,
    present,
)
from levinthal.vocabulary import Claim, Evidence

SOURCE = "Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks (2010)"
BySeed = Mapping[int, float]
EARLY = 1500  # updates within which the top layer is to saturate
FLAT = 0.9  # 2 % of a layer's activations beyond it: the layer saturates
PRESERVED = ("fan_in_uniform", "normalised_uniform", "orthogonal")


def arm(rows: Rows, unit: str, start: str = "fan_in_uniform", hidden: int = 4, labels: str = "true") -> Rows:
    """The rows of one kind of network."""
    return chosen(rows, activation=unit, start=start, hidden=hidden, labels=labels)


def by_rate(rows: Rows, number: Callable[[Rows], BySeed]) -> dict[str, BySeed]:
    """Words for the rate -> seed -> a number of the rows at that rate."""
    trained = chosen(rows, name={"mean", "sd", "p98", "error"})
    trained = chosen(trained, steps=lambda steps: steps > 0)
    rates = trained.group_by("rate").items() if len(trained) else ()
    return present({f"rate {rate:g}": number(group) for (rate,), group in rates})


def traces(rows: Rows, name: str, layer: int) -> dict[int, Curve]:
    """Seed -> a statistic of a layer over training."""
    return curves(rows, name=name, layer=f"{layer}")


def fall(rows: Rows, layer: int) -> dict[int, float]:
    """Seed -> how far below 1/2 a layer's mean activation gets within the first updates."""
    return {
        seed: 0.5 - float(mean[steps <= EARLY].min())
        for seed, (steps, mean) in traces(rows, "mean", layer).items()
    }


def rise(rows: Rows, layer: int) -> dict[int, float]:
    """Seed -> how far a layer's mean activation is, at the end, above the lowest it has been."""
    return {seed: float(mean[-1] - mean.min()) for seed, (_, mean) in traces(rows, "mean", layer).items()}


def returned(rows: Rows, layer: int) -> dict[int, float]:
    """As `rise`, but NaN where the layer is at its lowest when the run ends: it may still come back."""
    low = {
        seed: int(mean.argmin()) == len(mean) - 1 for seed, (_, mean) in traces(rows, "mean", layer).items()
    }
    return {seed: math.nan if low[seed] else value for seed, value in rise(rows, layer).items()}


def later(rows: Rows) -> dict[int, float]:
    """Seed -> log2 of how much later the fourth layer saturates than the first; 0 if neither does."""
    first, last = (traces(rows, "p98", layer) for layer in (1, 4))
    return {seed: math.log2(saturates(last[seed]) / saturates(first[seed])) for seed in first}


def saturates(curve: Curve) -> float:
    """The first update read at which 2 % of a layer lie beyond 0.9, from 1; never is twice the run."""
    steps, level = curve
    beyond = np.flatnonzero(level > FLAT)
    return float(max(steps[beyond[0]], 1)) if len(beyond) else 2.0 * float(steps[-1])


def top_layer_falls(rows: Rows) -> Evidence:
    """L1: the top layer's fall; control: that of the layer below it, in the same networks."""
    nets = arm(rows, "sigmoid")
    return Evidence(by_rate(nets, lambda r: fall(r, 4)), by_rate(nets, lambda r: fall(r, 3)))


def top_layer_returns(rows: Rows) -> Evidence:
    """L2: the top layer's later rise; control: shuffled labels."""
    nets, control = arm(rows, "sigmoid"), arm(rows, "sigmoid", labels="shuffled")
    return Evidence(by_rate(nets, lambda r: returned(r, 4)), by_rate(control, lambda r: rise(r, 4)))


def five_never_return(rows: Rows) -> Evidence:
    """L3: how much more four layers rise than five; control: four with shuffled labels less five."""
    four = by_rate(arm(rows, "sigmoid"), lambda r: returned(r, 4))
    five = by_rate(arm(rows, "sigmoid", hidden=5), lambda r: rise(r, 5))
    shuffled = by_rate(arm(rows, "sigmoid", labels="shuffled"), lambda r: rise(r, 4))
    return Evidence(less(four, five), less(shuffled, five))


def less(parts: Mapping[str, BySeed], others: Mapping[str, BySeed]) -> dict[str, BySeed]:
    """Part -> seed -> difference, where both are known."""
    both = {part: (one, others[part]) for part, one in parts.items() if part in others}
    return present({p: {s: one[s] - other[s] for s in one if s in other} for p, (one, other) in both.items()})


def normalised_holds_the_top(rows: Rows) -> Evidence:
    """L4: how much less the top layer of sigmoids falls when normalised; control: the layer below."""
    standard, normal = arm(rows, "sigmoid"), arm(rows, "sigmoid", "normalised_uniform")
    effect, control = (
        less(by_rate(standard, lambda r, n=n: fall(r, n)), by_rate(normal, lambda r, n=n: fall(r, n)))  # type: ignore[misc]
        for n in (4, 3)
    )
    return Evidence(effect, control)


def tanh_in_sequence(rows: Rows) -> Evidence:
    """L5: how much later the fourth layer saturates; control: the normalised start."""
    return Evidence(
        by_rate(arm(rows, "tanh"), later), by_rate(arm(rows, "tanh", "normalised_uniform"), later)
    )


def kept(rows: Rows, start: str) -> dict[int, float]:
    """Seed -> log2 of the fourth layer's standard deviation over the first's, a layer, before training."""
    found = chosen(arm(rows, "tanh", start), name="sd", step=0)
    if not len(found):
        return {}
    found = found.where(rate=min(found.distinct("rate")))
    first, last = (found.by_seed(layer=layer) for layer in ("1", "4"))
    return {seed: math.log2(last[seed] / first[seed]) / 3 for seed in first}


def variance_is_kept(rows: Rows) -> Evidence:
    """L6: more of the spread kept than by the standard start; control: more than by orthogonal weights."""
    standard, normal, orthogonal = ({"a layer": kept(rows, start)} for start in PRESERVED)
    return Evidence(less(normal, standard), less(normal, orthogonal))


def singular(rows: Rows, start: str) -> dict[int, float]:
    """Seed -> average singular value of a layer's Jacobian, before training, over the layers."""
    found = chosen(arm(rows, "tanh", start), name="singular_value")
    return {seed: float(one.values().mean()) for (seed,), one in found.group_by("seed").items()}


def jacobians_are_larger(rows: Rows) -> Evidence:
    """L7: average singular value, normalised less standard; control: normalised less orthogonal."""
    standard, normal, orthogonal = ({"a layer": singular(rows, start)} for start in PRESERVED)
    known = [float(np.mean(list(one["a layer"].values()))) for one in (normal, standard) if one["a layer"]]
    notes: tuple[str, ...] = ()
    if len(known) == 2:
        notes = (f"Average singular values {known[0]:.2f} and {known[1]:.2f}; the paper's are .8 and .5.",)
    return Evidence(less(normal, standard), less(normal, orthogonal), notes=notes)


def best_error(rows: Rows) -> tuple[dict[int, float], float, bool]:
    """Seed -> test error at the end and at the best rate, that rate, and whether it is the grid's edge."""
    ends = {
        rate: {seed: float(curve[1][-1]) for seed, curve in curves(group, name="error").items()}
        for (rate,), group in chosen(rows, name="error", steps=lambda steps: steps > 0)
        .group_by("rate")
        .items()
    }
    best = min(ends, key=lambda rate: float(np.median(list(ends[rate].values()))))
    return ends[best], best, best in (min(ends), max(ends))


def gain(rows: Rows, unit: str) -> tuple[dict[int, float], list[float], bool]:
    """Seed -> log2 of the error with the standard start over that with the normalised; rates; any edge."""
    nets = [arm(rows, unit, start) for start in ("fan_in_uniform", "normalised_uniform")]
    if not all(len(one) for one in nets):
        return {}, [], False
    (old, r1, e1), (new, r2, e2) = (best_error(one) for one in nets)
    found = {s: math.log2(max(old[s], 1e-4) / max(new[s], 1e-4)) for s in old if s in new}
    return found, [r1, r2], e1 or e2


def normalised_is_better(rows: Rows) -> Evidence:
    """L8: doublings by which the normalised start lowers tanh's final error; control: softsign's."""
    effect, rates, edge = gain(rows, "tanh")
    control, _, _ = gain(rows, "softsign")
    note = f"Best rates of tanh, standard and normalised: {' and '.join(f'{r:g}' for r in rates)}."
    parts = present({"best rates": effect})
    return Evidence(parts, present({"best rates": control}), edge, (note,) if rates else ())


CLAIMS = (
    Claim(
        id="L1",
        says="The top hidden layer of sigmoids goes to 0 at once, the layers below do not.",
        source=f"{SOURCE}, sec. 3.1, Fig. 2",
        effect="how far the top layer's mean activation gets below 1/2 within 1,500 updates",
        unit="of activation",
        smallest=0.35,
        control="the hidden layer below it, in the same networks",
        evidence=top_layer_falls,
    ),
    Claim(
        id="L2",
        says="It desaturates later.",
        source=f"{SOURCE}, sec. 3.1, Fig. 2",
        effect="the top layer's mean activation at the end, above the lowest it has been",
        unit="of activation",
        smallest=0.1,
        control="shuffled labels",
        evidence=top_layer_returns,
    ),
    Claim(
        id="L3",
        says="With five hidden layers it never desaturates.",
        source=f"{SOURCE}, sec. 3.1",
        effect="the top layer's later rise, with four hidden layers less that with five",
        unit="of activation",
        smallest=0.1,
        control="four hidden layers with shuffled labels, less five",
        evidence=five_never_return,
    ),
    Claim(
        id="L4",
        says="The normalised start cures the top layer's fall.",
        source="the notes on Nielsen, ch. 5; the paper shows it for tanh",
        effect="the top layer's fall within 1,500 updates, standard start less normalised",
        unit="of activation",
        smallest=0.2,
        control="the hidden layer below it",
        evidence=normalised_holds_the_top,
    ),
    Claim(
        id="L5",
        says="Layers of tanh saturate one after another, from the first.",
        source=f"{SOURCE}, sec. 3.2, Fig. 3",
        effect="how much later 2 % of the fourth layer lie beyond 0.9 than of the first",
        unit="doublings",
        smallest=0.5,
        control="the normalised start",
        evidence=tanh_in_sequence,
    ),
    Claim(
        id="L6",
        says="The normalised start preserves the variance of the activations from layer to layer.",
        source=f"{SOURCE}, sec. 4.2.1, Fig. 6",
        effect="log2 of the spread a layer passes on, normalised less standard",
        unit="doublings a layer",
        smallest=0.4,
        control="normalised less orthogonal",
        evidence=variance_is_kept,
    ),
    Claim(
        id="L7",
        says="The average singular value of a layer's Jacobian is near .8 when normalised, and .5 when not.",
        source=f"{SOURCE}, sec. 4.2.1",
        effect="average singular value before training, normalised less standard",
        unit="",
        smallest=0.2,
        control="normalised less orthogonal",
        evidence=jacobians_are_larger,
    ),
    Claim(
        id="L8",
        says="The normalised start lowers the error of tanh networks (MNIST: 1.76 to 1.64 %).",
        source=f"{SOURCE}, Table 1",
        effect="doublings by which the final test error is lower, each at its best rate",
        unit="doublings",
        smallest=0.1,
        control="softsign networks, which the paper finds no better for it",
        evidence=normalised_is_better,
    ),
)
