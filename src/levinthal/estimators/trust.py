"""From evidence to trust: the concerns that lower the trust in an estimate, and the reasons beside it.

Four words. `exact`: true whatever the data (a constant carries nothing). `calibrated`: right within its
interval wherever we know the truth. `ordinal`: more means more, at the same N, k, scale and dimension.
`unreliable`: not even that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from levinthal.estimators.arrays import constant_columns
from levinthal.vocabulary import Trust

ORDER = tuple(Trust)
LOW_DIMENSION = 6
NEAR_CEILING = 0.8
MOST = 0.5
MANY_TIES = 0.01
MANY_REPEATS = 0.1
DRIFT_ALLOWED = 2.0
NULL_NOISE = 3.0  # KSG of independent pairs scatters by about 1 / sqrt(N) nats in one and one dimension


@dataclass(frozen=True, slots=True)
class Concern:
    """The best word still allowed, and why."""

    word: Trust
    reason: str


def judged(concerns: Iterable[Concern | None]) -> tuple[Trust, tuple[str, ...]]:
    """The worst word of all concerns (`calibrated` if there is none) and the reasons, worst first.

    >>> judged([Concern(Trust.ORDINAL, "dimension"), None, Concern(Trust.UNRELIABLE, "ceiling")])
    (<Trust.UNRELIABLE: 'unreliable'>, ('ceiling', 'dimension'))
    """
    real = sorted((c for c in concerns if c is not None), key=lambda c: -ORDER.index(c.word))
    return (real[0].word if real else Trust.CALIBRATED), tuple(dict.fromkeys(c.reason for c in real))


def near_ceiling(value: float, ceiling: float) -> Concern | None:
    """A value over 0.8 of the most that the estimator can say is a bound on the truth, not the truth."""
    if not value > NEAR_CEILING * ceiling:
        return None
    share = f"{value / ceiling:.2f} of it" if ceiling > 0 else "above it"
    reason = f"ceiling: this estimator cannot exceed {ceiling:.3g} here and stands at {share}"
    return Concern(Trust.UNRELIABLE, f"{reason}; a deterministic map, whose true value is infinite, looks so")


def too_few_rows(n: int, ceiling: float) -> Concern | None:
    """Where even the ceiling (nats) lies within the scatter of independent pairs, no value says anything."""
    if ceiling >= NULL_NOISE / n**0.5:
        return None
    return Concern(
        Trust.UNRELIABLE,
        f"undersampled: {n} rows, on which the estimator's ceiling of {ceiling:.2g} nats is less than the "
        f"scatter of independent pairs, {NULL_NOISE / n**0.5:.2g} nats",
    )


def ignored_columns(x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"]) -> Concern | None:
    """Constant columns carry no information and move no neighbour: a note, which lowers no trust."""
    shown = [
        f"{constant_columns(side)} of the {side.shape[1]} columns of {name}"
        for name, side in (("x", x), ("y", y))
        if constant_columns(side)
    ]
    if not shown:
        return None
    reason = f"constant columns: {' and '.join(shown)}, which carry no information and are ignored"
    return Concern(Trust.CALIBRATED, reason)


def high_dimension(dims: tuple[int, int], limit: int = LOW_DIMENSION) -> Concern | None:
    """Neighbours resolve information only if N is exponential in it (Gao et al. 2015, arXiv 1411.2003)."""
    if sum(dims) <= limit:
        return None
    return Concern(
        Trust.ORDINAL,
        f"dimension: at least {dims[0]} + {dims[1]} independent directions, where neighbours are far and the "
        "value is too small by an unknown amount",
    )


def one_side_decides(share_x: float, share_y: float) -> Concern | None:
    """Most counts at their minimum: on one side, it alone picked the neighbours; on both, they are a map."""
    (share, side), (other, _) = sorted(((share_x, "x"), (share_y, "y")), reverse=True)
    if share <= MOST:
        return None
    at_minimum = f"the {side}-count of {share:.0%} of the points is at its minimum"
    if other < share / 2:
        return Concern(Trust.ORDINAL, f"scale-driven: {at_minimum}, so {side} alone picks their neighbours")
    reason = f"deterministic map: {at_minimum}, and {other:.0%} of the other side's"
    return Concern(Trust.ORDINAL, f"{reason}, as where one side fixes the other")


def moves_with_scale(value: float, doubled: float, halved: float, tolerance: float) -> Concern | None:
    """Scaling one side leaves the true information unchanged."""
    worst = max((doubled, halved), key=lambda other: abs(other - value))
    if abs(worst - value) <= tolerance:
        return None
    how = "doubled" if worst == doubled else "halved"
    return Concern(
        Trust.ORDINAL,
        f"scale-driven: {value:.3g} becomes {worst:.3g} if x is {how}, which leaves the truth unchanged",
    )


def moves_with_samples(value: float, fewer: float, to_come: float, tolerance: float) -> Concern | None:
    """A value that still moves with N has not converged (Holmes & Nemenman 2019, arXiv 1903.09280).

    The interval is widened by the drift that remains, as far as that is at most twice the tolerance.
    """
    if abs(to_come) <= DRIFT_ALLOWED * tolerance:
        return None
    reason = f"undersampled: small blocks read {fewer:.3g}, all samples {value:.3g}"
    return Concern(Trust.ORDINAL, f"{reason}, and about {to_come:+.2g} is still to come")


def null_in_doubt(value: float, null: float, tolerance: float, dims: tuple[int, int]) -> bool:
    """Whether the null lies so near a threshold of `beside_null` that one shuffle does not settle it.

    One shuffle scatters by at most about a third of the tolerance in few dimensions, by more in many.

    >>> null_in_doubt(3.0, 0.001, 0.1, (50, 50)), null_in_doubt(0.0, 0.001, 0.1, (50, 50))
    (False, True)
    """
    near_tolerance = abs(abs(null) - tolerance) <= tolerance / 2
    near_null = sum(dims) > LOW_DIMENSION and abs(value - null - tolerance) <= 2 * tolerance
    return near_tolerance or near_null


def null_matters(value: float, null: float, tolerance: float) -> bool:
    """Whether a null on some of the rows, in many dimensions, would add a concern or nearly so.

    >>> null_matters(3.0, 0.01, 0.1), null_matters(3.0, 0.2, 0.1), null_matters(0.2, 0.01, 0.1)
    (False, True, True)
    """
    return abs(null) > tolerance or value <= null + 3 * tolerance


def beside_null(value: float, null: float, tolerance: float, dims: tuple[int, int]) -> Concern | None:
    """Shuffled pairs share no information: their value is bias, and a value no larger carries no evidence."""
    if abs(null) > tolerance:
        return Concern(Trust.ORDINAL, f"undersampled: shuffled pairs, which share nothing, read {null:.3g}")
    if value <= null + tolerance and sum(dims) > LOW_DIMENSION:
        return Concern(
            Trust.UNRELIABLE,
            f"dimension: no more than shuffled pairs read ({null:.3g}), which here does not mean zero",
        )
    return None


def has_ties(rows: float, values: float, jittered: bool) -> Concern | None:
    """kNN estimators are derived for densities: repeated values have none."""
    if jittered:
        reason = f"discrete data: ties, {rows:.0%} of the rows of one side repeat another"
        return Concern(Trust.ORDINAL, f"{reason}; noise of 1e-10 of the range separated them")
    if rows > MANY_TIES:
        return Concern(
            Trust.ORDINAL, f"discrete data: ties, {rows:.1%} of the rows of one side repeat another"
        )
    if values > MANY_REPEATS:
        return Concern(
            Trust.ORDINAL, f"discrete data: {values:.0%} of the values repeat another of their column"
        )
    return None


def not_checked(checks: str, left_out: str) -> Concern | None:
    """A property that was not checked limits the trust."""
    if checks == "full":
        return None
    return Concern(Trust.ORDINAL, f"not checked: {left_out} (checks='{checks}')")
