"""The claims: exploding gradients persist, skips tame them, batch norm has its law, NLC predicts error."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from levinthal.lab.analysis import Effect, Reading, compare, each, evidence, mapped, value
from levinthal.lab.analysis.contrasts import Parts
from levinthal.lab.analysis.rates import best_rate
from levinthal.lab.judging.trends import grouped_spearman
from levinthal.lab.storage.rows import Rows
from levinthal.probes.depth_scale import batchnorm_rate
from levinthal.studies.trainability.gradient_scale.design import LAWS, NLC, PHILIPP, YANG, design
from levinthal.vocabulary import Claim

TENFOLD = math.log2(10) / 50  # log2 ratio per layer that makes a factor of ten over fifty layers
MOST_AT_EDGE = 0.1
PERMUTATIONS = 50  # of one alone the rank correlation over 16 networks varies by a quarter
WITHOUT = {"batch norm, ReLU": "ReLU", "batch norm, tanh": "tanh"}
"""A network with batch norm -> the same without."""


def growth(read: Mapping[str, str]) -> Parts:
    """The growth of GSC in each depth and network, read in the network that stands for it."""
    return each(
        "depth",
        "network",
        make=lambda depth, network: value("growth", network=read[network], depth=depth),
        label=lambda depth, network: f"{network}, depth {depth}",
        name="growth",
        network=tuple(read),
    )


def lowered(prefix: str) -> Parts:
    """log10 of the GSC over the whole depth over that of the networks with a prefix: skips, orthogonal."""

    def whole(network: str, depth: int) -> Reading:
        found = value("gradient_scale", layer="0", network=network, depth=depth)
        return mapped(found, lambda scale: math.log10(scale) if scale > 0 else math.nan)

    return each(
        "depth",
        "network",
        make=lambda depth, network: compare(whole(network, depth), whole(prefix + network, depth)),
        label=lambda depth, network: f"{network}, depth {depth}",
        name="gradient_scale",
        network=tuple(WITHOUT),
    )


def share_of_law(*, bare: bool) -> Parts:
    """1 less the relative error of the predicted growth; or that of the network without batch norm."""

    def share(network: str, batch: int) -> Reading:
        law, without = LAWS[network]
        exact = math.log2(float(batchnorm_rate(law, int(batch))))
        where = {"network": without} if bare else {"network": network, "batch": batch}
        return mapped(value("rate", **where), lambda rate: 1 - abs(rate / exact - 1))

    label = "{}, batch {}".format
    return each("network", "batch", make=share, label=label, name="rate", network=tuple(LAWS))


@dataclass(frozen=True, slots=True)
class Trained:
    """One trained network: NLC before training, and test error at the learning rate that validation chose."""

    nlc: float
    error: float
    at_edge: bool
    deepest: int


def trained(rows: Rows) -> dict[tuple[int, int], Trained]:
    """Seed and number of the network -> the trained network."""
    found = dict[tuple[int, int], Trained]()
    for (seed, net, deepest), group in rows.where(arm="error").group_by("seed", "net", "deepest").items():
        best = best_rate(group.where(name="validation_error"))
        before = group.where(name="nonlinearity").values()
        if best is not None and len(before):
            test = float(group.where(name="test_error", rate=best.rate).values()[0])
            found[seed, net] = Trained(float(before[0]), test, best.at_edge, int(deepest))
    return found


def with_nlc(rows: Rows) -> dict[tuple[int, int], Trained]:
    """The trained networks whose NLC is finite."""
    return {key: net for key, net in trained(rows).items() if math.isfinite(net.nlc)}


def nlc_and_error(rows: Rows) -> Effect:
    """Spearman's rho of NLC and test error over the networks of a seed."""
    nets = with_nlc(rows)
    edge = float(np.mean([net.at_edge for net in nets.values()])) if nets else 0.0
    rho = _within_seeds(nets, [net.nlc for net in nets.values()], [net.error for net in nets.values()])
    note = f"{edge:.0%} of {len(nets)} networks do best at the edge of the learning-rate grid."
    return Effect(rho, at_edge=edge > MOST_AT_EDGE, note=note if nets else "")


def nlc_and_permuted_error(rows: Rows) -> Effect:
    """The same with each seed's errors permuted among its networks: the mean over permutations."""
    nets = with_nlc(rows)
    nlc = [net.nlc for net in nets.values()]
    null = [_within_seeds(nets, nlc, _permuted(nets, k)) for k in range(PERMUTATIONS)]
    return Effect({seed: float(np.mean([one[seed] for one in null])) for seed in null[0]})


