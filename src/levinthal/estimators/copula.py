"""Mutual information of a Gaussian copula: fast in hundreds of dimensions, blind beyond."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtri

from levinthal.errors import InputError
from levinthal.estimators import arrays, trust
from levinthal.estimators.canonical import (
    Canonical,
    canonical,
    gaussian_bias,
    gaussian_information,
    principal_axes,
)
from levinthal.estimators.evaluation import read
from levinthal.estimators.resampling import shuffled_null
from levinthal.estimators.settings import Settings
from levinthal.estimators.trust import Concern
from levinthal.vocabulary import Estimate, Interval, Trust

METHOD = "normal, delta method: variance = sum of squared canonical correlations / N; sampling error only"
FULL_DRAWS = 2
ODD = 3.0
PAIRS = 3
SMALL_BIAS = 0.05
ENOUGH_ROWS, SOME_ROWS = 50, 10


def copula(x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"], settings: Settings) -> Estimate:
    """Information of the Gaussian with the data's rank correlations, less the bias of N rows.

    Each column becomes normal scores Phi^-1(rank / (N + 1)); then -1/2 sum ln(1 - rho_i^2) over the canonical
    correlations, less `gaussian_bias` (Ince et al. 2017, Hum. Brain Mapp. 38:1541). It depends on
    ranks alone, so no monotone map of a column moves it. A dependence that is not a Gaussian copula may be
    missed or misread.
    Raises InputError where N does not exceed the independent directions of both sides.
    """
    scores_x, scores_y = _normal_scores(x), _normal_scores(y)
    if arrays.is_constant(x) or arrays.is_constant(y):
        reason = "a side is constant: it carries no information"
        return Estimate(
            0.0,
            settings.units,
            trust=Trust.EXACT,
            reasons=(reason,),
            details={"estimator": "copula", "n": len(x)},
        )
    fit = _fitted(scores_x, scores_y)
    value = _corrected(fit, len(x)) * settings.per_nat
    concerns, details = _checks(fit, scores_x, scores_y, settings)
    concerns += [_perfect(value), _few_rows(len(x)), trust.ignored_columns(x, y)]
    concerns.append(trust.has_ties(0.0, max(arrays.share_of_repeated_values(side) for side in (x, y)), False))
    word, reasons = trust.judged(concerns)
    interval = _interval(value, fit, len(x), settings.per_nat) if math.isfinite(value) else None
    details |= {"dims": (x.shape[1], y.shape[1])}
    return Estimate(value, settings.units, interval, trust=word, reasons=reasons, details=details)


def _normal_scores(side: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Phi^-1(rank / (N + 1)), ties sharing their mean rank: multiples of 1/2, so a table does it."""
    table = ndtri(np.arange(2 * len(side) + 2) / (2 * (len(side) + 1)))
    return np.asarray(np.column_stack([table[_doubled_ranks(column)] for column in side.T]), np.float64)


def _doubled_ranks(values: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Twice the rank, 1 to N, of each value; ties share their mean rank."""
    ordered = np.sort(values)
    return np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right") + 1


def _fitted(x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"]) -> Canonical:
    fit = canonical(x, y)
    if sum(fit.ranks) >= len(x) - 1:
        raise InputError(
            f"a Gaussian copula of {fit.ranks[0]} + {fit.ranks[1]} directions needs more rows than that; got "
            f"{len(x)}: pass more samples or estimator='pca_ksg'"
        )
    return fit


def _corrected(fit: Canonical, n: int) -> float:
    return gaussian_information(fit.correlations) - gaussian_bias(n, *fit.ranks)


def _interval(value: float, fit: Canonical, n: int, per_nat: float) -> Interval:
    """Var of -1/2 ln(1 - r^2) is rho^2 / N; the second term is what remains where all rho are 0."""
    rx, ry = fit.ranks
    variance = float((fit.correlations**2).sum()) / n + rx * ry / (2 * n**2)
    half = float(ndtri(0.975)) * math.sqrt(variance) * per_nat
    return Interval(value - half, value + half, 0.95, METHOD)


def _checks(
    fit: Canonical, x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"], settings: Settings
) -> tuple[list[Concern | None], dict[str, Any]]:
    n, (rx, ry) = len(x), fit.ranks
    details: dict[str, Any] = {
        "estimator": "copula",
        "n": n,
        "directions": (rx, ry),
        "checks": settings.checks,
    }
    details["bias_removed"] = gaussian_bias(n, rx, ry) * settings.per_nat
    concerns = [trust.not_checked(settings.checks, "whether the dependence is Gaussian")]
    if settings.checks != "none":
        draws = FULL_DRAWS if settings.checks == "full" else 1
        null = shuffled_null(lambda a, b: _corrected(canonical(a, b), n), x, y, draws, settings.seed)
        details["null"] = float(np.mean(null)) * settings.per_nat
    if settings.checks == "full":
        details["kurtosis_z"] = odd = _kurtosis_z(np.hstack([x, y]))
        concerns += [_not_gaussian(odd), _beside_ksg(fit, x, y, settings)]
    return concerns, details


def _kurtosis_z(scores: Float[np.ndarray, "n d"]) -> float:
    """Mardia's multivariate kurtosis in units of its deviation under a Gaussian (Biometrika 57:519, 1970)."""
    n = len(scores)
    centred = scores - scores.mean(0)
    axes = principal_axes(centred.T @ centred / n)
    d = len(axes.deviations)
    squared = (((centred @ axes.directions) / axes.deviations) ** 2).sum(1)
    expected = d * (d + 2) * (n - 1) / (n + 1)
    variance = 8 * d * (d + 2) * (n - 3) * (n - d - 1) * (n - d + 1) / ((n + 1) ** 2 * (n + 3) * (n + 5))
    return float((squared @ squared / n - expected) / math.sqrt(variance))


def _not_gaussian(odd: float) -> Concern | None:
    if abs(odd) <= ODD:
        return None
    reason = (
        f"not a Gaussian copula: Mardia's kurtosis is {odd:+.1f} deviations off; other dependence is misread"
    )
    return Concern(Trust.ORDINAL, reason)


def _beside_ksg(
    fit: Canonical, x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"], settings: Settings
) -> Concern | None:
    """The leading pairs of canonical variates, read by KSG, which takes no shape for granted."""
    tolerance = trust.NULL_NOISE / math.sqrt(len(x)) * settings.per_nat
    u, v = fit.variates(x, y, PAIRS)
    for i in range(u.shape[1]):
        seen = gaussian_information(fit.correlations[i : i + 1]) * settings.per_nat
        read_by_ksg = read(u[:, i : i + 1], v[:, i : i + 1], settings).value
        if abs(read_by_ksg - seen) > tolerance + SMALL_BIAS * seen:
            says = f"KSG reads {read_by_ksg:.3g} between a canonical pair where a Gaussian holds {seen:.3g}"
            return Concern(Trust.ORDINAL, f"not a Gaussian copula: {says}")
    return None


def _few_rows(n: int) -> Concern | None:
    """The interval rests on a normal error, which takes some fifty rows."""
    if n >= ENOUGH_ROWS:
        return None
    word = Trust.UNRELIABLE if n < SOME_ROWS else Trust.ORDINAL
    return Concern(word, f"undersampled: {n} rows are too few for this interval, which takes {ENOUGH_ROWS}")


def _perfect(value: float) -> Concern | None:
    if math.isfinite(value):
        return None
    return Concern(
        Trust.UNRELIABLE,
        "deterministic map: a direction of y is a linear function of x (correlation 1 to 9 digits), so the "
        "Gaussian value is infinite",
    )
