"""The claims: exploding gradients persist, skips tame them, batch norm has its law, NLC foretells error."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from levinthal.lab import Rows
from levinthal.lab.analysis.rates import best_rate
from levinthal.lab.judging.trends import grouped_spearman
from levinthal.probes.depth_scale import batchnorm_rate
from levinthal.studies.trainability.gradient_scale.measure import design
from levinthal.vocabulary import Claim, Evidence

PHILIPP = "Philipp, Song & Carbonell (2017), arXiv 1712.05577"
YANG = "Yang, Pennington, Rao, Sohl-Dickstein & Schoenholz (2019), arXiv 1902.08129"
NLC = "Philipp & Carbonell (2018), arXiv 1806.00179"
TENFOLD = math.log2(10) / 50  # doublings a layer that make a factor of ten over fifty layers
LAWS = {"batch norm, ReLU": ("relu", "ReLU"), "batch norm, linear": ("linear", "linear")}
MOST_AT_EDGE = 0.1
DEALINGS = 50  # of one alone the rank correlation over 16 networks wanders by a quarter


def growing(networks: tuple[str, ...], controls: tuple[str, ...]) -> Callable[[Rows], Evidence]:
    """The growth of GSC in each network and depth, beside that of its control."""

    def evidence(rows: Rows) -> Evidence:
        growth = rows.where(arm="scale", name="growth")
        effects, control = dict[str, dict[int, float]](), dict[str, dict[int, float]]()
        for depth in growth.distinct("depth"):
            for network, other in zip(networks, controls, strict=True):
                part = f"{network}, depth {depth}"
                effects[part] = growth.where(network=network, depth=depth).by_seed()
                control[part] = growth.where(network=other, depth=depth).by_seed()
        return Evidence(effects, control)

    return evidence


def tamed(rows: Rows) -> Evidence:
    """Decades by which skips, and in the control orthogonal weights, lower GSC over the whole depth."""
    whole = rows.where(arm="scale", name="gradient_scale", layer="0")
    effects, control = dict[str, dict[int, float]](), dict[str, dict[int, float]]()
    for depth in whole.distinct("depth"):
        for kind in ("batch norm, ReLU", "batch norm, tanh"):
            seeds = {
                prefix: whole.where(network=prefix + kind, depth=depth).by_seed()
                for prefix in ("", "residual ", "orthogonal ")
            }
            part = f"{kind}, depth {depth}"
            effects[part] = _decades(seeds[""], seeds["residual "])
            control[part] = _decades(seeds[""], seeds["orthogonal "])
    return Evidence(effects, control)


def _decades(upper: dict[int, float], lower: dict[int, float]) -> dict[int, float]:
    return {s: _log10(upper[s]) - _log10(lower[s]) for s in upper.keys() & lower.keys()}


def _log10(value: float) -> float:
    return math.log10(value) if value > 0 else math.nan


def lawful(rows: Rows) -> Evidence:
    """The share of the predicted growth that is found, less what is too much; the same without batch norm."""
    rates = rows.where(arm="batch", name="rate")
    effects, control = dict[str, dict[int, float]](), dict[str, dict[int, float]]()
    for (network, batch), found in rates.group_by("network", "batch").items():
        if network not in LAWS:
            continue
        law, without = LAWS[network]
        exact = math.log2(float(batchnorm_rate(law, int(batch))))
        part = f"{network}, batch {batch}"
        effects[part] = {s: 1 - abs(rate / exact - 1) for s, rate in found.by_seed().items()}
        bare = rates.where(network=without).by_seed()
        control[part] = {s: 1 - abs(rate / exact - 1) for s, rate in bare.items()}
    return Evidence(effects, control)


def trained(rows: Rows) -> dict[tuple[int, int], tuple[float, float, bool]]:
    """NLC, test error at the rate that validation chose, and if that is the grid's edge: (seed, net) ->."""
    found = dict[tuple[int, int], tuple[float, float, bool]]()
    for (seed, net), group in rows.where(arm="error").group_by("seed", "net").items():
        best = best_rate(group.where(name="validation_error"))
        before = group.where(name="nonlinearity").values()
        if best is not None and len(before):
            test = float(group.where(name="test_error", rate=best.rate).values()[0])
            found[seed, net] = float(before[0]), test, best.at_edge
    return found


