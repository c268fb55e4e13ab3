"""The claims on saturation and on the normalised initialisation, each at every learning rate of the grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

import numpy as np

from levinthal.lab.analysis import (
    Effect,
    Reading,
    at_best_rate,
    compare,
    each,
    evidence,
    log2_ratio,
    mean_by_seed,
)
from levinthal.lab.analysis.curves import Curve, curves
from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.last_layer_saturation.design import (
    EARLY,
    NORMALISED,
    ORTHOGONAL,
    SATURATED,
    SOURCE,
    STANDARD,
    arm,
    trains,
)
from levinthal.vocabulary import Claim, Evidence

Number = Callable[[Rows], BySeed]
AtRate = Callable[[float], Reading]
"""From a learning rate to a reading."""


def traces(rows: Rows, name: str, layer: int) -> dict[int, Curve]:
    """Seed -> a statistic of a layer over training."""
    return curves(rows, name=name, layer=f"{layer}")


def fall(rows: Rows, layer: int = 4) -> dict[int, float]:
    """Seed -> how far below 1/2 a layer's mean activation gets within the first updates."""
    found = traces(rows, "mean", layer)
    return {seed: 0.5 - float(mean[steps <= EARLY].min()) for seed, (steps, mean) in found.items()}


def rise(rows: Rows, layer: int = 4) -> dict[int, float]:
    """Seed -> how far a layer's mean activation is, at the end, above its lowest value."""
    return {seed: float(mean[-1] - mean.min()) for seed, (_, mean) in traces(rows, "mean", layer).items()}


def settled_rise(rows: Rows, layer: int = 4) -> dict[int, float]:
    """As `rise`, but NaN where the layer is at its lowest when the run ends: it may still rise."""
    found = traces(rows, "mean", layer)
    low = {seed: int(mean.argmin()) == len(mean) - 1 for seed, (_, mean) in found.items()}
    return {seed: math.nan if low[seed] else number for seed, number in rise(rows, layer).items()}


def lag(rows: Rows) -> dict[int, float]:
    """Seed -> log2 of the update at which layer 4 saturates over that of layer 1; 0 if neither does."""
    first, last = (traces(rows, "p98", layer) for layer in (1, 4))
    return {seed: math.log2(saturates(last[seed]) / saturates(first[seed])) for seed in first}


def saturates(curve: Curve) -> float:
    """The first update read at which 2 % of a layer lie beyond 0.9, from 1; never is twice the run."""
    steps, level = curve
    beyond = np.flatnonzero(level > SATURATED)
    return float(max(steps[beyond[0]], 1)) if len(beyond) else 2.0 * float(steps[-1])


def spread_ratio(rows: Rows, start: str) -> dict[int, float]:
    """Seed -> log2 of the factor of a layer of tanh on the spread of activations, before training."""
    found = arm(rows, "tanh", start).where(name="sd", step=0)
    found = found.where(rate=min(found.distinct("rate"), default=0))
    first, last = (found.by_seed(layer=layer) for layer in ("1", "4"))
    return {seed: math.log2(last[seed] / first[seed]) / 3 for seed in first}


def singular_value(rows: Rows, start: str) -> dict[int, float]:
    """Seed -> average singular value of a layer's Jacobian, before training, over the layers of tanh."""
    return mean_by_seed(arm(rows, "tanh", start).where(name="singular_value"))


def at_rate(
    number: Number, unit: str, start: str = STANDARD, *, hidden: int = 4, labels: str = "true"
) -> AtRate:
    """A number of one kind of network, at a learning rate."""
    return lambda rate: (
        lambda rows: Effect(number(arm(rows, unit, start, hidden, labels).where(rate=rate, steps=trains)))
    )


def less(one: AtRate, other: AtRate) -> AtRate:
    """The difference of two numbers, learning rate by learning rate."""
    return lambda rate: compare(one(rate), other(rate))


def at_each_rate(effect: AtRate, control: AtRate) -> Callable[[Rows], Evidence]:
    """The evidence of an effect beside its control, at each learning rate."""
    names = {"mean", "sd", "p98", "error"}

    def by_rate(make: AtRate) -> Callable[[Rows], Mapping[str, Reading]]:
        return each("rate", make=make, label="learning rate {:g}".format, name=names, steps=trains)

    return evidence(by_rate(effect), control=by_rate(control))


def standard_less_normalised(layer: int) -> AtRate:
    """How much less a layer of sigmoids falls with the normalised initialisation."""
    number = partial(fall, layer=layer)
    return less(at_rate(number, "sigmoid"), at_rate(number, "sigmoid", NORMALISED))


def before_training(
    number: Callable[[Rows, str], BySeed], notes: Callable[[Rows], Iterable[str]] | None = None
) -> Callable[[Rows], Evidence]:
    """A number with the normalised initialisation less the standard one; control: less the orthogonal one."""

    def less_than(start: str) -> dict[str, Reading]:
        one, other = (lambda rows, s=s: Effect(number(rows, s)) for s in (NORMALISED, start))
        return {"a layer": compare(one, other)}

    return evidence(less_than(STANDARD), control=less_than(ORTHOGONAL), notes=notes)


