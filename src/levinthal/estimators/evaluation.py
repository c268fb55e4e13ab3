"""One evaluation of KSG-1: from neighbour counts to a value in the unit asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import digamma

from levinthal.estimators.neighbours import NeighbourCounts, count_neighbours
from levinthal.estimators.settings import Settings

NPEET_NOISE = 1e-10
JITTER = 1e-10


@dataclass(frozen=True, slots=True)
class Reading:
    """One evaluation of KSG-1: the value in the unit asked for, and what the counts were."""

    value: float
    n_x: float
    n_y: float
    share_x: float
    share_y: float
    jittered: bool


def read(x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"], settings: Settings) -> Reading:
    """One evaluation; points are jittered only where more than k of them coincide in x and y."""
    return reading_of(*_counts(x, y, settings), settings)


def reading_of(counts: NeighbourCounts, jittered: bool, settings: Settings) -> Reading:
    """The value that follows from the counts (Kraskov et al. 2004, Eq. 8)."""
    n, k = len(counts.radius), settings.k
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
