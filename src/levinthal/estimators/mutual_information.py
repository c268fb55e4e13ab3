"""The public function that estimates mutual information, and the registry of its estimators."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from levinthal.errors import InputError, require_one_of
from levinthal.estimators.arrays import Array, paired, require_rows
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
    """Estimate the mutual information of paired rows, and report how far to believe the number.

    The same call gives the same numbers. Nothing is added to the data, except where more than k points
    coincide (noise of 1e-10 of each column's range) and with `compat`. Constant columns are ignored.

    Args:
        x: one side, (N, dx) or (N,): a floating torch tensor of any device, a numpy array, or a list of
            numbers or rows.
        y: the other side, (N, dy) or (N,); row i belongs to row i of x.
        estimator: `ksg` (Kraskov et al. 2004: exact counts, max-norm, columns as they stand), `zscored_ksg`
            (each column at deviation 1), `pca_ksg` (the first `components` of each side) or `copula`
            (Gaussian copula, bias-corrected; Ince et al. 2017).
        units: "nats" or "bits", for every number of the result.
        k: number of neighbours.
        checks: "none" is one evaluation. "null" adds one on shuffled pairs. "full" also adds x doubled, x
            halved, and 4 x 10 disjoint blocks of N/10 rows (more beyond 5,000 rows: at most 500 rows
            each) for the drift with N and the interval; with more than 6 independent directions and more
            than 1,500 rows, it shuffles 1,500 of the rows first, and all of them where the trust depends on
            it. Checks that are left out limit the trust to `ordinal`.
        calibrate: also evaluate a Gaussian of the same N, dimensions and spectra, whose truth is known, and
            report the bias found there (not for `copula`).
        compat: "npeet" returns what NPEET's `mi(x, y, k)` returns after `numpy.random.seed(seed)` (with
            `units="bits"`): noise of 1e-10 on x, then on y, and counts within radius - 1e-15 (`ksg` only).
        components: number of principal components of each side that `pca_ksg` reads.
        threads: number of threads that count neighbours, at most 1,024; they change no number.
        seed: a whole number of 0 or more that drives every draw: shuffles, blocks, noise, calibration.

    Returns:
        The estimate in `units`, with its 95 % interval (`checks="full"`, at least 150 rows), trust and
        reasons. Its `details` hold what was found: `ceiling`, `null`, `n_x`, `n_y`, `share_x_at_minimum`,
        `x_doubled`, `x_halved`, `block_mean`, `still_to_come` and more.

    Raises:
        InputError: unequal or too few rows; NaN, infinity, integer or complex values; sparse, meta, masked or
            quantised data; options that are unknown, of the wrong type, or do not go together.

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
    if settings.calibrate and estimator == "copula":
        raise InputError(
            "calibrate=True is about neighbours, and 'copula' has none: its bias is removed already"
        )
    left, right = paired(x, y)
    require_rows(len(left), settings.k)
    return method(left, right, settings)
