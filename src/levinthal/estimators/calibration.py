"""Calibration: the same estimator on a Gaussian similar to the data, whose information is known exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq

from levinthal.errors import InputError
from levinthal.estimators.canonical import Axes, Canonical, canonical, gaussian_bias, gaussian_information
from levinthal.estimators.resampling import Evaluate
from levinthal.estimators.trust import Concern
from levinthal.vocabulary import Trust

SMALL_BIAS = 0.05
SIMILAR = 2.0
STRONGEST = 1.0 - 1e-6


@dataclass(frozen=True, slots=True)
class MatchedBias:
    """The estimator's value on the matched Gaussian, and the truth there."""

    truth: float
    value: float

    def details(self) -> dict[str, Any]:
        """For the estimate's details."""
        return {"truth": self.truth, "value": self.value, "bias": self.value - self.truth}

    def concern(self, value: float, units: str, dimension: Concern | None) -> Concern | None:
        """The result of calibration, in place of the concern about dimension."""
        bias = self.value - self.truth
        says = (
            f"a Gaussian of the same N, dimensions and spectra, truth {self.truth:.3g}, read {self.value:.3g}"
        )
        if abs(bias) > SMALL_BIAS * max(abs(self.truth), abs(self.value)):
            return Concern(Trust.ORDINAL, f"dimension: {says}: bias {bias:+.3g} {units}")
        if dimension and not (1 / SIMILAR < value / self.value < SIMILAR):
            return Concern(
                Trust.ORDINAL, f"{dimension.reason}; {says}, too far from {value:.3g} to confirm it"
            )
        return Concern(Trust.CALIBRATED, f"{says}: bias {bias:+.3g} {units}")


def matched_bias(
    evaluate: Evaluate, x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"], per_nat: float, seed: int
) -> MatchedBias:
    """Run `evaluate` on one Gaussian draw with the data's N, dimensions, spectra and canonical axes.

    The sample's canonical correlations are inflated by noise: they are shrunk by one common factor until the
    information of the Gaussian is the data's own Gaussian information, corrected for bias.
    """
    fit = canonical(x, y)
    if sum(fit.ranks) >= len(x) - 1:
        raise InputError(
            f"calibrate=True fits a Gaussian and needs more rows than directions; got {len(x)} rows for "
            f"{fit.ranks[0]} + {fit.ranks[1]}: pass more samples or estimator='pca_ksg'"
        )
    correlations = _shrunk(np.minimum(fit.correlations, STRONGEST), gaussian_bias(len(x), *fit.ranks))
    like_x, like_y = _draw(fit, correlations, len(x), np.random.default_rng((seed, 5)))
    return MatchedBias(gaussian_information(correlations) * per_nat, evaluate(like_x, like_y))


def _shrunk(correlations: Float[np.ndarray, " m"], bias: float) -> Float[np.ndarray, " m"]:
    """The correlations times one factor, so that their information is less by the bias (at least 0)."""
    target = gaussian_information(correlations) - bias
    if target <= 0:
        return np.zeros_like(correlations)
    factor = float(brentq(lambda f: gaussian_information(f * correlations) - target, 0.0, 1.0))
    return np.asarray(factor * correlations)


def _draw(
    fit: Canonical, correlations: Float[np.ndarray, " m"], n: int, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "n dx"], Float[np.ndarray, "n dy"]]:
    white_x, white_y = (rng.standard_normal((n, rank)) for rank in fit.ranks)
    shared = white_x @ fit.left
    own = white_y - (white_y @ fit.right.T) @ fit.right
    mixed = correlations * shared + np.sqrt(1 - correlations**2) * (white_y @ fit.right.T)
    return _on_axes(white_x, fit.x), _on_axes(own + mixed @ fit.right, fit.y)


def _on_axes(white: Float[np.ndarray, "n r"], axes: Axes) -> Float[np.ndarray, "n d"]:
    return np.asarray((white * axes.deviations) @ axes.directions.T)