def foretold(rows: Rows) -> Evidence:
    """Spearman's rho of NLC and test error over the networks of a seed; the control deals errors anew."""
    nets = {key: value for key, value in trained(rows).items() if math.isfinite(value[0])}
    if not nets:
        return Evidence({})
    keys = list(nets)
    groups = [str(seed) for seed, _ in keys]
    nlc, error = [nets[key][0] for key in keys], [nets[key][1] for key in keys]
    rho = grouped_spearman(nlc, error, groups)
    null = [grouped_spearman(nlc, _dealt(keys, error, k), groups).within for k in range(DEALINGS)]
    edge = float(np.mean([at_edge for _, _, at_edge in nets.values()]))
    notes = (
        f"{edge:.0%} of {len(nets)} networks do best at the edge of the grid of rates",
        _within(keys, nlc, error),
    )
    seeds = {"": {int(seed): value for seed, value in rho.within.items()}}
    dealt = {"": {int(seed): float(np.mean([one[seed] for one in null])) for seed in rho.within}}
    return Evidence(seeds, dealt, edge > MOST_AT_EDGE, notes)


def _dealt(keys: list[tuple[int, int]], error: list[float], dealing: int) -> list[float]:
    """The errors, each seed's among its own networks, in random order."""
    dealt = np.array(error)
    for seed in sorted({seed for seed, _ in keys}):
        own = [i for i, (s, _) in enumerate(keys) if s == seed]
        dealt[own] = dealt[np.random.default_rng([seed, dealing]).permutation(own)]
    return [float(value) for value in dealt]


def _within(keys: list[tuple[int, int]], nlc: list[float], error: list[float]) -> str:
    norms = [design(seed, net, 2).norm for seed, net in keys]
    by_norm = grouped_spearman(nlc, error, norms)
    each = ", ".join(f"{rho:.2f} with norm '{norm}'" for norm, rho in by_norm.within.items())
    return f"pooled over seeds the correlation is {by_norm.pooled:.2f}; {each}"


def by_depth(rows: Rows) -> Evidence:
    """Spearman's rho of depth and test error, beside that of NLC."""
    nets = trained(rows)
    deepest = {(r.measurement.seed, r.cell["net"]): int(r.cell["deepest"]) for r in rows.where(arm="error")}
    if not nets:
        return Evidence({})
    depths = [float(design(seed, net, deepest[seed, net]).depth) for seed, net in nets]
    errors = [error for _, error, _ in nets.values()]
    rho = grouped_spearman(depths, errors, [str(seed) for seed, _ in nets])
    return Evidence({"": {int(seed): value for seed, value in rho.within.items()}})


CLAIMS = (
    Claim(
        id="G1",
        says="Exploding gradients persist with batch norm: GSC grows exponentially with depth.",
        source=PHILIPP,
        effect="growth of GSC a layer, at initial weights",
        unit="doublings a layer",
        smallest_effect=TENFOLD,
        why_smallest="chosen by us: a factor of ten over fifty layers",
        control="the same network without batch norm",
        evidence=growing(("batch norm, ReLU", "batch norm, tanh"), ("ReLU", "tanh")),
    ),
    Claim(
        id="G2",
        says="They persist with SELU.",
        source=PHILIPP,
        effect="growth of GSC a layer, at initial weights",
        unit="doublings a layer",
        smallest_effect=TENFOLD,
        why_smallest="chosen by us: a factor of ten over fifty layers",
        control="a linear network",
        evidence=growing(("SELU",), ("linear",)),
    ),
    Claim(
        id="G3",
        says="Residual networks have far smaller gradients: GSC of the whole network a hundredth or less.",
        source=PHILIPP,
        effect="decades by which skips lower GSC of the whole network",
        unit="decades",
        smallest_effect=2,
        why_smallest="from the claim: a hundredth",
        control="orthogonal weights instead of skips",
        evidence=tamed,
    ),
    Claim(
        id="G4",
        says="Batch norm multiplies the squared gradient by a known rate a layer that depends on the batch.",
        source=YANG,
        effect="share of the predicted growth (in doublings) that is found, less any excess",
        unit="",
        smallest_effect=0.9,
        why_smallest="chosen by us: at least 90 % of the growth that the theory predicts",
        control="the same network without batch norm",
        evidence=lawful,
    ),
    Claim(
        id="G5",
        says="The non-linearity of a network before training foretells its test error: the more, the worse.",
        source=NLC,
        effect="rank correlation of NLC before training with test error after it",
        unit="",
        smallest_effect=0.5,
        why_smallest="chosen by us: a large correlation by Cohen's convention",
        control="errors dealt at random to the networks of the seed",
        evidence=foretold,
    ),
    Claim(
        id="G6",
        says="For comparison: depth and test error.",
        source="ours",
        effect="rank correlation of depth with test error",
        unit="",
        smallest_effect=None,
        control="",
        evidence=by_depth,
    ),
)
