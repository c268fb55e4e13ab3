"""The claims on saturation and on the normalised start, each at every learning rate of the grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from levinthal.lab.analysis.effects import BySeed, less, present
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.last_layer_saturation.numbers import (
    NORMALISED,
    ORTHOGONAL,
    STANDARD,
    arm,
    by_rate,
    fall,
    gain,
    kept,
    later,
    returned,
    rise,
    singular,
)
from levinthal.vocabulary import Claim, Evidence

SOURCE = "Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks (2010)"
Parts = Callable[[Rows], dict[str, BySeed]]
"""One side of a comparison: from the long table to part of the grid -> seed -> effect."""
Number = Callable[[Rows], BySeed]


def trained(
    number: Number, unit: str, start: str = STANDARD, *, hidden: int = 4, labels: str = "true"
) -> Parts:
    """A number of one kind of network, at each rate."""
    return lambda rows: by_rate(arm(rows, unit, start, hidden, labels), number)


def untrained(number: Callable[[Rows, str], BySeed], start: str) -> Parts:
    """A number of the networks of one start, before training."""
    return lambda rows: {"a layer": number(rows, start)}


def minus(one: Parts, other: Parts) -> Parts:
    """The difference of two sides, part by part and seed by seed."""
    return lambda rows: less(one(rows), other(rows))


def against(effect: Parts, control: Parts) -> Callable[[Rows], Evidence]:
    """The evidence of an effect beside its control."""
    return lambda rows: Evidence(effect(rows), control(rows))


def standard_less_normalised(layer: int) -> Parts:
    """How much less a layer of sigmoids falls with the normalised start."""
    number = partial(fall, layer=layer)
    return minus(trained(number, "sigmoid"), trained(number, "sigmoid", NORMALISED))


def passed_on(number: Callable[[Rows, str], BySeed]) -> Callable[[Rows], Evidence]:
    """What the normalised start passes on beyond the standard one; control: beyond orthogonal weights."""
    standard, normal, orthogonal = (untrained(number, start) for start in (STANDARD, NORMALISED, ORTHOGONAL))
    return against(minus(normal, standard), minus(normal, orthogonal))


def jacobians_are_larger(rows: Rows) -> Evidence:
    """L7, with the paper's numbers beside ours."""
    known = [np.mean(list(found.values())) for s in (NORMALISED, STANDARD) if (found := singular(rows, s))]
    said = "Average singular values {:.2f} and {:.2f}; the paper's are .8 and .5."
    return replace(passed_on(singular)(rows), notes=(said.format(*known),) if len(known) == 2 else ())


def normalised_is_better(rows: Rows) -> Evidence:
    """L8: doublings by which the normalised start lowers tanh's final error; control: softsign's."""
    effect, rates, edge = gain(rows, "tanh")
    control, _, _ = gain(rows, "softsign")
    note = f"Best rates of tanh, standard and normalised: {' and '.join(f'{r:g}' for r in rates)}."
    parts = present({"best rates": effect})
    return Evidence(parts, present({"best rates": control}), edge, (note,) if rates else ())


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
        smallest=0.35,
        control="the hidden layer below it, in the same networks",
        evidence=against(trained(FALLS, "sigmoid"), trained(partial(fall, layer=3), "sigmoid")),
    ),
    Claim(
        id="L2",
        says="It desaturates later.",
        source=f"{SOURCE}, sec. 3.1, Fig. 2",
        effect="the top layer's mean activation at the end, above the lowest it has been",
        unit="of activation",
        smallest=0.1,
        control="shuffled labels",
        evidence=against(trained(RETURNS, "sigmoid"), SHUFFLED),
    ),
    Claim(
        id="L3",
        says="With five hidden layers it never desaturates.",
        source=f"{SOURCE}, sec. 3.1",
        effect="the top layer's later rise, with four hidden layers less that with five",
        unit="of activation",
        smallest=0.1,
        control="four hidden layers with shuffled labels, less five",
        evidence=against(minus(trained(RETURNS, "sigmoid"), FIVE), minus(SHUFFLED, FIVE)),
    ),
    Claim(
        id="L4",
        says="The normalised start cures the top layer's fall.",
        source="the notes on Nielsen, ch. 5; the paper shows it for tanh",
        effect="the top layer's fall within 1,500 updates, standard start less normalised",
        unit="of activation",
        smallest=0.2,
        control="the hidden layer below it",
        evidence=against(standard_less_normalised(4), standard_less_normalised(3)),
    ),
    Claim(
        id="L5",
        says="Layers of tanh saturate one after another, from the first.",
        source=f"{SOURCE}, sec. 3.2, Fig. 3",
        effect="how much later 2 % of the fourth layer lie beyond 0.9 than of the first",
        unit="doublings",
        smallest=0.5,
        control="the normalised start",
        evidence=against(trained(later, "tanh"), trained(later, "tanh", NORMALISED)),
    ),
    Claim(
        id="L6",
        says="The normalised start preserves the variance of the activations from layer to layer.",
        source=f"{SOURCE}, sec. 4.2.1, Fig. 6",
        effect="log2 of the spread a layer passes on, normalised less standard",
        unit="doublings a layer",
        smallest=0.4,
        control="normalised less orthogonal",
        evidence=passed_on(kept),
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
