"""Trends and correlations over ordered or grouped runs.

jonckheere             does the value rise with the order of the groups?
grouped_spearman       correlation within groups, across them, and pooled
rank_correlation       correlation of two curves, where some values may be missing
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import special

from levinthal.errors import InputError
from levinthal.lab.judging.statistics import Hypothesis, finite

MOST_STATES = 5000


@dataclass(frozen=True, slots=True)
class GroupedCorrelation:
    """Spearman's rho inside each group, of the groups' means, and of all points pooled."""

    within: Mapping[str, float]
    across: float
    pooled: float

    @property
    def typical(self) -> float:
        """The median of the correlations within groups; NaN when there is none."""
        values = [rho for rho in self.within.values() if not math.isnan(rho)]
        return float(np.median(values)) if values else math.nan

    @property
    def paradox(self) -> bool:
        """Whether pooling turns the sign round (Simpson's paradox)."""
        return self.typical * self.pooled < 0


def jonckheere(groups: Sequence[Sequence[float]], *, falling: bool = False) -> Hypothesis:
    """Jonckheere-Terpstra: do values rise (or fall) with the order of the groups? One-sided, ties count half.

    J counts the pairs from two groups that rise; `effect` = J / pairs, 0.5 when there is no trend. Exact
    permutation distribution, given the ties, where it is small; else the normal law with the ties' variance
    (Hollander & Wolfe 1999, sec. 6.2). For arms paired by seed, scipy.stats.page_trend_test is sharper.

    >>> jonckheere([[1.0, 2.0], [3.0, 4.0]]).p_value == 1 / 6  # one of the 4! / (2! 2!) arrangements
    True
    """
    ordered = [finite(group) for group in (reversed(groups) if falling else groups)]
    if len(ordered) < 2 or min(map(len, ordered)) == 0:
        raise InputError(f"a trend needs 2 groups with values or more; got sizes {[len(g) for g in ordered]}")
    sizes = [len(group) for group in ordered]
    doubled = sum(_doubled_wins(a, b) for j, b in enumerate(ordered) for a in ordered[:j])
    pairs = (sum(sizes) ** 2 - sum(n * n for n in sizes)) // 2
    ties = np.unique(np.concatenate(ordered), return_counts=True)[1]
    exact = math.prod(n + 1 for n in sizes) <= MOST_STATES
    p = _exact_tail(sizes, ties, doubled) if exact else _normal_tail(sizes, ties, doubled / 2 - pairs / 2)
    method = "exact permutation" if exact else "normal approximation"
    return Hypothesis(doubled / 2, p, doubled / 2 / pairs, method)


def _doubled_wins(lower: Float[np.ndarray, " a"], upper: Float[np.ndarray, " b"]) -> int:
    return int(np.sum(np.sign(upper[:, None] - lower[None, :]) + 1))


def _exact_tail(sizes: Sequence[int], ties: np.ndarray, doubled: int) -> float:
    """P(2J >= doubled): assign values to groups in rising order, ties as one block, and count the ways."""
    width = int(sum(sizes) ** 2 - sum(n * n for n in sizes)) + 1
    ways = {(0,) * len(sizes): np.eye(1, width)[0]}
    for block in ties:
        following: dict[tuple[int, ...], np.ndarray] = {}
        for taken, counts in ways.items():
            for share in _shares(int(block), [n - t for n, t in zip(sizes, taken, strict=True)]):
                gain = sum(s * (2 * sum(taken[:j]) + sum(share[:j])) for j, s in enumerate(share))
                grown = tuple(t + s for t, s in zip(taken, share, strict=True))
                target = following.setdefault(grown, np.zeros(width))
                target[gain:] += counts[: width - gain] * _arrangements(share)
        ways = following
    final = ways[tuple(sizes)]
    return float(final[doubled:].sum() / final.sum())


def _shares(block: int, room: Sequence[int]) -> list[tuple[int, ...]]:
    """Every way to distribute a block of ties over the groups that are not full."""
    if len(room) == 1:
        return [(block,)] if block <= room[0] else []
    return [(s, *rest) for s in range(min(block, room[0]) + 1) for rest in _shares(block - s, room[1:])]


def _arrangements(share: Sequence[int]) -> float:
    return math.factorial(sum(share)) / math.prod(math.factorial(s) for s in share)


def _normal_tail(sizes: Sequence[int], ties: np.ndarray, excess: float) -> float:
    """P(J >= observed) by the normal law, J - E J = excess, continuity-corrected by one half."""
    n, m, t = np.array([sum(sizes)]), np.array(sizes), np.array(ties)

    def moment(k: int) -> float:
        return _falling(m, k) * _falling(t, k) / _falling(n, k)

    def spread(x: np.ndarray) -> float:
        return float(np.sum(x * (x - 1.0) * (2 * x + 5)))

    variance = (spread(n) - spread(m) - spread(t)) / 72 + moment(3) / 36 + moment(2) / 8
    return float(special.ndtr((0.5 - excess) / math.sqrt(variance))) if variance > 0 else 1.0


def _falling(x: np.ndarray, k: int) -> float:
    """Sum over x of x (x-1) ... (x-k+1)."""
    return float(np.sum(np.prod([x - float(i) for i in range(k)], axis=0)))


def grouped_spearman(x: Sequence[float], y: Sequence[float], groups: Sequence[str]) -> GroupedCorrelation:
    """Spearman's rho within each group, across the groups' means, and pooled: they may disagree.

    A group of fewer than three points, or without spread, has rho NaN.

    >>> c = grouped_spearman([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [3.0, 2.0, 1.0, 6.0, 5.0, 4.0], list("aaabbb"))
    >>> c.within["a"], round(c.pooled, 2), c.paradox
    (-1.0, 0.54, True)
    """
    if not len(x) == len(y) == len(groups):
        raise InputError(f"x, y and groups must pair up; got {len(x)}, {len(y)} and {len(groups)} values")
    a, b, names = finite(x), finite(y), np.asarray(groups)
    masks = {str(name): names == name for name in sorted(set(groups))}
    means = np.array([[a[m].mean(), b[m].mean()] for m in masks.values()]).reshape(-1, 2)
    within = {name: _rho(a[m], b[m]) for name, m in masks.items()}
    return GroupedCorrelation(within, _rho(means[:, 0], means[:, 1]), _rho(a, b))


def rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's rank correlation over the pairs that are finite; 0 where a side is constant, nan below 3.

    >>> rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 1.0]))
    0.0
    """
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if len(x) < 3:
        return math.nan
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return round(_spearman(x, y), 12)


def _rho(a: Float[np.ndarray, " n"], b: Float[np.ndarray, " n"]) -> float:
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return math.nan
    return _spearman(a, b)


def _spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation of the ranks."""
    ranks = np.column_stack([_ranks(a), _ranks(b)])
    return float(np.corrcoef(ranks, rowvar=False)[1, 0])


def _ranks(x: np.ndarray) -> Float[np.ndarray, " n"]:
    """Ranks from 1; ties have the mean of their ranks."""
    _, place, counts = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place.reshape(-1)])
