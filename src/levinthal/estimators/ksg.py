"""Mutual information by k nearest neighbours: KSG-1, plain and on z-scored columns.

Kraskov, Stoegbauer & Grassberger 2004 (arXiv cond-mat/0305641), Eq. 8, in max-norm:
I = psi(k) + psi(N) - <psi(n_x) + psi(n_y)>, n_x the points nearer in x than the k-th joint neighbour, self
included. It cannot exceed psi(N) - psi(k+1), its value for y = x + a tiny perturbation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.special import digamma

from levinthal.estimators import arrays, trust
from levinthal.estimators.calibration import matched_bias
from levinthal.estimators.neighbours import NeighbourCounts, count_neighbours
from levinthal.estimators.resampling import Spread, block_spread, shuffled_null
from levinthal.estimators.settings import Settings
from levinthal.estimators.trust import Concern
from levinthal.vocabulary import Estimate, Trust

NPEET_NOISE = 1e-10
JITTER = 1e-10
FULL_DRAWS = 2


@dataclass(frozen=True, slots=True)
class Reading:
    """One evaluation of KSG-1: the value in the unit asked for, and what the counts were."""

    value: float
    n_x: float
    n_y: float
    share_x: float
    share_y: float
    jittered: bool


def ksg(
    x: Float[np.ndarray, "n dx"],
    y: Float[np.ndarray, "n dy"],
    settings: Settings,
    name: str = "ksg",
    concerns: Iterable[Concern | None] = (),
    details: Mapping[str, Any] | None = None,
) -> Estimate:
    """KSG-1 of finite float64 matrices as they stand, with its checks and trust."""
    if settings.compat is None and (arrays.is_constant(x) or arrays.is_constant(y)):
        return _nothing(x, y, settings, name)
    reading = read(x, y, settings)
    found, spread, more = _checked(reading, x, y, settings)
    word, reasons = trust.judged([*found, *concerns])
    interval = spread.around(reading.value, more["still_to_come"]) if spread else None
    every = {**_described(reading, x, y, settings, name), **(details or {}), **more}
    return Estimate(reading.value, settings.units, interval, word, reasons, every)


def zscored_ksg(x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"], settings: Settings) -> Estimate:
    """KSG-1 after each column is brought to mean 0 and deviation 1: blind to the scale of single units."""
    return ksg(arrays.standardised(x), arrays.standardised(y), settings, "zscored_ksg")


def ceiling(n: int, k: int) -> float:
    """The most that KSG-1 can return, in nats, for points without ties.

    >>> round(ceiling(10_000, 3), 3)
    7.954
    """
    return float(digamma(n) - digamma(k + 1))


def read(x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"], settings: Settings) -> Reading:
    """One evaluation; points are jittered only where more than k of them coincide in x and y."""
    n, k = len(x), settings.k
    counts, jittered = _counts(x, y, settings)
    mean_x, mean_y = _mean_digamma(counts.n_x), _mean_digamma(counts.n_y)
    nats = float(digamma(k) + digamma(n)) - (mean_x + mean_y)
    return Reading(
        value=nats * settings.per_nat,
        n_x=float(counts.n_x.mean()),
        n_y=float(counts.n_y.mean()),
        share_x=float((counts.n_x <= k).mean()),
        share_y=float((counts.n_y <= k).mean()),
        jittered=jittered,
    )


def _counts(
    x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"], settings: Settings
) -> tuple[NeighbourCounts, bool]:
    k, threads, compat = settings.k, settings.threads, settings.compat
    if compat == "npeet":
        noise = np.random.RandomState(settings.seed)
        x, y = (side + NPEET_NOISE * noise.random_sample(side.shape) for side in (x, y))
        return count_neighbours(x, y, k, threads=threads, compat=compat), False
    counts = count_neighbours(x, y, k, threads=threads)
    if counts.radius.min() > 0:
        return counts, False
    rng = np.random.default_rng((settings.seed, 4))
    return count_neighbours(_jittered(x, rng), _jittered(y, rng), k, threads=threads), True


def _jittered(side: Float[np.ndarray, "n d"], rng: np.random.Generator) -> Float[np.ndarray, "n d"]:
    """Each column plus noise of 1e-10 of its range; taken from its minimum, so that no offset swallows it."""
    from_zero = side - side.min(0)
    noisy: np.ndarray = from_zero + JITTER * from_zero.max(0) * rng.random(side.shape)
    return noisy


def _mean_digamma(counts: Int[np.ndarray, " n"]) -> float:
    """<psi(count)>, summed by value and not by row, so that the order of the rows cannot show."""
    times = np.bincount(counts)
    values = np.flatnonzero(times)
    return float(digamma(values) @ times[values]) / len(counts)


def _described(
    reading: Reading, x: np.ndarray, y: np.ndarray, settings: Settings, name: str
) -> dict[str, Any]:
    return {
        "estimator": name,
        "n": len(x),
        "k": settings.k,
        "dims": (x.shape[1], y.shape[1]),
        "compat": settings.compat,
        "checks": settings.checks,
        "ceiling": ceiling(len(x), settings.k) * settings.per_nat,
        "n_x": reading.n_x,
        "n_y": reading.n_y,
        "share_x_at_minimum": reading.share_x,
        "share_y_at_minimum": reading.share_y,
        "jittered": reading.jittered,
    }


def _checked(
    reading: Reading, x: np.ndarray, y: np.ndarray, settings: Settings
) -> tuple[list[Concern | None], Spread | None, dict[str, Any]]:
    """Concerns, standard error and details of every check asked for."""
    concerns, details = _free_checks(reading, x, y, settings)
    if settings.checks == "none":
        return concerns, None, details
    dims = details["directions"]
    draws = FULL_DRAWS if settings.checks == "full" else 1
    null = shuffled_null(_evaluate(settings), x, y, draws, settings.seed)
    details |= {"null": float(np.mean(null)), "null_draws": null}
    spread = None
    if settings.checks == "full":
        spread, found, more = _full_checks(reading, x, y, sum(dims), settings)
        concerns, details = concerns + found, details | more
    tolerance = max(spread.half_width if spread else 0.0, trust.NULL_NOISE / len(x) ** 0.5 * settings.per_nat)
    concerns.append(trust.beside_null(reading.value, details["null"], tolerance, dims))
    return concerns, spread, details


def _free_checks(
    reading: Reading, x: np.ndarray, y: np.ndarray, settings: Settings
) -> tuple[list[Concern | None], dict[str, Any]]:
    """What one evaluation already shows, beside ties, dimension, and what calibration says of dimension."""
    dims = tuple(arrays.linear_dimension(side, trust.LOW_DIMENSION) for side in (x, y))
    rows = max(arrays.share_of_repeated_rows(side) for side in (x, y))
    values = max(arrays.share_of_repeated_values(side) for side in (x, y))
    details: dict[str, Any] = {"directions": dims, "tied_rows": rows, "tied_values": values}
    top = ceiling(len(x), settings.k) * settings.per_nat
    concerns = [
        trust.near_ceiling(reading.value, top),
        trust.has_ties(rows, values, reading.jittered),
        trust.one_side_decides(reading.share_x, reading.share_y),
        trust.not_checked(settings.checks, "scale, sample size, interval"),
    ]
    dimension = trust.high_dimension((dims[0], dims[1]))
    if settings.calibrate:
        bias = matched_bias(_evaluate(settings), x, y, settings.per_nat, settings.seed)
        details["calibration"] = bias.details()
        dimension = bias.concern(reading.value, settings.units, dimension)
    return [dimension, *concerns], details


def _full_checks(
    reading: Reading, x: np.ndarray, y: np.ndarray, directions: int, settings: Settings
) -> tuple[Spread | None, list[Concern | None], dict[str, Any]]:
    """Scale, sample size and interval: about 2.5 more evaluations."""
    evaluate = _evaluate(settings)
    doubled, halved = evaluate(2 * x, y), evaluate(0.5 * x, y)
    details: dict[str, Any] = {"x_doubled": doubled, "x_halved": halved}
    spread = block_spread(evaluate, x, y, settings.seed)
    if spread is None:
        reason = f"undersampled: {len(x)} rows are too few for an interval, which takes 150"
        return None, [Concern(Trust.ORDINAL, reason)], details
    to_come = spread.still_to_come(reading.value, min(max(directions, 2), trust.LOW_DIMENSION))
    details |= {"block_mean": spread.mean, "still_to_come": to_come}
    concerns = [
        trust.moves_with_scale(reading.value, doubled, halved, spread.half_width),
        trust.moves_with_samples(reading.value, spread.mean, to_come, spread.half_width),
    ]
    return spread, concerns, details


def _evaluate(settings: Settings) -> Any:
    return lambda x, y: read(x, y, settings).value


def _nothing(x: np.ndarray, y: np.ndarray, settings: Settings, name: str) -> Estimate:
    """A constant side shares nothing with anything: known without estimating."""
    side = " and ".join(n for n, values in (("x", x), ("y", y)) if arrays.is_constant(values))
    details = {"estimator": name, "n": len(x), "k": settings.k, "dims": (x.shape[1], y.shape[1])}
    details["ceiling"] = ceiling(len(x), settings.k) * settings.per_nat
    reason = f"{side} is constant: it carries no information"
    return Estimate(0.0, settings.units, None, Trust.EXACT, (reason,), details)
