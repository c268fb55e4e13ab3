"""Linear centred kernel alignment: how similar two representations are, up to rotation and scale."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from levinthal.arguments import flag
from levinthal.errors import InputError
from levinthal.estimators.arrays import Array, is_constant, paired
from levinthal.estimators.resampling import shuffled_null
from levinthal.estimators.settings import Settings
from levinthal.estimators.trust import Concern, judged, not_checked
from levinthal.vocabulary import Estimate, Interval, Trust

METHOD = "normal, delta method over rows, with the spread of the shuffled null"
DRAWS = {"none": 0, "null": 1, "full": 10}


def cka(x: Array, y: Array, *, debiased: bool = True, checks: str = "full", seed: int = 0) -> Estimate:
    """Linear centred kernel alignment: the similarity of two representations, 1 for a rotated copy.

    CKA = HSIC(x, y) / sqrt(HSIC(x, x) HSIC(y, y)) (Kornblith et al. 2019, arXiv 1905.00414, Eq. 3). It is
    invariant under rotation, translation and scaling of either side. It is not an information: a nonlinear
    copy may read 0.

    Args:
        x: one side, (N, dx) or (N,): a floating torch tensor of any device, a numpy array, or a list of
            numbers or rows.
        y: the other side, (N, dy) or (N,).
        debiased: use the unbiased HSIC (Song et al. 2012, JMLR 13:1393, Eq. 5). The plain one rates unrelated
            layers as wide as N as similar.
        checks: "none"; "null" adds one shuffled pair; "full" adds ten, and the interval.
        seed: drives the shuffles.

    Returns:
        The similarity, without unit, with its 95 % interval (`checks="full"`; delta method) and its trust.

    Raises:
        InputError: unequal rows or fewer than 4, values that are not finite, a constant side, or an argument
            of the wrong type.

    >>> x = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 1.0], [1.0, 4.0], [2.0, 2.0]])
    >>> round(float(cka(x, 5 - 2 * x[:, ::-1])), 12)
    1.0
    """
    settings, debiased = Settings(checks=checks, seed=seed), flag("debiased", debiased)
    left, right = (_centred(side, name) for side, name in zip(paired(x, y, rows=4), "xy", strict=True))
    value = _alignment(left, right, debiased)
    null = shuffled_null(
        lambda a, b: _alignment(a, b, debiased), left, right, DRAWS[settings.checks], settings.seed
    )
    interval = _interval(value, left, right, null) if checks == "full" else None
    word, reasons = judged([_small(len(left), debiased), not_checked(checks, "null and interval")])
    details = {
        "estimator": "cka",
        "n": len(left),
        "dims": (left.shape[1], right.shape[1]),
        "debiased": debiased,
    }
    if null:
        details["null"] = float(np.mean(null))
    return Estimate(
        value,
        "",
        interval,
        trust=word,
        reasons=("a similarity, not an information", *reasons),
        details=details,
    )


def _centred(side: Float[np.ndarray, "n d"], name: str) -> Float[np.ndarray, "n d"]:
    """The side around its mean, at a scale whose fourth power neither overflows nor vanishes."""
    if is_constant(side):
        raise InputError(f"{name} is constant, which CKA cannot compare with anything: drop it or its layer")
    centred: np.ndarray = side - side.mean(0)
    centred /= np.abs(centred).max()
    return centred


def _alignment(x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"], debiased: bool) -> float:
    own = _hsic(x, x, debiased) * _hsic(y, y, debiased)
    if own <= 0:
        raise InputError("debiased CKA divides by a self-alignment that came out as 0: pass more samples")
    return _hsic(x, y, debiased) / math.sqrt(own)


def _hsic(x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"], debiased: bool) -> float:
    """n (n-3) times the unbiased HSIC of linear kernels, or |x'y|^2, from centred features in O(n dx dy).

    With K = xx' and L = yy' centred, row sums vanish, so that Song's Eq. 5 needs only their diagonals:
    tr KL - n/(n-2) sum k_ii l_ii + tr K tr L / ((n-1)(n-2)).
    """
    n = len(x)
    shared = float(np.square(x.T @ y).sum())
    if not debiased:
        return shared
    k, ell = np.square(x).sum(1), np.square(y).sum(1)
    return shared - n / (n - 2) * float(k @ ell) + float(k.sum() * ell.sum()) / ((n - 1) * (n - 2))


def _interval(
    value: float, x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"], null: tuple[float, ...]
) -> Interval:
    """Each row's share in the three sums gives their joint variance to first order (Hoeffding 1948)."""
    shared = _row_shares(x, y)
    own_x, own_y = _row_shares(x, x), _row_shares(y, y)
    scale = math.sqrt(own_x.mean() * own_y.mean())
    influence = 2 * (shared / scale - value / 2 * (own_x / own_x.mean() + own_y / own_y.mean()))
    error = math.hypot(float(influence.std()) / math.sqrt(len(x)), float(np.std(null, ddof=1)))
    half = float(ndtri(0.975)) * error
    return Interval(value - half, value + half, 0.95, METHOD)


def _row_shares(x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"]) -> Float[np.ndarray, " n"]:
    shares: np.ndarray = ((x @ (x.T @ y)) * y).sum(1)
    return shares


def _small(n: int, debiased: bool) -> Concern | None:
    if n >= 50 and debiased:
        return None
    what = "the plain ratio overstates similarity when rows are few" if not debiased else f"only {n} rows"
    return Concern(Trust.ORDINAL, f"undersampled: {what}")