def _within_seeds(
    nets: Mapping[tuple[int, int], Trained], x: list[float], y: list[float]
) -> dict[int, float]:
    groups = [str(seed) for seed, _ in nets]
    return {int(seed): rho for seed, rho in grouped_spearman(x, y, groups).within.items()} if nets else {}


def _permuted(nets: Mapping[tuple[int, int], Trained], permutation: int) -> list[float]:
    """The errors, each seed's among its own networks, in random order."""
    errors = np.array([net.error for net in nets.values()])
    for seed in sorted({seed for seed, _ in nets}):
        own = [i for i, (s, _) in enumerate(nets) if s == seed]
        errors[own] = errors[np.random.default_rng([seed, permutation]).permutation(own)]
    return [float(error) for error in errors]


def by_norm(rows: Rows) -> Iterator[str]:
    """The same correlation pooled over seeds, and within the networks of one norm."""
    nets = with_nlc(rows)
    if nets:
        norms = [design(seed, net, 2).norm for seed, net in nets]
        pairs = [net.nlc for net in nets.values()], [net.error for net in nets.values()]
        found = grouped_spearman(*pairs, norms)
        each = ", ".join(f"{rho:.2f} with norm '{norm}'" for norm, rho in found.within.items())
        yield f"Pooled over seeds the correlation is {found.pooled:.2f}; {each}."


def depth_and_error(rows: Rows) -> Effect:
    """Spearman's rho of depth and test error over the networks of a seed."""
    nets = trained(rows)
    depths = [float(design(seed, net, one.deepest).depth) for (seed, net), one in nets.items()]
    return Effect(_within_seeds(nets, depths, [net.error for net in nets.values()]))


CLAIMS = (
    Claim(
        id="G1",
        says="Exploding gradients persist with batch norm: GSC grows exponentially with depth.",
        source=PHILIPP,
        effect="growth of GSC a layer, at initial weights",
        unit="log2 ratio per layer",
        smallest_effect=TENFOLD,
        why_smallest="chosen by us: a factor of ten over fifty layers",
        control="the same network without batch norm",
        evidence=evidence(growth({name: name for name in WITHOUT}), control=growth(WITHOUT)),
    ),
    Claim(
        id="G2",
        says="They persist with SELU.",
        source=PHILIPP,
        effect="growth of GSC a layer, at initial weights",
        unit="log2 ratio per layer",
        smallest_effect=TENFOLD,
        why_smallest="chosen by us: a factor of ten over fifty layers",
        control="a linear network",
        evidence=evidence(growth({"SELU": "SELU"}), control=growth({"SELU": "linear"})),
    ),
    Claim(
        id="G3",
        says="Residual networks have far smaller gradients: GSC of the whole network a hundredth or less.",
        source=PHILIPP,
        effect="GSC of the whole network without skips over that with skips",
        unit="log10 ratio",
        smallest_effect=2,
        why_smallest="from the claim: a hundredth",
        control="orthogonal weights instead of skips",
        evidence=evidence(lowered("residual "), control=lowered("orthogonal ")),
    ),
    Claim(
        id="G4",
        says="Batch norm multiplies the squared gradient by a known rate a layer that depends on the batch.",
        source=YANG,
        effect="share of the predicted growth (log2 ratio per layer) that is found, less any excess",
        unit="",
        smallest_effect=0.9,
        why_smallest="chosen by us: at least 90 % of the growth that the theory predicts",
        control="the same network without batch norm",
        evidence=evidence(share_of_law(bare=False), control=share_of_law(bare=True)),
    ),
    Claim(
        id="G5",
        says="The nonlinearity of a network before training predicts its test error: the more, the worse.",
        source=NLC,
        effect="rank correlation of NLC before training with test error after it",
        unit="",
        smallest_effect=0.5,
        why_smallest="chosen by us: a large correlation by Cohen's convention",
        control="errors permuted at random among the networks of the seed",
        evidence=evidence(nlc_and_error, control=nlc_and_permuted_error, notes=by_norm),
    ),
    Claim(
        id="G6",
        says="For comparison: depth and test error.",
        source="ours",
        effect="rank correlation of depth with test error",
        unit="",
        smallest_effect=None,
        control="",
        evidence=evidence(depth_and_error),
    ),
)