def singular_values(rows: Rows) -> Iterator[str]:
    """The paper's numbers beside ours."""
    found = [list(singular_value(rows, start).values()) for start in (NORMALISED, STANDARD)]
    if all(found):
        ours = " and ".join(f"{float(np.mean(values)):.2f}" for values in found)
        yield f"Average singular values {ours}; the paper's are .8 and .5."


def standard_over_normalised(unit: str) -> dict[str, Reading]:
    """log2 of the final error, standard over normalised initialisation, both at least 1e-4."""
    standard, normalised = (
        at_best_rate("error", activation=unit, start=start, hidden=4, labels="true", steps=trains)
        for start in (STANDARD, NORMALISED)
    )
    return {
        "best learning rates": compare(
            standard, normalised, lambda a, b: log2_ratio(max(a, 1e-4), max(b, 1e-4))
        )
    }


FIVE = at_rate(partial(rise, layer=5), "sigmoid", hidden=5)
SHUFFLED = at_rate(rise, "sigmoid", labels="shuffled")

CLAIMS = (
    Claim(
        id="L1",
        says="The top hidden layer of sigmoids goes to 0 at once, the layers below do not.",
        source=f"{SOURCE}, sec. 3.1, Fig. 2",
        effect="how far the top layer's mean activation gets below 1/2 within 1,500 updates",
        unit="of activation",
        smallest_effect=0.35,
        why_smallest="chosen by us: seven tenths of the way from 1/2 to 0",
        control="the hidden layer below it, in the same networks",
        evidence=at_each_rate(at_rate(fall, "sigmoid"), at_rate(partial(fall, layer=3), "sigmoid")),
    ),
    Claim(
        id="L2",
        says="It desaturates later.",
        source=f"{SOURCE}, sec. 3.1, Fig. 2",
        effect="the top layer's mean activation at the end, above its lowest value",
        unit="of activation",
        smallest_effect=0.1,
        why_smallest="chosen by us: a tenth of the range of a sigmoid",
        control="shuffled labels",
        evidence=at_each_rate(at_rate(settled_rise, "sigmoid"), SHUFFLED),
    ),
    Claim(
        id="L3",
        says="With five hidden layers it never desaturates.",
        source=f"{SOURCE}, sec. 3.1",
        effect="the top layer's later rise, with four hidden layers less that with five",
        unit="of activation",
        smallest_effect=0.1,
        why_smallest="chosen by us: a tenth of the range of a sigmoid",
        control="four hidden layers with shuffled labels, less five",
        evidence=at_each_rate(less(at_rate(settled_rise, "sigmoid"), FIVE), less(SHUFFLED, FIVE)),
    ),
    Claim(
        id="L4",
        says="The normalised initialisation prevents the top layer's fall.",
        source="the notes on Nielsen, ch. 5; the paper shows it for tanh",
        effect="the top layer's fall within 1,500 updates, standard initialisation less normalised",
        unit="of activation",
        smallest_effect=0.2,
        why_smallest="chosen by us: two fifths of the way from 1/2 to 0",
        control="the hidden layer below it",
        evidence=at_each_rate(standard_less_normalised(4), standard_less_normalised(3)),
    ),
    Claim(
        id="L5",
        says="Layers of tanh saturate one after another, from the first.",
        source=f"{SOURCE}, sec. 3.2, Fig. 3",
        effect="time until 2 % of the fourth layer lie beyond 0.9, over that of the first",
        unit="log2 ratio",
        smallest_effect=0.5,
        why_smallest="chosen by us: 1.4 times as many steps; the paper shows curves and gives no number",
        control="the normalised initialisation",
        evidence=at_each_rate(at_rate(lag, "tanh"), at_rate(lag, "tanh", NORMALISED)),
    ),
    Claim(
        id="L6",
        says="The normalised initialisation preserves the variance of the activations from layer to layer.",
        source=f"{SOURCE}, sec. 4.2.1, Fig. 6",
        effect="the factor of a layer on the spread of activations, normalised over standard",
        unit="log2 ratio per layer",
        smallest_effect=0.4,
        why_smallest="chosen by us: a spread that differs by a third a layer; the paper shows histograms",
        control="normalised over orthogonal",
        evidence=before_training(spread_ratio),
    ),
    Claim(
        id="L7",
        says="The average singular value of a layer's Jacobian is near .8 when normalised, and .5 when not.",
        source=f"{SOURCE}, sec. 4.2.1",
        effect="average singular value before training, normalised less standard",
        unit="",
        smallest_effect=0.2,
        why_smallest="chosen by us: two thirds of the difference in the paper, .8 less .5",
        control="normalised less orthogonal",
        evidence=before_training(singular_value, singular_values),
    ),
    Claim(
        id="L8",
        says="The normalised initialisation lowers the error of tanh networks (MNIST: 1.76 to 1.64 %).",
        source=f"{SOURCE}, Table 1",
        effect="final test error, standard over normalised, each at its best learning rate",
        unit="log2 ratio",
        smallest_effect=0.1,
        why_smallest="the paper's own gain: 1.76 % against 1.64 %",
        control="softsign networks, which the paper finds no better for it",
        evidence=evidence(standard_over_normalised("tanh"), control=standard_over_normalised("softsign")),
    ),
)
