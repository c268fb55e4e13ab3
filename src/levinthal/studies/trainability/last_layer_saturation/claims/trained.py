"""The claims on networks in training, each at the learning rate that trains its arm best."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from levinthal.lab.analysis import Effect, Reading, at_best_rate, compare, each, evidence, log2_ratio
from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.last_layer_saturation.claims.five_layers import (
    FOUR,
    about_five,
    five_stay,
    where_four_desaturate,
)
from levinthal.studies.trainability.last_layer_saturation.claims.notes import (
    about,
    about_order,
)
from levinthal.studies.trainability.last_layer_saturation.claims.readings import (
    FALLEN,
    at_best,
    desaturation,
    fall,
    fall_below,
    saturated_lag,
    shown_lag,
    stays,
)
from levinthal.studies.trainability.last_layer_saturation.design import (
    NORMALISED,
    SOURCE,
    STANDARD,
    Arm,
    arm,
    trains,
)
from levinthal.vocabulary import Basis, Claim

SHUFFLED: Arm = ("sigmoid", STANDARD, 4, "shuffled")
SCALED: Arm = ("sigmoid", NORMALISED, 4, "true")

ELSEWHERE = "on our data; the paper shows Shapeset-3×2 and 1,000 units a layer"


def at_each_rate(rows: Rows) -> dict[str, Reading]:
    """The top layer's fall at each learning rate of the grid."""

    def at(rate: float) -> Reading:
        return lambda rows: Effect(fall(arm(rows, *FOUR).where(rate=rate, steps=trains)))

    return each("rate", make=at, label="learning rate {:g}".format, name="mean", steps=trains)(
        arm(rows, *FOUR)
    )


def less_fall(layer: int) -> dict[str, Reading]:
    """How much less a layer falls with the normalised initialisation, at the best rate of each of the two."""

    def at(rates_of: Arm) -> Reading:
        falls = partial(fall, layer=layer)
        return compare(at_best(falls, FOUR, rates_of), at_best(falls, SCALED, rates_of))

    return {"learning rate best for standard": at(FOUR), "learning rate best for normalised": at(SCALED)}


def lags(start: str, number: Callable[..., BySeed]) -> dict[str, Reading]:
    """The lag of each layer of tanh behind the one below it."""
    kind = ("tanh", start, 4, "true")
    return {
        f"layer {layer} over {layer - 1}": at_best(partial(number, layer=layer, below=layer - 1), kind)
        for layer in (2, 3, 4)
    }


def gain(unit: str) -> Callable[[Rows], dict[str, Reading]]:
    """log2 of the last error, standard over normalised initialisation, both at least 1e-4, at each depth."""

    def error(start: str, hidden: int) -> Reading:
        kind: dict[str, Any] = {"activation": unit, "start": start, "hidden": hidden, "labels": "true"}
        return at_best_rate("error", steps=trains, **kind)

    def ratio(hidden: int) -> Reading:
        def bounded(one: float, other: float) -> float:
            return log2_ratio(max(one, 1e-4), max(other, 1e-4))

        return compare(error(STANDARD, hidden), error(NORMALISED, hidden), bounded)

    return each(
        "hidden",
        make=ratio,
        label="{} hidden layers".format,
        name="error",
        steps=trains,
        activation=unit,
    )


