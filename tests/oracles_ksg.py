"""Slow, obvious twins of KSG-1 neighbour counting."""

from __future__ import annotations

import numpy as np
from scipy.special import digamma
from sklearn.neighbors import BallTree


def brute_counts(
    x: np.ndarray, y: np.ndarray, k: int, *, npeet: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs at once: radius, n_x, n_y."""
    in_x = np.abs(x[:, None, :] - x[None, :, :]).max(axis=2, initial=0.0)
    in_y = np.abs(y[:, None, :] - y[None, :, :]).max(axis=2, initial=0.0)
    joint = np.maximum(in_x, in_y)
    np.fill_diagonal(joint, np.inf)
    radius = np.sort(joint, axis=1)[:, k - 1]
    if npeet:
        limit = (radius - 1e-15)[:, None]
        return radius, (in_x <= limit).sum(axis=1), (in_y <= limit).sum(axis=1)
    others = ~np.eye(len(x), dtype=bool)
    n_x = 1 + (others & (in_x < radius[:, None])).sum(axis=1)
    n_y = 1 + (others & (in_y < radius[:, None])).sum(axis=1)
    return radius, n_x, n_y


def ball_tree_counts(
    x: np.ndarray, y: np.ndarray, k: int, *, npeet: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What NPEET computes, on the same trees: radius, n_x, n_y."""
    joint = np.hstack([x, y])
    radius = BallTree(joint, metric="chebyshev").query(joint, k=k + 1)[0][:, k]
    limit = radius - 1e-15 if npeet else np.nextafter(radius, -np.inf)
    n_x, n_y = (
        BallTree(values, metric="chebyshev").query_radius(values, limit, count_only=True) for values in (x, y)
    )
    return (radius, n_x, n_y) if npeet else (radius, np.maximum(n_x, 1), np.maximum(n_y, 1))


def ksg_nats(k: int, n_x: np.ndarray, n_y: np.ndarray) -> float:
    """KSG-1 from the counts, self included, in nats."""
    return float(digamma(k) + digamma(len(n_x)) - digamma(n_x).mean() - digamma(n_y).mean())
