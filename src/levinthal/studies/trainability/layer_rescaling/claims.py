"""The claims: what Nielsen warns of, what is exact, and the form of the warning that can be defended."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from levinthal.lab import Rows
from levinthal.lab.analysis.rates import BestRate, best_rate
from levinthal.vocabulary import Claim, Evidence

SOURCE = "Nielsen, Neural Networks and Deep Learning (2015), ch. 5"
SHALLOW = 1


def best(rows: Rows, rule: str, hidden: int) -> BestRate | None:
    """A rule at its best rate: the lowest median training loss at the end, over the whole grid."""
    found = rows.where(name="training_loss", rule=rule, hidden=hidden)
    return best_rate(found.where(step=max(found.distinct("step")))) if len(found) else None


def depths(rows: Rows) -> list[int]:
    """Numbers of hidden layers that were trained, the shallow control left out."""
    return [int(hidden) for hidden in rows.distinct("hidden") if hidden > SHALLOW]


def part(hidden: int) -> str:
    """How a part of the grid is called."""
    return f"{hidden} hidden layers" if hidden > 1 else "1 hidden layer"


def downhill(rows: Rows) -> Evidence:
    """Share of rescaled gradients along which the loss falls; control: the same, shuffled."""
    found = rows.where(name="downhill")
    if not len(found):
        return Evidence({})
    effects = {
        f"{words}, {part(hidden)}": group.by_seed()
        for name, words in (("equalising", "speeds equalised"), ("random", "random constants"))
        for (hidden,), group in found.where(factors=name).group_by("hidden").items()
    }
    shuffled = found.where(factors="shuffled").group_by("seed").items()
    return Evidence(effects, {"": {seed: float(group.values().mean()) for (seed,), group in shuffled}})


def _compared(rows: Rows, rule: str, other: str, hidden: int) -> tuple[dict[int, float], bool, str]:
    """log2 of the other's loss over the rule's, seed by seed; if one sits on an edge; the best rates."""
    one, two = best(rows, rule, hidden), best(rows, other, hidden)
    if one is None or two is None:
        return {}, False, ""
    gain = {s: math.log2(two.scores[s] / one.scores[s]) for s in one.scores if s in two.scores}
    note = f"Best rates, {part(hidden)}: {rule} {one.rate:g}, {other} {two.rate:g}."
    return gain, one.at_edge or two.at_edge, note


def constants_do_not_help(rows: Rows) -> Evidence:
    """Doublings by which constants fall short of halving the plain loss; control: Adam."""
    effects, control, notes, edge = {}, {}, [], False
    for hidden in depths(rows):
        fixed, at_edge, note = _compared(rows, "fixed", "plain", hidden)
        adam, adam_at_edge, _ = _compared(rows, "adam", "plain", hidden)
        if fixed:
            effects[part(hidden)] = {seed: 1 - gain for seed, gain in fixed.items()}
            control[part(hidden)] = {seed: 1 - gain for seed, gain in adam.items()}
            edge |= at_edge or adam_at_edge
            notes.append(note)
    return Evidence(effects, control, edge, tuple(notes))


def a_step_of_its_own_helps(rows: Rows) -> Evidence:
    """Doublings by which tracked factors end below fixed ones; control: one hidden layer."""
    effects, notes, edge = {}, [], False
    for hidden in depths(rows):
        gain, at_edge, note = _compared(rows, "tracked", "fixed", hidden)
        if gain:
            effects[part(hidden)] = gain
            edge |= at_edge
            notes.append(note)
    control, control_at_edge, _ = _compared(rows, "tracked", "fixed", SHALLOW)
    return Evidence(effects, {"": control} if control else {}, edge or control_at_edge, tuple(notes))


def speeds_drift(rows: Rows) -> Evidence:
    """Decades by which speeds equalised at the start come apart, mean over the later half of moments."""
    effects, control = {}, {}
    for hidden in depths(rows):
        winner = best(rows, "fixed", hidden)
        if winner is None:
            continue
        here = rows.where(rule="fixed", hidden=hidden, rate=winner.rate)
        steps = here.distinct("step")
        later = here.where(name="imbalance", step=steps[len(steps) // 2 :])
        effects[part(hidden)] = {
            seed: float(np.mean(group.values())) for (seed,), group in later.group_by("seed").items()
        }
        control[part(hidden)] = here.where(name="batch_imbalance").by_seed()
    return Evidence(effects, control)


def below_plain(rule: str) -> Callable[[Rows], Evidence]:
    """Doublings by which a rule ends below the plain one, at every depth."""

    def evidence(rows: Rows) -> Evidence:
        effects = {}
        for hidden in (SHALLOW, *depths(rows)):
            gain, at_edge, _ = _compared(rows, rule, "plain", hidden)
            if gain:
                effects[f"{part(hidden)}{', at an edge of the grid' if at_edge else ''}"] = gain
        return Evidence(effects)

    return evidence


CLAIMS = (
    Claim(
        id="R1",
        says="For any positive constants a layer, the rescaled gradient still goes downhill: <g, D g> > 0.",
        source="exact: a sum of positive terms",
        effect="share of rescaled gradients along which the loss falls (central difference, float64)",
        unit="",
        smallest=0.99,
        control="the same vectors with each layer's entries shuffled",
        evidence=downhill,
    ),
    Claim(
        id="R2",
        says="Multiplying the layers' gradients by constants to undo the vanishing won't work.",
        source=SOURCE,
        effect="doublings by which constants fall short of halving the training loss; 1: they change nothing",
        unit="doublings",
        smallest=1 + math.log2(0.8),  # a loss that falls by less than a fifth
        control="Adam in their place: what a cure looks like",
        evidence=constants_do_not_help,
    ),
    Claim(
        id="R3",
        says="Speeds equalised by constants at the start drift apart.",
        source="the defensible form of the warning",
        effect="fastest over slowest layer, in the later half of the run",
        unit="decades",
        smallest=0.3,
        control="the same constants at the start, on one batch: noise alone",
        evidence=speeds_drift,
    ),
    Claim(
        id="R4",
        says="Constants cannot track the drifting speeds; factors taken anew at every step can.",
        source="the defensible form of the warning",
        effect="doublings by which tracked factors end with less training loss than constants",
        unit="doublings",
        smallest=0.5,
        control="one hidden layer, where little vanishes",
        evidence=a_step_of_its_own_helps,
    ),
    *(
        Claim(
            id=name,
            says=f"{words}, at its best rate, against plain gradient descent at its own.",
            source=source,
            effect="doublings of training loss below the plain rule",
            unit="doublings",
            smallest=None,
            control="",
            evidence=below_plain(rule),
        )
        for name, rule, words, source in (
            ("R5", "lars", "LARS", "You, Gitman & Ginsburg 2017"),
            ("R6", "adam", "Adam", "Kingma & Ba 2015"),
        )
    ),
)
