"""Canonical correlations, and the mutual information of Gaussians, which is a function of them alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import digamma

SAME_DIRECTION = 1e-10
PERFECT = 1.0 - 1e-9


@dataclass(frozen=True, slots=True)
class Axes:
    """Principal axes of a side: deviations (r,), orthonormal directions (d, r); null ones dropped."""

    deviations: Float[np.ndarray, " r"]
    directions: Float[np.ndarray, "d r"]

    def whitened(self, side: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n r"]:
        """The side on these axes, each at deviation 1."""
        return np.asarray((side - side.mean(0)) @ self.directions / self.deviations)


@dataclass(frozen=True, slots=True)
class Canonical:
    """How two sides correlate: `left` (rx, m), `correlations` (m,), `right` (m, ry), on the axes of each."""

    x: Axes
    y: Axes
    left: Float[np.ndarray, "rx m"]
    correlations: Float[np.ndarray, " m"]
    right: Float[np.ndarray, "m ry"]

    def variates(
        self, x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"], count: int
    ) -> tuple[Float[np.ndarray, "n c"], Float[np.ndarray, "n c"]]:
        """The leading `count` pairs of variates of these sides, at deviation 1."""
        white_x, white_y = self.x.whitened(x), self.y.whitened(y)
        return white_x @ self.left[:, :count], white_y @ self.right[:count].T

    @property
    def ranks(self) -> tuple[int, int]:
        """Independent directions of each side."""
        return len(self.x.deviations), len(self.y.deviations)


def principal_axes(covariance: Float[np.ndarray, "d d"]) -> Axes:
    """Axes of a covariance, largest first; a variance below 1e-10 of the largest is rounding, and dropped.

    >>> principal_axes(np.diag([4.0, 9.0, 0.0])).deviations.tolist()
    [3.0, 2.0]
    """
    variances, directions = np.linalg.eigh(covariance)
    kept = variances > SAME_DIRECTION * max(variances[-1], 0.0)
    return Axes(np.sqrt(variances[kept])[::-1], directions[:, kept][:, ::-1])


def canonical(x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"]) -> Canonical:
    """Canonical correlations of two sides (Hotelling 1936), invariant under any linear map of either.

    >>> x = np.array([[0.0], [1.0], [2.0], [4.0]])
    >>> canonical(x, 3 - 2 * x).correlations.round(12).tolist()
    [1.0]
    """
    x, y = x - x.mean(0), y - y.mean(0)
    n = len(x)
    a, b = principal_axes(x.T @ x / n), principal_axes(y.T @ y / n)
    white_x, white_y = a.directions / a.deviations, b.directions / b.deviations
    left, correlations, right = np.linalg.svd(white_x.T @ (x.T @ y / n) @ white_y, full_matrices=False)
    return Canonical(a, b, left, np.minimum(correlations, 1.0), right)


def gaussian_information(correlations: Float[np.ndarray, " m"]) -> float:
    """-1/2 sum ln(1 - rho^2), in nats: exact for Gaussians; infinite for a perfect correlation.

    >>> round(gaussian_information(np.array([0.75])), 6), gaussian_information(np.array([1.0]))
    (0.413339, inf)
    """
    if len(correlations) and correlations.max() > PERFECT:
        return float("inf")
    return float(-0.5 * np.log1p(-(correlations**2)).sum())


def gaussian_bias(n: int, dx: int, dy: int) -> float:
    """What n Gaussian rows add to the plug-in value, in nats, whatever the correlations; n > dx + dy.

    E ln|S| = ln|Sigma| + sum_i psi((n - i)/2) + d ln(2/(n-1)) (Goodman 1963; Ince et al. 2017, Hum. Brain
    Mapp. 38:1541, Sec. 2.3), once for x, once for y, once for both.

    >>> round(gaussian_bias(10_000, 200, 200), 2)
    2.04
    """

    def log_determinant(d: int) -> float:
        return float(digamma((n - np.arange(1, d + 1)) / 2).sum())

    return 0.5 * (log_determinant(dx) + log_determinant(dy) - log_determinant(dx + dy))
