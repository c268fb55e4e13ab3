"""Mutual information by k nearest neighbours: KSG-1, plain and on z-scored columns.

Kraskov, Stoegbauer & Grassberger 2004 (arXiv cond-mat/0305641), Eq. 8, in max-norm:
I = psi(k) + psi(N) - <psi(n_x) + psi(n_y)>, n_x the points nearer in x than the k-th joint neighbour, self
included. It cannot exceed psi(N) - psi(k+1), its value for y = x + a tiny perturbation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.special import digamma

from levinthal.estimators import arrays, trust
from levinthal.estimators.calibration import matched_bias
from levinthal.estimators.evaluation import Reading, read
from levinthal.estimators.resampling import Spread, block_spread, mismatched_rows, permutations
from levinthal.estimators.settings import Settings
from levinthal.estimators.trust import Concern
from levinthal.estimators.variants import Variants
from levinthal.vocabulary import Estimate, Trust

NULL_ROWS = 1500
FACTORS = {"null": (), "full": (2.0, 0.5)}


def ksg(
    x: Float[np.ndarray, "n dx"],
    y: Float[np.ndarray, "n dy"],
    settings: Settings,
    name: str = "ksg",
    concerns: Iterable[Concern | None] = (),
    details: Mapping[str, Any] | None = None,
) -> Estimate:
    """KSG-1 of finite float64 matrices as they stand, with its checks and trust.

    Args:
        x: one side, (n, dx).
        y: the other side, (n, dy).
        settings: k, units, checks and the rest.
        name: the estimator that the details name.
        concerns: concerns that the caller already has.
        details: details that the caller adds.

    Returns:
        The estimate in `settings.units`.

    Raises:
        InputError: `calibrate` with no more rows than directions.
    """
    if settings.compat is None and (arrays.is_constant(x) or arrays.is_constant(y)):
        return _nothing(x, y, settings, name)
    variants = Variants(x, y, settings)
    reading, *others = _readings(variants)
    found, spread, more = _checked(reading, others, variants)
    word, reasons = trust.judged([*found, *concerns])
    interval = spread.around(reading.value, more["still_to_come"]) if spread else None
    every = {**_described(reading, x, y, settings, name), **(details or {}), **more}
    return Estimate(reading.value, settings.units, interval, trust=word, reasons=reasons, details=every)


def zscored_ksg(x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"], settings: Settings) -> Estimate:
    """KSG-1 after each column is brought to mean 0 and deviation 1: the scale of a column has no effect."""
    return ksg(arrays.standardised(x), arrays.standardised(y), settings, "zscored_ksg")


def ceiling(n: int, k: int) -> float:
    """The most that KSG-1 can return, in nats, for points without ties.

    >>> round(ceiling(10_000, 3), 3)
    7.954
    """
    return float(digamma(n) - digamma(k + 1))


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


def _readings(variants: Variants) -> list[Reading]:
    """The pair as it stands, then the pairs of the checks: x doubled and halved, and shuffled pairs."""
    settings, n = variants.settings, len(variants.y)
    if settings.checks == "none":
        return [read(variants.x, variants.y, settings)]
    factors = FACTORS[settings.checks]
    if _null_rows(variants) == n:
        return variants.readings(factors, permutations(n, 1, settings.seed))
    strange = mismatched_rows(n, NULL_ROWS, settings.seed)
    return [*variants.readings(factors, []), variants.paired(*strange)]


def _null_rows(variants: Variants) -> int:
    """How many rows the first null takes: all, unless the trust is limited by dimension already."""
    n, settings = len(variants.y), variants.settings
    limited = settings.checks == "full" and settings.compat is None and not settings.calibrate
    return NULL_ROWS if limited and n > NULL_ROWS and sum(variants.directions) > trust.LOW_DIMENSION else n


def _checked(
    reading: Reading, others: Sequence[Reading], variants: Variants
) -> tuple[list[Concern | None], Spread | None, dict[str, Any]]:
    """Concerns, standard error and details of every check asked for."""
    concerns, details = _free_checks(reading, variants)
    if variants.settings.checks == "none":
        return concerns, None, details
    *scaled, null = others
    spread = None
    if variants.settings.checks == "full":
        spread, found, more = _full_checks(reading, scaled, variants)
        concerns, details = concerns + found, details | more
    concern, more = _beside_null(reading, null, spread, variants)
    return [*concerns, concern], spread, details | more


def _beside_null(
    reading: Reading, null: Reading, spread: Spread | None, variants: Variants
) -> tuple[Concern | None, dict[str, Any]]:
    """The value beside shuffled pairs: more of them are read where the first leave the trust in doubt."""
    n, rows, dims, settings = len(variants.y), _null_rows(variants), variants.directions, variants.settings
    half_width = spread.half_width if spread else 0.0
    draws = [null.value]
    if rows < n and trust.null_matters(reading.value, null.value, _tolerance(half_width, rows, settings)):
        rows, draws = n, [variants.permuted(permutations(n, 1, settings.seed)[0]).value]
    tolerance = _tolerance(half_width, rows, settings)
    doubtful = settings.checks == "full" and trust.null_in_doubt(reading.value, draws[0], tolerance, dims)
    if rows == n and doubtful:
        draws.append(variants.permuted(permutations(n, 2, settings.seed)[1]).value)
    value = float(np.mean(draws))
    details = {"null": value, "null_draws": tuple(draws), "null_rows": rows}
    return trust.beside_null(reading.value, value, tolerance, dims), details


def _tolerance(half_width: float, rows: int, settings: Settings) -> float:
    """How far from 0 a null on so many rows may lie."""
    return float(max(half_width, trust.NULL_NOISE / rows**0.5 * settings.per_nat))


def _free_checks(reading: Reading, variants: Variants) -> tuple[list[Concern | None], dict[str, Any]]:
    """Checks without a further evaluation: ceiling, counts, ties, dimension; and calibration if asked for."""
    x, y, settings, dims = variants.x, variants.y, variants.settings, variants.directions
    rows = max(arrays.share_of_repeated_rows(side) for side in (x, y))
    values = max(arrays.share_of_repeated_values(side) for side in (x, y))
    details: dict[str, Any] = {"directions": dims, "tied_rows": rows, "tied_values": values}
    top = ceiling(len(x), settings.k) * settings.per_nat
    concerns = [
        trust.near_ceiling(reading.value, top),
        trust.too_few_rows(len(x), ceiling(len(x), settings.k)),
        trust.has_ties(rows, values, reading.jittered),
        trust.one_side_decides(reading.share_x, reading.share_y),
        trust.ignored_columns(x, y),
        trust.not_checked(settings.checks, "scale, sample size, interval"),
    ]
    dimension = trust.high_dimension(dims)
    if settings.calibrate:
        bias = matched_bias(lambda a, b: read(a, b, settings).value, x, y, settings.per_nat, settings.seed)
        details["calibration"] = bias.details()
        dimension = bias.concern(reading.value, settings.units, dimension)
    return [dimension, *concerns], details


def _full_checks(
    reading: Reading, scaled: Sequence[Reading], variants: Variants
) -> tuple[Spread | None, list[Concern | None], dict[str, Any]]:
    """Scale, sample size and interval."""
    doubled, halved = (other.value for other in scaled)
    details: dict[str, Any] = {"x_doubled": doubled, "x_halved": halved}
    spread = block_spread(variants.block_values, len(variants.x), variants.settings.seed)
    if spread is None:
        reason = f"undersampled: {len(variants.x)} rows are too few for an interval, which takes 150"
        return None, [Concern(Trust.ORDINAL, reason)], details
    to_come = spread.still_to_come(reading.value, min(max(sum(variants.directions), 2), trust.LOW_DIMENSION))
    details |= {"block_mean": spread.mean, "still_to_come": to_come}
    concerns = [
        trust.moves_with_scale(reading.value, doubled, halved, spread.half_width),
        trust.moves_with_samples(reading.value, spread.mean, to_come, spread.half_width),
    ]
    return spread, concerns, details


def _nothing(x: np.ndarray, y: np.ndarray, settings: Settings, name: str) -> Estimate:
    """A constant side shares no information: known without estimating."""
    sides = [n for n, values in (("x", x), ("y", y)) if arrays.is_constant(values)]
    details = {"estimator": name, "n": len(x), "k": settings.k, "dims": (x.shape[1], y.shape[1])}
    details["ceiling"] = ceiling(len(x), settings.k) * settings.per_nat
    what = f"{sides[0]} is constant" if len(sides) == 1 else "x and y are constant"
    reason = f"{what}: no information"
    return Estimate(0.0, settings.units, trust=Trust.EXACT, reasons=(reason,), details=details)
