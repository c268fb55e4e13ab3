"""The claims on trained networks: NLC before training and the test error after it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass

import numpy as np

from levinthal.lab.analysis import Effect, Reading, evidence, log2_ratio
from levinthal.lab.analysis.rates import best_rate
from levinthal.lab.judging.statistics import FEWEST_SEEDS
from levinthal.lab.judging.trends import grouped_spearman
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.gradient_scale.design import NLC, NORMS, RIGHT_SIZED, design
from levinthal.vocabulary import Basis, Claim

MOST_AT_EDGE, PERMUTATIONS = 0.1, 50  # of one alone the rank correlation over 16 networks varies by a quarter
FEWEST, FEWEST_COMPARED = 3, 2  # networks of a correlation, and on each side of a comparison
ONE_IMAGE = 1 / 600  # the error of one image of the smaller test set, digits: a lower one counts as this
Net = tuple[int, int]
"""Seed and number of a network."""


@dataclass(frozen=True, slots=True)
class Trained:
    """One trained network: NLC before training, and test error at the learning rate that validation chose."""

    nlc: float
    error: float
    at_edge: bool
    deepest: int


def trained(rows: Rows) -> dict[Net, Trained]:
    """Seed and number of the network -> the trained network."""
    found = dict[Net, Trained]()
    for (seed, net, deepest), group in rows.where(arm="error").group_by("seed", "net", "deepest").items():
        best = best_rate(group.where(name="validation_error"))
        before = group.where(name="nonlinearity").values()
        if best is not None and len(before):
            test = float(group.where(name="test_error", rate=best.rate).values()[0])
            found[seed, net] = Trained(float(before[0]), test, best.at_edge, int(deepest))
    return found


def with_nlc(rows: Rows) -> dict[Net, Trained]:
    """The trained networks whose NLC is finite."""
    return {key: net for key, net in trained(rows).items() if math.isfinite(net.nlc)}


OfSeed = Callable[[Mapping[Net, Trained]], float]
"""A number of the networks of a seed; NaN where there are too few."""


def by_seed(nets: Mapping[Net, Trained], number: OfSeed) -> dict[int, float]:
    """Seed -> the number of its networks, of the seeds that have enough of them."""
    seeds = sorted({seed for seed, _ in nets})
    found = {s: number({key: net for key, net in nets.items() if key[0] == s}) for s in seeds}
    return {seed: one for seed, one in found.items() if math.isfinite(one)}


def predicted(nets: Mapping[Net, Trained]) -> float:
    """Spearman's rho of NLC and test error."""
    pairs = [net.nlc for net in nets.values()], [net.error for net in nets.values()]
    return _spearman(*pairs) if len(nets) >= FEWEST else math.nan


def excess_error(nets: Mapping[Net, Trained]) -> float:
    """log2 of the lowest test error of networks above the right size of NLC over the lowest of the others."""
    return _over(nets, {key for key, net in nets.items() if net.nlc > RIGHT_SIZED})


def excess_by_depth(nets: Mapping[Net, Trained]) -> float:
    """The same of the networks deeper than the median over the lowest of the others."""
    depths = {key: depth_of(key, net) for key, net in nets.items()}
    middle = float(np.median(list(depths.values())))
    return _over(nets, {key for key, depth in depths.items() if depth > middle})


def _over(nets: Mapping[Net, Trained], chosen: Set[Net]) -> float:
    """log2 of the lowest test error of the chosen networks over the lowest of the others."""
    errors = {key: max(net.error, ONE_IMAGE) for key, net in nets.items()}
    others = errors.keys() - chosen
    if min(len(chosen), len(others)) < FEWEST_COMPARED:
        return math.nan
    return log2_ratio(min(errors[key] for key in chosen), min(errors[key] for key in others))


def _spearman(x: list[float], y: list[float]) -> float:
    return grouped_spearman(x, y, ["all"] * len(x)).pooled


def of_norm(norm: str) -> Callable[[Rows], dict[Net, Trained]]:
    """The networks of one normalisation."""

    def chosen(rows: Rows) -> dict[Net, Trained]:
        return {key: net for key, net in with_nlc(rows).items() if design(*key, 2).norm == norm}

    return chosen


def depth_of(key: Net, net: Trained) -> int:
    """The depth of a network, in weight layers."""
    return design(*key, net.deepest).depth


def predicted_by_depth(nets: Mapping[Net, Trained]) -> float:
    """Spearman's rho of depth and test error."""
    pairs = [float(depth_of(*one)) for one in nets.items()], [net.error for net in nets.values()]
    return _spearman(*pairs) if len(nets) >= FEWEST else math.nan


def found(number: OfSeed, nets: Callable[[Rows], dict[Net, Trained]] = with_nlc) -> Reading:
    """A number of each seed's networks; on the edge where many networks do best at an edge of their grid."""

    def read(rows: Rows) -> Effect:
        edge = [net.at_edge for net in with_nlc(rows).values()]
        return Effect(by_seed(nets(rows), number), at_edge=bool(edge) and bool(np.mean(edge) > MOST_AT_EDGE))

    return read


def permuted(number: OfSeed, nets: Callable[[Rows], dict[Net, Trained]] = with_nlc) -> Reading:
    """The same with each seed's errors permuted among these networks: the mean over permutations."""

    def read(rows: Rows) -> Effect:
        held = nets(rows)
        null = [by_seed(_permuted(held, k), number) for k in range(PERMUTATIONS)]
        seeds = set.intersection(*(set(one) for one in null))
        return Effect({seed: float(np.mean([one[seed] for one in null])) for seed in sorted(seeds)})

    return read


