"""Slow, obvious twins of the networks and optimisers: loops over samples, layers and numbers, in numpy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

EPS = 1e-3


def network(weights, gamma, beta, bias, x, *, shortcut, residual, statistics=None):
    """One seed's hidden activations (produced, stream), logits and batch statistics, layer by layer."""
    depth, start = len(weights) - 1, 0
    produced, streams, moments = [], [], []
    below = x
    for layer in range(1, depth + 1):
        z = below @ weights[layer - 1].T
        units = slice(start, start + z.shape[1])
        start = units.stop
        mean, var = (z.mean(0), z.var(0)) if statistics is None else [rows[units] for rows in statistics]
        a = np.tanh(gamma[units] * (z - mean) / np.sqrt(var + EPS) + beta[units])
        stream = a.copy()
        if residual and layer in range(4, depth, 2):
            stream += streams[layer - 3]
        if shortcut and layer == depth:
            stream += streams[0]
        produced.append(a)
        streams.append(stream)
        moments.append((mean, var))
        below = stream
    return produced, streams, below @ weights[-1].T + bias, moments


def cross_entropy(logits, labels):
    losses = [np.log(np.exp(row).sum()) - row[label] for row, label in zip(logits, labels, strict=True)]
    return float(np.mean(losses))


def rmsprop(w: float, slopes: list[float], lr: float, rho: float, eps: float) -> Iterator[float]:
    v = 0.0
    for g in slopes:
        v = rho * v + (1 - rho) * g * g
        w = w - lr * g / (v**0.5 + eps)
        yield w


def adam(w, slopes, lr, b1, b2, eps, *, keras) -> Iterator[float]:
    m = v = 0.0
    for t, g in enumerate(slopes, start=1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        if keras:
            w -= lr * (1 - b2**t) ** 0.5 / (1 - b1**t) * m / (v**0.5 + eps)
        else:
            w -= lr * (m / (1 - b1**t)) / ((v / (1 - b2**t)) ** 0.5 + eps)
        yield w


def sgd(w, slopes, lr, momentum, *, nesterov) -> Iterator[float]:
    """As Keras writes it: the velocity holds the rate."""
    velocity = 0.0
    for g in slopes:
        velocity = momentum * velocity - lr * g
        w += momentum * velocity - lr * g if nesterov else velocity
        yield w


def signal_to_noise(vectors) -> float:
    """||mean||^2, its noise taken off, over the variance: by its definition, pair by pair."""
    m = len(vectors)
    pairs = [vectors[i] @ vectors[j] for i in range(m) for j in range(m) if i != j]
    return float(np.mean(pairs) / vectors.var(0, ddof=1).sum())
