"""The claims on directions and speeds: the rescaled gradient goes downhill, and speeds drift apart."""

from __future__ import annotations

from collections.abc import Callable

from levinthal.lab.analysis import Effect, best_at_end, each, evidence, mean_by_seed, value
from levinthal.lab.analysis.contrasts import Parts
from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.layer_rescaling.claims.losses import AtDepth, by_depth
from levinthal.studies.trainability.layer_rescaling.design import depth
from levinthal.vocabulary import Basis, Claim


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


def beyond_noise(rows: Rows) -> dict[int, float]:
    """The same, less that of one batch before training: by noise alone it is above zero."""
    found, first = drift(rows), noise(rows)
    return {seed: found[seed] - first[seed] for seed in found if seed in first}


def noise(rows: Rows) -> dict[int, float]:
    """The same of one batch, before training."""
    return rows.where(name="batch_imbalance").by_seed()


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
    Claim(
        id="R3",
        says="Speeds that constants equalise at initialisation do not stay equal: in the later half of the "
        "run they have drifted apart, or fluctuate by more than a batch makes them.",
        source="ours: the form of the warning that can be defended",
        effect="fastest over slowest layer, in the later half of the run, less the same of one batch at "
        "initialisation",
        unit="log10 ratio",
        smallest_effect=0.3,
        why_smallest="chosen by us, before the first run: speeds that differ by a factor of two. The noise "
        "of a batch is subtracted since results had been seen: the ratio is above one by noise alone, and "
        "no depth could fail",
        basis=Basis.SEEN,
        control="the same constants at initialisation, on one batch: noise alone",
        evidence=evidence(by_depth(at_best_fixed(beyond_noise)), control=by_depth(at_best_fixed(noise))),
    ),
)
