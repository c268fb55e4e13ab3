"""The claims: what Nielsen warns of, what is exact, and the form of the warning that can be defended."""

from __future__ import annotations

import math
from collections.abc import Callable

from levinthal.lab.analysis.contrasts import (
    Effect,
    Parts,
    Reading,
    at_best_rate,
    best_at_end,
    compare,
    each,
    evidence,
    log2_ratio,
    mean_by_seed,
    value,
)
from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.analysis.rates import BestRate
from levinthal.lab.storage.rows import Rows
from levinthal.vocabulary import Claim

SOURCE = "Nielsen, Neural Networks and Deep Learning (2015), ch. 5"
SHALLOW = 1


def best(rows: Rows, rule: str, hidden: int) -> BestRate | None:
    """A rule at its best rate: the lowest median training loss at the end, over the whole grid."""
    return best_at_end(rows, "training_loss", rule=rule, hidden=hidden)


def loss(rule: str, hidden: int) -> Reading:
    """Training loss at the end, at the rule's best rate."""
    return at_best_rate("training_loss", rule=rule, hidden=hidden)


def depths(rows: Rows) -> list[int]:
    """Numbers of hidden layers that were trained, the shallow control left out."""
    return [int(hidden) for hidden in rows.distinct("hidden") if hidden > SHALLOW]


def part(hidden: int) -> str:
    """How a part of the grid is called."""
    return f"{hidden} hidden layers" if hidden > 1 else "1 hidden layer"


def below(rule: str, other: str) -> Callable[[int], Reading]:
    """From a depth to log2 of the other rule's loss over this rule's, each at its best rate."""
    return lambda hidden: compare(loss(other, hidden), loss(rule, hidden), log2_ratio)


def short_of_half(rule: str) -> Callable[[int], Reading]:
    """From a depth to the log2 ratio by which a rule falls short of halving the plain loss."""
    return lambda hidden: lambda rows: below(rule, "plain")(hidden)(rows).map(lambda gain: 1 - gain)


def by_depth(make: Callable[[int], Reading], shallowest: int = SHALLOW + 1) -> Parts:
    """One part a number of hidden layers."""
    return each(
        "hidden", make=make, label=part, name="training_loss", hidden=lambda hidden: hidden >= shallowest
    )


def downhill(rows: Rows) -> dict[str, Reading]:
    """Share of rescaled gradients along which the loss falls, by factors and depth."""
    kinds = (("equalising", "speeds equalised"), ("random", "random constants"))
    return {
        f"{words}, {part(hidden)}": value("downhill", step=None, factors=name, hidden=hidden)
        for name, words in kinds
        for (hidden,) in rows.where(name="downhill", factors=name).group_by("hidden")
    }


def at_best_fixed(read: Callable[[Rows], BySeed]) -> Callable[[int], Reading]:
    """From a depth to a number of the runs with fixed constants at their best rate."""

    def at(rows: Rows, hidden: int) -> Effect:
        winner = best(rows, "fixed", hidden)
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
        why_smallest="exact: all directions go downhill, less one per cent for the numerical difference",
        control="the same vectors with each layer's entries shuffled",
        evidence=evidence(
            downhill, control=value("downhill", step=None, reduce=mean_by_seed, factors="shuffled")
        ),
    ),
    Claim(
        id="R2",
        says="Multiplying the layers' gradients by constants to undo the vanishing won't work.",
        source=SOURCE,
        effect="doublings by which constants fall short of halving the training loss; 1: they change nothing",
        unit="doublings",
        smallest_effect=1 + math.log2(0.8),  # a loss that falls by less than a fifth
        why_smallest="chosen by us: a loss that falls by less than a fifth",
        control="Adam in their place: what a cure looks like",
        evidence=evidence(by_depth(short_of_half("fixed")), control=by_depth(short_of_half("adam"))),
    ),
    Claim(
        id="R3",
        says="Speeds equalised by constants at the start drift apart.",
        source="the defensible form of the warning",
        effect="fastest over slowest layer, in the later half of the run",
        unit="decades",
        smallest_effect=0.3,
        why_smallest="chosen by us: speeds that differ by a factor of two; the source gives no number",
        control="the same constants at the start, on one batch: noise alone",
        evidence=evidence(by_depth(at_best_fixed(drift)), control=by_depth(at_best_fixed(noise))),
    ),
    Claim(
        id="R4",
        says="Constants cannot track the drifting speeds; factors taken anew at every step can.",
        source="the defensible form of the warning",
        effect="doublings by which tracked factors end with less training loss than constants",
        unit="doublings",
        smallest_effect=0.5,
        why_smallest="chosen by us: three tenths less loss; the source gives no number",
        control="one hidden layer, where little vanishes",
        evidence=evidence(by_depth(below("tracked", "fixed")), control=below("tracked", "fixed")(SHALLOW)),
    ),
    *(
        Claim(
            id=name,
            says=f"{words}, at its best rate, against plain gradient descent at its own.",
            source=source,
            effect="doublings of training loss below the plain rule",
            unit="doublings",
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