CLAIMS = (
    Claim(
        id="L1",
        says="The top hidden layer of sigmoids goes to 0 at once, the layers below do not.",
        source=f"{SOURCE}, sec. 3.1, Fig. 2",
        effect="how far the top one of four layers' mean activation gets below 1/2 within 1,500 updates, at "
        "two readings in a row, at the best learning rate; standard initialisation",
        unit="of activation",
        smallest_effect=FALLEN,
        why_smallest="chosen by us: seven tenths of the way from 1/2 to 0; a trained layer of few active "
        "units has a mean near .1 too, and the figure of spreads tells the two apart. 1,500 updates are "
        "fixed: at a small best rate the layer has no time to fall",
        basis=Basis.PILOT,
        control="the hidden layer that falls furthest of those below it, in the same networks",
        evidence=evidence(at_best(fall, FOUR), control=at_best(fall_below, FOUR), notes=about(FOUR)),
        quote="We see that very quickly at the beginning, all the sigmoid activation values of the last "
        "hidden layer are pushed to their lower saturation value of 0.",
    ),
    Claim(
        id="L1b",
        says="The top hidden layer's fall at each learning rate of the grid.",
        source=f"ours: Fig. 2 of {SOURCE} shows one learning rate",
        effect="how far the top layer's mean activation gets below 1/2 within 1,500 updates, at two readings "
        "in a row, mean over the learning rates of the grid (the answer has the lowest and the highest)",
        unit="of activation",
        smallest_effect=None,
        control="",
        why_no_control="reported: the learning rate decides how far the layer falls",
        evidence=evidence(at_each_rate),
    ),
    Claim(
        id="L2",
        says="How far the saturated top layer of four leaves saturation, within the updates run here (the "
        "paper: around epoch 100).",
        source=f"{SOURCE}, sec. 3.1, Fig. 2",
        effect="standard deviation of the top layer's activations over images, mean over units: the lower "
        "of the last two readings less that in saturation, where the mean is at most .15 and the spread at "
        "most .01 at two readings in a row; at the best learning rate. No number where it never saturates",
        unit="of activation",
        smallest_effect=None,
        control="",
        why_no_control="reported: no size is set, because the best learning rate is one at which four layers "
        "learn, and a layer that is saturated does not let them learn. The mean was judged until a trained "
        "layer with a mean of .1 and a standard deviation of .15 had been seen; then the standard deviation "
        "over units and images, until one unit that is stuck at 1 for every image had been seen to raise it "
        "to .14",
        evidence=evidence(at_best(desaturation, FOUR), notes=about(FOUR)),
        quote="The top hidden layer quickly saturates at 0 (slowing down all learning), but then slowly "
        "desaturates around epoch 100.",
    ),
    Claim(
        id="L3",
        says="Within the updates run here, in which the saturated top layer of four layers desaturates, most "
        "networks of five layers leave saturation at none of the learning rates of the grid.",
        source=f"{SOURCE}, sec. 3.1",
        effect="1 - the rise of the layer's spread / .02: 1 is no rise, 0 is a rise by .02 or more; the "
        "smallest over learning rates, seed by seed. The spread is the standard deviation of a unit's "
        "activation over images, mean over units. It rises from saturation (a mean of at most .15 and a "
        "spread of at most .01, at two readings in a row) to any later reading. An escape and return between "
        "two readings is not seen. No number unless more than half of the networks of four layers end .02 "
        "above saturation, at their best rate, and none for a seed that has not run at every rate of theirs "
        "and of five layers. A rate at which five layers never saturate says nothing if the error ends above "
        "85 %, and leaves the seed open if below. A rate at which they are saturated at single readings "
        "alone, and the spread then rises by .02 or more, leaves it open whatever the error. An open seed "
        "has a number only if the spread rises from saturation by more than .01 at another rate",
        unit="",
        smallest_effect=0.5,
        why_smallest="chosen by us: most networks do not leave saturation; partially, some do not, perhaps "
        "a minority. Each further learning rate is a further chance to leave it. On digits it had been seen "
        "that a saturated layer has a spread of at most .0006 until it leaves, as one before training, and "
        "the top one of four layers that learn has .06 to .3. On MNIST it was seen later that a saturated "
        "layer has at most .0029 until it leaves. A rise of the mean was judged, which does not tell a "
        "saturated layer from one with few active units; then of the standard deviation over units and "
        "images, to which one unit stuck at 1 gives .14. Five layers were read at the learning rate of their "
        "lowest error, until it was shown that networks which leave saturation may end at chance level. Only "
        "saturation within 1,500 updates counted, and rates at which one of the two depths had not run were "
        "left out, until made-up runs replicated by that. The last readings were taken, which do not show a "
        "layer that leaves saturation and returns",
        basis=Basis.SEEN,
        control="four hidden layers: where they do not desaturate either, the training is too short",
        evidence=evidence(
            where_four_desaturate(five_stay),
            control=at_best(partial(stays, layer=4), FOUR),
            notes=about_five,
        ),
        quote="We have found that this kind of saturation can last very long in deeper networks with sigmoid "
        "activations, e.g., the depth-five model never escaped this regime during training.",
    ),
    Claim(
        id="L4",
        says="At the learning rate that is best for one of them, the normalised initialisation lessens the "
        "top layer's fall.",
        source="our own hypothesis: the paper tries this initialisation with tanh and softsign alone",
        effect="the top layer's fall within 1,500 updates, standard initialisation less normalised, both at "
        "the learning rate that is best for one of them",
        unit="of activation",
        smallest_effect=0.2,
        why_smallest="chosen by us before the first run: two fifths of the way from 1/2 to 0; that both "
        "have one learning rate was decided later, when -0.002 had been seen as the mean over all. Where "
        "the top layer falls by less than .2, or both fall the whole way to 0, it cannot hold",
        basis=Basis.SEEN,
        control="the hidden layer below it",
        evidence=evidence(less_fall(4), control=less_fall(3), notes=about(FOUR, SCALED)),
    ),
    Claim(
        id="L5",
        says=f"With the standard initialisation, layers of tanh saturate one after another ({ELSEWHERE}).",
        source=f"{SOURCE}, sec. 3.2, Fig. 3",
        effect="time until the first reading at which 2 % of a layer lie beyond 0.9, over that of the "
        "layer below, at the best learning rate; no number where the layer never saturates, or one of the "
        "two does before training; one below that never saturates counts as twice the run. Readings are a "
        "factor of 1.4 to 2 apart; layers that saturate between the same two have no lag",
        unit="log2 ratio",
        smallest_effect=0.5,
        why_smallest="chosen by us: 1.4 times as many steps; it was that from the first layer to the fourth, "
        "until the opposite order had been seen; the paper shows curves and gives no number. The level .9 is "
        "ours: another may give another order. A control layer beyond it before training had a lag, and "
        "excluded a condition, until an audit showed it",
        basis=Basis.SEEN,
        control="the normalised initialisation at its best learning rate; 0 where the layer never saturates, "
        "or one of the two does before training",
        evidence=evidence(
            lags(STANDARD, saturated_lag),
            control=lags(NORMALISED, shown_lag),
            notes=about_order(("tanh", NORMALISED, 4, "true")),
        ),
        quote="we observe a sequentially occurring saturation phenomenon starting with layer 1 and "
        "propagating up in the network",
    ),
    Claim(
        id="L8",
        says="How much the normalised initialisation lowers the error of tanh networks, after the updates "
        "run here (the paper, five layers, MNIST: 1.76 to 1.64 %).",
        source=f"{SOURCE}, sec. 5, Table 1",
        effect="test error at the end, standard over normalised (paper: .10), each at its best learning rate",
        unit="log2 ratio",
        smallest_effect=None,
        control="",
        why_no_control="reported: no size is set. Learning rates are a factor of three apart, and a finer "
        "grid could move it by more than the paper's .10: by 0.16 where errors are even around their best "
        "rate, by 0.6 where one arm diverges just below a rate of the grid. On digits .2 is two or three "
        "test images",
        rival="softsign networks, standard over normalised (the paper, MNIST: 1.64 to 1.72 %)",
        evidence=evidence(gain("tanh"), rival=gain("softsign"), notes=about()),
        quote="For tanh networks, the proposed normalized initialization can be quite helpful",
    ),
)
