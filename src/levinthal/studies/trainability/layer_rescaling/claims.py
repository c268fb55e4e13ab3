"""The claims: Nielsen's warning, the part of it that is exact, and the form that can be defended."""

from __future__ import annotations

import math
from collections.abc import Callable

from levinthal.lab.analysis import (
    Effect,
    Reading,
    at_best_rate,
    best_at_end,
    compare,
    each,
    evidence,
    log2_ratio,
    mapped,
    mean_by_seed,
    value,
)
from levinthal.lab.analysis.contrasts import Parts
from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.layer_rescaling.design import SHALLOW, SOURCE, depth
from levinthal.vocabulary import Claim

AtDepth = Callable[[int], Reading]
"""From a number of hidden layers to a reading."""


def below(rule: str, other: str) -> AtDepth:
    """log2 of the other rule's training loss over this rule's, each at its best learning rate."""

    def loss(rule: str, hidden: int) -> Reading:
        return at_best_rate("training_loss", rule=rule, hidden=hidden)

    return lambda hidden: compare(loss(other, hidden), loss(rule, hidden), log2_ratio)


def short_of_half(rule: str) -> AtDepth:
    """The log2 ratio by which a rule falls short of halving the plain loss."""
    return lambda hidden: mapped(below(rule, "plain")(hidden), lambda gain: 1 - gain)


def by_depth(make: AtDepth, shallowest: int = SHALLOW + 1) -> Parts:
    """One condition per number of hidden layers."""
    return each(
        "hidden", make=make, label=depth, name="training_loss", hidden=lambda hidden: hidden >= shallowest
    )


def downhill(rows: Rows) -> dict[str, Reading]:
    """Share of rescaled gradients along which the loss falls, by factors and depth."""
    kinds = (("equalising", "speeds equalised"), ("random", "random constants"))
    return {
        f"{words}, {depth(hidden)}": value("downhill", step=None, factors=name, hidden=hidden)
        for name, words in kinds
        for (hidden,) in rows.where(name="downhill", factors=name).group_by("hidden")
    }


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
    """log10 of the fastest over the slowest layer, mean over the later half of the steps."""
    steps = rows.distinct("step")
    return mean_by_seed(rows.where(name="imbalance", step=steps[len(steps) // 2 :]))


def noise(rows: Rows) -> dict[int, float]:
    """The same of one batch, before training."""
    return rows.where(name="batch_imbalance").by_seed()


CLAIMS = (
    Claim(
        id="R1",
        says="For any positive constants a layer, the rescaled gradient still goes downhill: <g, D g> > 0.",
        source="exact: a sum of positive terms",
        effect="share of rescaled gradients along which the loss falls (central difference, float64)",
        unit="",
        smallest_effect=0.99,
        null=0.5,
        why_smallest="exact: all directions go downhill, less one per cent for the numerical difference",
        control="the same vectors with each layer's entries shuffled",
        evidence=evidence(
            downhill, control=value("downhill", step=None, reduce=mean_by_seed, factors="shuffled")
        ),
        deterministic=True,
    ),
    Claim(
        id="R2",
        says="Multiplying the layers' gradients by constants to undo the vanishing won't work.",
        source=SOURCE,
        effect="log2 ratio by which constants fall short of halving the training loss; 1: no change",
        unit="log2 ratio",
        smallest_effect=1 + math.log2(0.8),
        why_smallest="chosen by us: a loss that falls by less than a fifth",
        control="Adam instead of constants: a remedy that is known to work",
        evidence=evidence(by_depth(short_of_half("fixed")), control=by_depth(short_of_half("adam"))),
    ),
    Claim(
        id="R3",
        says="Speeds that constants equalise at initialisation drift apart.",
        source="the defensible form of the warning",
        effect="fastest over slowest layer, in the later half of the run",
        unit="log10 ratio",
        smallest_effect=0.3,
        why_smallest="chosen by us: speeds that differ by a factor of two; the source gives no number",
        control="the same constants at initialisation, on one batch: noise alone",
        evidence=evidence(by_depth(at_best_fixed(drift)), control=by_depth(at_best_fixed(noise))),
    ),
    Claim(
        id="R4",
        says="Constants cannot track the drifting speeds; factors that are updated at every step can.",
        source="the defensible form of the warning",
        effect="final training loss with constants over that with factors updated at every step",
        unit="log2 ratio",
        smallest_effect=0.5,
        why_smallest="chosen by us: three tenths less loss; the source gives no number",
        control="one hidden layer, where little vanishes",
        evidence=evidence(by_depth(below("tracked", "fixed")), control=below("tracked", "fixed")(SHALLOW)),
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
            evidence=evidence(by_depth(below(rule, "plain"), SHALLOW)),
        )
        for name, rule, words, source in (
            ("R5", "lars", "LARS", "You, Gitman & Ginsburg 2017"),
            ("R6", "adam", "Adam", "Kingma & Ba 2015"),
        )
    ),
)
