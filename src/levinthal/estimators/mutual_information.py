"""The front door of the estimators of mutual information: one function, one registry."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from levinthal.errors import InputError, require_one_of
from levinthal.estimators.arrays import Array, paired
from levinthal.estimators.copula import copula
from levinthal.estimators.ksg import ksg, zscored_ksg
from levinthal.estimators.pca_ksg import pca_ksg
from levinthal.estimators.settings import Settings
from levinthal.vocabulary import Estimate

Estimator = Callable[[np.ndarray, np.ndarray, Settings], Estimate]
ESTIMATORS: dict[str, Estimator] = {
    "ksg": ksg,
    "zscored_ksg": zscored_ksg,
    "pca_ksg": pca_ksg,
    "copula": copula,
}


def mutual_information(
    x: Array,
    y: Array,
    *,
    estimator: str = "ksg",
    units: str = "nats",
    k: int = 3,
    checks: str = "full",
    calibrate: bool = False,
    compat: str | None = None,
    components: int = 10,
    threads: int = 1,
    seed: int = 0,
) -> Estimate:
    """Estimate the mutual information of paired rows, and say how far to believe it.

    `x` (N, dx) and `y` (N, dy): floating torch tensors of any device or numpy arrays; (N,) is one column.
    `estimator`: `ksg` (Kraskov et al. 2004, exact counts, max-norm, columns as they stand), `zscored_ksg`,
    `pca_ksg` (the first `components` of each side) or `copula` (Gaussian copula, bias-corrected).
    Everything in the Estimate is in `units`, "nats" or "bits".

    `checks` buys trust with evaluations: "none" is one evaluation; "null" adds one on shuffled pairs;
    "full" adds two shuffled pairs, x doubled, x halved, and blocks of the rows for drift and interval.
    What was not checked caps the trust at `ordinal`. `calibrate` adds one on a Gaussian of the same N,
    dimensions and spectra whose truth is known, and states the bias. `details` holds what was found:
    `ceiling`, `null`, `n_x`, `n_y`, `share_x_at_minimum`, `x_doubled`, `x_halved`, `still_to_come`...

    `compat="npeet"` returns what NPEET's `mi(x, y, k)` returns right after `numpy.random.seed(seed)` (with
    `units="bits"`): noise of 1e-10 on x, then on y, and counts within radius - 1e-15. Otherwise nothing is
    added to the data, except noise of 1e-10 of each column's range where more than k points coincide.
    The same call gives the same numbers: `seed` drives every draw.

    Raises InputError, in one line, for arrays of unequal or too few rows, NaN, infinity, integer or complex
    values, and for names it does not know.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=2000)
    >>> estimate = mutual_information(x, 0.75 * x + (1 - 0.75**2) ** 0.5 * rng.normal(size=2000))
    >>> estimate.interval.low < 0.413339 < estimate.interval.high, str(estimate.trust)
    (True, 'calibrated')
    """
    method = ESTIMATORS[require_one_of("estimator", estimator, ESTIMATORS)]
    settings = Settings(k, units, compat, checks, calibrate, components, threads, seed)
    if compat is not None and estimator != "ksg":
        raise InputError(f"compat='{compat}' is about estimator='ksg'; got '{estimator}': drop one of them")
    if calibrate and estimator == "copula":
        raise InputError(
            "calibrate=True is about neighbours, and 'copula' has none: its bias is removed already"
        )
    left, right = paired(x, y)
    if len(left) <= k:
        raise InputError(
            f"k={k} neighbours need at least {k + 1} rows; got {len(left)}: lower k or pass more samples"
        )
    return method(left, right, settings)
