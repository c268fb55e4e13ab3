"""The claims: a warning of reading notes on Nielsen, what of it is exact, and a form that can be defended."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import reduce

import numpy as np

from levinthal.lab.analysis import (
    Effect,
    Reading,
    at_best_rate,
    best_at_end,
    compare,
    described,
    each,
    evidence,
    log2_ratio,
    mean_by_seed,
    value,
)
from levinthal.lab.analysis.contrasts import Parts
from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.layer_rescaling.design import DEEPEST, SHALLOW, SOURCE, depth
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

    def at(hidden: int) -> Reading:
        read, best = make(hidden), lowest_loss(hidden, "plain", "fixed", "adam")

        def trained(rows: Rows) -> Effect:
            losses = list(best(rows).by_seed.values())
            if losses and np.median(losses) <= MOST:
                return read(rows)
            why = "neither plain gradient descent nor constants nor Adam train these networks"
            left_out = f"{depth(hidden)}: left out, {why} (loss above {MOST:.2f} nats)."
            return Effect({}, note=left_out if losses else "")

        return described(trained, like=read)

    return at


def by_depth(make: AtDepth, shallowest: int = SHALLOW + 1) -> Callable[[Rows], dict[str, Reading]]:
    """One condition per number of hidden layers."""
    return each(
        "hidden", make=make, label=depth, name="training_loss", hidden=lambda hidden: hidden >= shallowest
    )


def in_deepest(make: AtDepth) -> Parts:
    """The condition of the deepest networks, where most vanishes."""
    return {depth(DEEPEST): make(DEEPEST)}


def downhill(*kinds: str) -> Parts:
    """Depth by depth, 1 for a seed if the loss falls along the gradient times all factors of these kinds."""
    return each(
        "hidden",
        make=lambda hidden: value("downhill", step=None, reduce=in_all, factors=kinds, hidden=hidden),
        label=depth,
        name="downhill",
    )


def in_all(rows: Rows) -> dict[int, float]:
    """Seed -> 1 if all its shares are 1, and 0 if one is not."""
    return {seed: float(group.values().min() == 1) for (seed,), group in rows.group_by("seed").items()}


def factors(rows: Rows) -> Iterator[str]:
    """A note: by what constants multiply the loss, depth by depth."""
    found = {name: read(rows).by_seed for name, read in by_depth(below("plain", "fixed"))(rows).items()}
    left = {name: 2 ** float(np.mean(list(seeds.values()))) for name, seeds in found.items() if seeds}
    if left:
        words = ", ".join(f"{factor:.2g} ({name})" for name, factor in left.items())
        yield f"Constants multiply the loss by {words}, each rule at its best learning rate."


def at_best_fixed(read: Callable[[Rows], BySeed]) -> AtDepth:
    """A number of the runs with constant factors, at their best learning rate."""

    def at(rows: Rows, hidden: int) -> Effect:
        winner = best_at_end(rows, "training_loss", rule="fixed", hidden=hidden)
        if winner is None:
            return Effect({})
        here = rows.where(rule="fixed", hidden=hidden, rate=winner.rate)
        return Effect(read(here), (winner.rate,), winner.at_edge)

    return lambda hidden: lambda rows: at(rows, hidden)


def drift(rows: Rows) -> dict[int, float]:
    """log10 of the fastest over the slowest layer, mean over the evaluations in the later half of the run."""
    steps = rows.distinct("step")
    return mean_by_seed(rows.where(name="imbalance", step=[step for step in steps if step >= steps[-1] / 2]))


def noise(rows: Rows) -> dict[int, float]:
    """The same of one batch, before training."""
    return rows.where(name="batch_imbalance").by_seed()


NOTES = f"reading notes on {SOURCE}; the sentence is the notes', and names neither constants nor updates"
WONT_WORK = (
    "Note that if you're thinking \"just multiply those weight changes by some reasonable number to magnify "
    "the amount of change\", that won't work."
)
FIFTH, TENTH = math.log2(0.8), math.log2(0.9)
"""A loss that constants cut by a fifth, and by a tenth, as log2 ratio."""


MOST = 0.9 * math.log(10)
"""Nine tenths of the loss at chance level: the most with which a network of ten classes counts as trained."""


def wont_work(id_: str, where: str, at: Callable[[AtDepth], Parts]) -> Claim:
    """Constants do not lower the loss, over all depths or in the deepest networks."""
    return Claim(
        id=id_,
        says="Multiplying the layers' gradients by the constants that make them equally long at "
        f"initialisation won't work: it does not lower the loss{where}, after the updates run here.",
        source=NOTES,
        effect="training loss with constants over that of plain gradient descent, each at its best learning "
        "rate; -0.32 is a loss that constants cut by a fifth, -0.15 one that they cut by a tenth",
        unit="log2 ratio",
        smallest_effect=TENTH,
        why_smallest="chosen by us, after results had been seen: constants that cut the loss by less than a "
        "tenth do not work, by a fifth they do. The source gives no size. A depth at which no rule trains "
        "says nothing",
        basis=Basis.SEEN,
        null=FIFTH,
        control="",
        why_no_control="it says that there is no effect; the arms share weights, images and their order, and "
        "differ in the constants alone",
        rival="Adam in place of constants",
        evidence=evidence(
            at(where_trained(below("plain", "fixed"))),
            rival=at(where_trained(below("plain", "adam"))),
            notes=factors,
        ),
        quote=WONT_WORK,
    )


CLAIMS = (
    Claim(
        id="R1",
        says="For any positive constants a layer, the rescaled gradient still goes downhill: <g, D g> > 0.",
        source="ours: an identity, a sum of positive terms",
        effect="1 if the loss falls along all 21 rescaled gradients of a seed (speeds equalised, and 20 "
        "draws of constants; central difference, float64)",
        unit="",
        smallest_effect=1.0,
        why_smallest="an identity: all directions go downhill",
        control="the same 20 vectors with each layer's entries shuffled",
        evidence=evidence(downhill("equalising", "random"), control=downhill("shuffled")),
        deterministic=True,
        binary=True,
    ),
    wont_work("R2", " on the mean over depths", by_depth),
    wont_work("R2b", f" with {depth(DEEPEST)}, where most vanishes", in_deepest),
    Claim(
        id="R3",
        says="Speeds that constants equalise at initialisation drift apart.",
        source="ours: the form of the warning that can be defended",
        effect="fastest over slowest layer, in the later half of the run",
        unit="log10 ratio",
        smallest_effect=0.3,
        why_smallest="chosen by us, before the first run: speeds that differ by a factor of two; noise alone "
        "is above zero, and the control says by how much",
        control="the same constants at initialisation, on one batch: noise alone",
        evidence=evidence(by_depth(at_best_fixed(drift)), control=by_depth(at_best_fixed(noise))),
    ),
    Claim(
        id="R4",
        says="Factors that are updated at every step lower the training loss further than constants do, and "
        "than plain gradient descent does, after the updates run here.",
        source="ours: the form of the warning that can be defended",
        effect="final training loss with constants, or of plain gradient descent if that is lower, over that "
        "with factors updated at every step",
        unit="log2 ratio",
        smallest_effect=0.5,
        why_smallest="chosen by us, before the first run: three tenths less loss. Plain gradient descent was "
        "added after results had been seen: constants that raise the loss are easily surpassed",
        basis=Basis.SEEN,
        control="one hidden layer, where little vanishes",
        evidence=evidence(by_depth(below_both("tracked")), control=below_both("tracked")(SHALLOW)),
    ),
    *(
        Claim(
            id=name,
            says=f"{words} at its best learning rate, against plain gradient descent at its own.",
            source=source,
            effect="training loss of the plain rule over that of this one",
            unit="log2 ratio",
            smallest_effect=None,
            control="",
            why_no_control="reported: no size is set",
            evidence=evidence(by_depth(below(rule, "plain"), SHALLOW)),
        )
        for name, rule, words, source in (
            ("R5", "lars", "LARS", "ours: the rule is that of You, Gitman & Ginsburg 2017"),
            ("R6", "adam", "Adam", "ours: the rule is that of Kingma & Ba 2015"),
        )
    ),
)
