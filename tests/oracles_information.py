"""Slow obvious twins of the estimators of information, and pairs whose information is known."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import digamma
from scipy.stats import norm, rankdata


def max_norm(side: np.ndarray) -> np.ndarray:
    """All distances (n, n) between the rows of a side."""
    return np.abs(side[:, None, :] - side[None, :, :]).max(2)


def ksg_twin(x: np.ndarray, y: np.ndarray, k: int = 3) -> float:
    """Kraskov's first estimator in nats, point by point, as its Eq. 8 is written: neighbours exclude self."""
    in_x, in_y, n = max_norm(x), max_norm(y), len(x)
    total = 0.0
    for i in range(n):
        others = np.arange(n) != i
        radius = np.sort(np.maximum(in_x[i], in_y[i])[others])[k - 1]
        nearer = [np.count_nonzero(side[i][others] < radius) for side in (in_x, in_y)]
        total += digamma(nearer[0] + 1) + digamma(nearer[1] + 1)
    return float(digamma(k) + digamma(n) - total / n)


def npeet_twin(x: np.ndarray, y: np.ndarray, k: int = 3) -> float:
    """What NPEET's mi does, step by step, with numpy's global generator; in bits."""
    x = np.array([row + 1e-10 * np.random.rand(x.shape[1]) for row in x])
    y = np.array([row + 1e-10 * np.random.rand(y.shape[1]) for row in y])
    in_x, in_y, n = max_norm(x), max_norm(y), len(x)
    radius = np.sort(np.maximum(in_x, in_y), 1)[:, k]
    within = [digamma((side <= radius[:, None] - 1e-15).sum(1)).mean() for side in (in_x, in_y)]
    return float(digamma(k) + digamma(n) - within[0] - within[1]) / math.log(2)


def copula_twin(x: np.ndarray, y: np.ndarray) -> float:
    """Gaussian copula information in nats by three log-determinants, less their expected errors."""
    n = len(x)
    scores = [norm.ppf(np.column_stack([rankdata(c) for c in side.T]) / (n + 1)) for side in (x, y)]
    entropies = []
    for columns in (*scores, np.hstack(scores)):
        d = columns.shape[1]
        plug_in = np.linalg.slogdet(np.cov(columns.T).reshape(d, d))[1]
        error = sum(digamma((n - i) / 2) for i in range(1, d + 1)) + d * math.log(2 / (n - 1))
        entropies.append(0.5 * (plug_in - error))
    return float(entropies[0] + entropies[1] - entropies[2])


def hsic_twin(x: np.ndarray, y: np.ndarray) -> float:
    """The unbiased HSIC of linear kernels, as Song et al. 2012 write it (Eq. 5)."""
    k, ell, n = x @ x.T, y @ y.T, len(x)
    np.fill_diagonal(k, 0)
    np.fill_diagonal(ell, 0)
    one = np.ones(n)
    third = 2 / (n - 2) * (one @ k @ ell @ one)
    return float(
        (np.trace(k @ ell) + (one @ k @ one) * (one @ ell @ one) / ((n - 1) * (n - 2)) - third)
        / (n * (n - 3))
    )


def cka_twin(x: np.ndarray, y: np.ndarray) -> float:
    """Debiased CKA from three n by n kernels."""
    return hsic_twin(x, y) / math.sqrt(hsic_twin(x, x) * hsic_twin(y, y))


def gaussian(n: int, rho: float, d: int = 1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """d independent pairs of correlation rho: -d/2 ln(1 - rho^2) nats."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    return x, rho * x + math.sqrt(1 - rho**2) * rng.normal(size=(n, d))


def dense(n: int, d: int, rho: float = 0.5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """d + d variables that all correlate by rho."""
    rng = np.random.default_rng(seed)
    both = math.sqrt(rho) * rng.normal(size=(n, 1)) + math.sqrt(1 - rho) * rng.normal(size=(n, 2 * d))
    return both[:, :d], both[:, d:]


def gaussian_truth(rho: float, d: int = 1) -> float:
    return -d / 2 * math.log(1 - rho**2)


def additive_noise(n: int, width: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """x uniform on [0, 1], y = x + uniform on [-width, width]."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(size=(n, 1))
    return x, x + rng.uniform(-width, width, size=(n, 1))


def additive_noise_truth(width: float) -> float:
    """Entropy of the trapezium less that of the noise: h(y) is closed on both sides of width = 1/2."""
    return width + math.log(1 / (2 * width)) if width <= 0.5 else 1 / (4 * width)
