"""The claims on saturation and on the normalised start, each at every learning rate of the grid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np

from levinthal.lab.analysis.contrasts import (
    Effect,
    Parts,
    Reading,
    at_best_rate,
    compare,
    each,
    evidence,
    log2_ratio,
)
from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.last_layer_saturation.numbers import (
    NORMALISED,
    ORTHOGONAL,
    STANDARD,
    arm,
    fall,
    kept,
    later,
    returned,
    rise,
    singular,
    trains,
)
from levinthal.vocabulary import Claim, Evidence

SOURCE = "Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks (2010)"
Number = Callable[[Rows], BySeed]
OVER_TRAINING = {"mean", "sd", "p98", "error"}
AtRate = Callable[[float], Reading]
"""From a learning rate to a reading at that rate."""


def trained(
    number: Number, unit: str, start: str = STANDARD, *, hidden: int = 4, labels: str = "true"
) -> AtRate:
    """A number of one kind of network, at a rate."""
    return lambda rate: (
        lambda rows: Effect(number(arm(rows, unit, start, hidden, labels).where(rate=rate, steps=trains)))
    )


def less(one: AtRate, other: AtRate) -> AtRate:
    """The difference of two numbers, rate by rate and seed by seed."""
    return lambda rate: compare(one(rate), other(rate))


def by_rate(make: AtRate) -> Parts:
    """One part a learning rate."""
    return each("rate", make=make, label="rate {:g}".format, name=OVER_TRAINING, steps=trains)


def against(effect: AtRate, control: AtRate) -> Callable[[Rows], Evidence]:
    """The evidence of an effect beside its control, at each rate."""
    return evidence(by_rate(effect), control=by_rate(control))


def standard_less_normalised(layer: int) -> AtRate:
    """How much less a layer of sigmoids falls with the normalised start."""
    number = partial(fall, layer=layer)
    return less(trained(number, "sigmoid"), trained(number, "sigmoid", NORMALISED))


def passed_on(
    number: Callable[[Rows, str], BySeed], notes: Callable[[Rows], Iterable[str]] | None = None
) -> Callable[[Rows], Evidence]:
    """What the normalised start passes on beyond the standard one; control: beyond orthogonal weights."""

    def of(start: str) -> Reading:
        return lambda rows: Effect(number(rows, start))

    def beyond(start: str) -> dict[str, Reading]:
        return {"a layer": compare(of(NORMALISED), of(start))}

    return evidence(beyond(STANDARD), control=beyond(ORTHOGONAL), notes=notes)


def singular_values(rows: Rows) -> Iterator[str]:
    """The paper's numbers beside ours."""
    known = [
        float(np.mean(list(found.values()))) for s in (NORMALISED, STANDARD) if (found := singular(rows, s))
    ]
    if len(known) == 2:
        yield f"Average singular values {known[0]:.2f} and {known[1]:.2f}; the paper's are .8 and .5."


def normalised_is_better(unit: str) -> dict[str, Reading]:
    """log2 of the final error with the standard start over that with the normalised, both at least 1e-4."""
    standard, normalised = (
        at_best_rate("error", activation=unit, start=start, hidden=4, labels="true", steps=trains)
        for start in (STANDARD, NORMALISED)
    )
    return {"best rates": compare(standard, normalised, lambda a, b: log2_ratio(max(a, 1e-4), max(b, 1e-4)))}


FALLS, RISES, RETURNS = (partial(number, layer=4) for number in (fall, rise, returned))
FIVE = trained(partial(rise, layer=5), "sigmoid", hidden=5)
SHUFFLED = trained(RISES, "sigmoid", labels="shuffled")

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
        evidence=against(trained(FALLS, "sigmoid"), trained(partial(fall, layer=3), "sigmoid")),
    ),
    Claim(
        id="L2",
        says="It desaturates later.",
        source=f"{SOURCE}, sec. 3.1, Fig. 2",
        effect="the top layer's mean activation at the end, above the lowest it has been",
        unit="of activation",
        smallest_effect=0.1,
        why_smallest="chosen by us: a tenth of the range of a sigmoid",
        control="shuffled labels",
        evidence=against(trained(RETURNS, "sigmoid"), SHUFFLED),
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
        evidence=against(less(trained(RETURNS, "sigmoid"), FIVE), less(SHUFFLED, FIVE)),
    ),
    Claim(
        id="L4",
        says="The normalised start cures the top layer's fall.",
        source="the notes on Nielsen, ch. 5; the paper shows it for tanh",
        effect="the top layer's fall within 1,500 updates, standard start less normalised",
        unit="of activation",
        smallest_effect=0.2,
        why_smallest="chosen by us: two fifths of the way from 1/2 to 0",
        control="the hidden layer below it",
        evidence=against(standard_less_normalised(4), standard_less_normalised(3)),
    ),
    Claim(
        id="L5",
        says="Layers of tanh saturate one after another, from the first.",
        source=f"{SOURCE}, sec. 3.2, Fig. 3",
        effect="how much later 2 % of the fourth layer lie beyond 0.9 than of the first",
        unit="doublings",
        smallest_effect=0.5,
        why_smallest="chosen by us: 1.4 times as many steps; the paper shows curves and gives no number",
        control="the normalised start",
        evidence=against(trained(later, "tanh"), trained(later, "tanh", NORMALISED)),
    ),
    Claim(
        id="L6",
        says="The normalised start preserves the variance of the activations from layer to layer.",
        source=f"{SOURCE}, sec. 4.2.1, Fig. 6",
        effect="log2 of the spread a layer passes on, normalised less standard",
        unit="doublings a layer",
        smallest_effect=0.4,
        why_smallest="chosen by us: a spread that differs by a third a layer; the paper shows histograms",
        control="normalised less orthogonal",
        evidence=passed_on(kept),
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
        evidence=passed_on(singular, singular_values),
    ),
    Claim(
        id="L8",
        says="The normalised start lowers the error of tanh networks (MNIST: 1.76 to 1.64 %).",
        source=f"{SOURCE}, Table 1",
        effect="doublings by which the final test error is lower, each at its best rate",
        unit="doublings",
        smallest_effect=0.1,
        why_smallest="the paper's own gain: 1.76 % against 1.64 %",
        control="softsign networks, which the paper finds no better for it",
        evidence=evidence(normalised_is_better("tanh"), control=normalised_is_better("softsign")),
    ),
)
