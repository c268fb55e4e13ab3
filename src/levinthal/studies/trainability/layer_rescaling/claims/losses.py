"""The claims on the loss: whether constants work, and whether factors updated at every step do."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import reduce

import numpy as np

from levinthal.lab.analysis import (
    Effect,
    Reading,
    at_best_rate,
    compare,
    described,
    each,
    evidence,
    log2_ratio,
)
from levinthal.lab.analysis.contrasts import Parts
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.layer_rescaling.design import DEEPEST, RATES, SHALLOW, SOURCE, depth
from levinthal.vocabulary import Basis, Claim

AtDepth = Callable[[int], Reading]
"""From a number of hidden layers to a reading."""


def below(rule: str, other: str) -> AtDepth:
    """log2 of the other rule's training loss over this rule's, each at its best learning rate."""

    return lambda hidden: compare(lowest_loss(hidden, other), lowest_loss(hidden, rule), log2_ratio)


def below_both(rule: str) -> AtDepth:
    """log2 of the lower loss of constants and of the plain rule over this rule's."""

    def ratio(hidden: int) -> Reading:
        return compare(lowest_loss(hidden, "fixed", "plain"), lowest_loss(hidden, rule), log2_ratio)

    return ratio


def lowest_loss(hidden: int, *rules: str) -> Reading:
    """The lowest training loss of some rules, each at its best learning rate."""
    found = [at_best_rate("training_loss", rule=rule, hidden=hidden) for rule in rules]
    return reduce(lambda one, other: compare(one, other, min), found)


def where_trained(make: AtDepth) -> AtDepth:
    """The same, at the depths at which some rule trains: where none does, nothing can be compared."""
    why = f"no rule trains these networks (loss above {MOST:.2f} nats)"
    return where(make, lambda hidden: lowest_loss(hidden, *RATES), lambda loss: loss <= MOST, why)


def where_needed(make: AtDepth) -> AtDepth:
    """The same, less the depths at which constants and the plain rule both train: nothing is to be undone."""
    why = f"constants and plain gradient descent both train these networks (loss below {LEAST:.2f} nats)"

    def larger(hidden: int) -> Reading:
        return compare(lowest_loss(hidden, "plain"), lowest_loss(hidden, "fixed"), max)

    return where(where_trained(make), larger, lambda loss: loss >= LEAST, why)


def where(make: AtDepth, loss: AtDepth, tells: Callable[[float], bool], why: str) -> AtDepth:
    """The same, at the depths at which the median of a loss tells something; the others are named."""

    def at(hidden: int) -> Reading:
        read, measured = make(hidden), loss(hidden)

        def informative(rows: Rows) -> Effect:
            losses = list(measured(rows).by_seed.values())
            if losses and tells(float(np.median(losses))):
                return read(rows)
            return Effect({}, note=f"{depth(hidden)}: left out, {why}." if losses else "")

        return described(informative, like=read)

    return at


def by_depth(make: AtDepth, shallowest: int = SHALLOW + 1) -> Callable[[Rows], dict[str, Reading]]:
    """One condition per number of hidden layers."""
    return each(
        "hidden", make=make, label=depth, name="training_loss", hidden=lambda hidden: hidden >= shallowest
    )


def in_deepest(make: AtDepth) -> Parts:
    """The condition of the deepest networks, where most vanishes."""
    return {depth(DEEPEST): make(DEEPEST)}


def factors(rows: Rows) -> Iterator[str]:
    """A note: by what constants multiply the loss, depth by depth."""
    found = {name: read(rows).by_seed for name, read in by_depth(below("plain", "fixed"))(rows).items()}
    left = {name: 2 ** float(np.mean(list(seeds.values()))) for name, seeds in found.items() if seeds}
    if left:
        words = ", ".join(f"{factor:.2g} ({name})" for name, factor in left.items())
        yield f"Constants multiply the loss by {words}, each rule at its best learning rate."


NOTES = f"reading notes on {SOURCE}; the sentence is the notes', and names neither constants nor updates"
WONT_WORK = (
    "Note that if you're thinking \"just multiply those weight changes by some reasonable number to magnify "
    "the amount of change\", that won't work."
)
LEAST, MOST = 0.1 * math.log(10), 0.9 * math.log(10)
"""A tenth of the loss at chance level, below which a network of ten classes is trained, and nine tenths,
above which it is not."""


def wont_work(id_: str, where: str, at: Callable[[AtDepth], Parts]) -> Claim:
    """What constants do to the loss, over all depths or in the deepest networks."""
    return Claim(
        id=id_,
        says="How much the constants that make the layers' gradients equally long at initialisation change "
        f"the training loss{where}, after the updates run here.",
        source=NOTES,
        effect="training loss with constants over that of plain gradient descent, each at its best learning "
        "rate; -0.32 is a loss that constants cut by a fifth, -0.15 one that they cut by a tenth",
        unit="log2 ratio",
        smallest_effect=None,
        control="",
        why_no_control="reported: no size is set. Learning rates are a factor of three apart, and either arm "
        "may lose more than a fifth of its loss between two of them. A depth at which no rule trains is left "
        "out, and one at which both arms get below a tenth of the loss at chance level: there nothing is to "
        "be undone, and a ratio of such losses is noise",
        rival="Adam in place of constants",
        evidence=evidence(
            at(where_needed(below("plain", "fixed"))),
            rival=at(where_needed(below("plain", "adam"))),
            notes=factors,
        ),
        quote=WONT_WORK,
    )


CLAIMS = (
    wont_work("R2", ", on the mean over the depths at which it is not low in both arms", by_depth),
    wont_work("R2b", f" with {depth(DEEPEST)}, where most vanishes", in_deepest),
    Claim(
        id="R4",
        says="Factors that are updated at every step lower the training loss further than constants do, "
        "and than plain gradient descent does, on the mean over the depths at which it is not low with "
        "both, after the updates run here.",
        source="ours: the form of the warning that can be defended",
        effect="final training loss with constants, or of plain gradient descent if that is lower, over that "
        "with factors updated at every step",
        unit="log2 ratio",
        smallest_effect=0.5,
        why_smallest="chosen by us, before the first run: three tenths less loss. Plain gradient descent "
        "was added after results had been seen: constants that raise the loss are easily surpassed. A "
        "depth at which no rule trains says nothing. One at which constants and plain gradient descent "
        "both train is left out since 0.20 with it and 0.96 without it had been seen: a ratio of such "
        "losses is noise. Where one of the two trains, the ratio is of its low loss all the same, and so it "
        "is in the control. Learning rates are a factor of three apart, and a best one between two of them "
        "may deny the claim or make it",
        basis=Basis.SEEN,
        control="one hidden layer, where little vanishes",
        evidence=evidence(
            by_depth(where_needed(below_both("tracked"))), control=below_both("tracked")(SHALLOW)
        ),
    ),
    *(
        Claim(
            id=name,
            says=f"{words} at its best learning rate, against plain gradient descent at its own.",
            source=source,
            effect="training loss of the plain rule over that of this one, on the mean over all depths, "
            "those that both train included",
            unit="log2 ratio",
            smallest_effect=None,
            control="",
            why_no_control="reported: no size is set",
            evidence=evidence(by_depth(below(rule, "plain"), SHALLOW)),
        )
        for name, rule, words, source in (
            (
                "R5",
                "lars",
                "LARS",
                "ours: the rule is that of You, Gitman & Ginsburg 2017 without its momentum and weight decay",
            ),
            ("R6", "adam", "Adam", "ours: the rule is that of Kingma & Ba 2015"),
        )
    ),
)