def _permuted(nets: Mapping[Net, Trained], permutation: int) -> dict[Net, Trained]:
    """The networks with the errors of each seed's own in random order."""
    mixed = dict[Net, Trained]()
    for seed in sorted({seed for seed, _ in nets}):
        own = {key: net for key, net in nets.items() if key[0] == seed}
        order = np.random.default_rng([seed, permutation]).permutation(len(own))
        errors = [net.error for net in own.values()]
        for (key, net), other in zip(own.items(), order, strict=True):
            mixed[key] = Trained(net.nlc, errors[other], net.at_edge, net.deepest)
    return mixed


def sizes(rows: Rows) -> Iterator[str]:
    """How many networks there are, how many are right-sized, and how many do best at an edge of the grid."""
    nets, everyone = with_nlc(rows).values(), trained(rows)
    if lost := len(everyone) - len(nets):
        yield f"{lost} of {len(everyone)} networks have no finite NLC and are left out."
    if nets:
        right = sum(net.nlc <= RIGHT_SIZED for net in nets)
        edge = float(np.mean([net.at_edge for net in nets]))
        yield f"{edge:.0%} of {len(nets)} networks do best at the edge of the learning-rate grid."
        yield f"{right} of {len(nets)} networks have an NLC of at most {RIGHT_SIZED}: they are right-sized."


def sides(rows: Rows) -> Iterator[str]:
    """The sizes, and in how many seeds both sides of the right size have networks enough."""
    yield from sizes(rows)
    nets = with_nlc(rows)
    if nets:
        seeds, enough = len({seed for seed, _ in nets}), len(by_seed(nets, excess_error))
        yield (
            f"{enough} of {seeds} seeds have {FEWEST_COMPARED} networks or more on each side of it; "
            "the others say nothing."
        )
        if enough < min(seeds, FEWEST_SEEDS):
            yield "Too few leave the right size here: a preset with deeper networks is needed to decide."


def by_norm(rows: Rows) -> Iterator[str]:
    """The sizes, and the same correlation pooled over seeds and norms."""
    yield from sizes(rows)
    nets = with_nlc(rows)
    if nets:
        pairs = [net.nlc for net in nets.values()], [net.error for net in nets.values()]
        within = list(by_seed(nets, predicted).values())
        mixed = f", and {np.mean(within):.2f} within a seed" if within else ""
        yield f"Over all norms together the correlation is {_spearman(*pairs):.2f}{mixed}."


def within_norms(number: OfSeed, read: Callable[..., Reading] = found) -> dict[str, Reading]:
    """Normalisation -> a number of each seed's networks of it."""
    return {name: read(number, of_norm(norm)) for norm, name in NORMS.items()}


EMPIRICAL = (
    "we show that the NLC is a powerful predictor of test error and that attaining a right-sized NLC is "
    "essential for optimal performance"
)
NO_BUDGET = "the abstract names no number of updates"
CONTROL = "errors permuted at random among the networks of the seed"

CLAIMS = (
    Claim(
        id="G5",
        says="The nonlinearity of a network before training predicts its test error after the updates run "
        "here: the more, the worse, among networks of one normalisation.",
        source=f"{NLC}, abstract; {NO_BUDGET}",
        effect="rank correlation of NLC before training with test error after it. Most networks drawn here "
        "are right-sized, within what is called the paper's optimum: a low correlation denies nothing",
        unit="",
        smallest_effect=None,
        control=f"{CONTROL}, of one normalisation",
        rival="depth in place of NLC, of the same networks",
        evidence=evidence(
            within_norms(predicted),
            control=within_norms(predicted, permuted),
            rival=within_norms(predicted_by_depth),
            notes=by_norm,
        ),
        quote=EMPIRICAL,
    ),
    Claim(
        id="G6",
        says="For comparison: depth and test error, among networks of one normalisation.",
        source="ours",
        effect="rank correlation of depth with test error",
        unit="",
        smallest_effect=None,
        control="",
        why_no_control="reported: no size is set",
        evidence=evidence(within_norms(predicted_by_depth)),
    ),
    Claim(
        id="G7",
        says=f"The best network whose NLC before training is above {RIGHT_SIZED} has more test error than "
        f"the best of the right size, 1 to {RIGHT_SIZED}, after the updates run here.",
        source=f"{NLC}, abstract; the range 1 to 3 is the paper's optimum by public summaries of it; "
        f"{NO_BUDGET}",
        effect="lowest test error of the networks of a seed above the right size, over the lowest of the "
        "others; of few networks above it the best is worse: with more of them the number falls",
        unit="log2 ratio",
        smallest_effect=0.5,
        why_smallest="chosen by us: two fifths more error. Medians were compared before, and results with "
        "few networks above had been seen; of the lowest errors none had. An error below that of one of 600 "
        "test images counts as that. Learning rates are a factor of ten apart",
        basis=Basis.SEEN,
        control=CONTROL,
        rival="depth in place of NLC: the networks deeper than the median over the others",
        evidence=evidence(
            found(excess_error), permuted(excess_error), rival=found(excess_by_depth), notes=sides
        ),
        quote=EMPIRICAL,
    ),
)
