"""How many rows a limit of a given width needs."""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.special import betainccinv

from levinthal.arguments import flag, number, whole
from levinthal.certificates.checked import MOST_MODELS, MOST_ROWS, chance, for_each
from levinthal.errors import InputError


def samples_needed(
    within: float,
    *,
    error: float = 0.5,
    delta: float = 0.05,
    models_tried: int = 1,
    both_sides: bool = False,
) -> int:
    """How many rows put the limit of an error rate at most `within` above the measured rate.

    The limit is that of Clopper and Pearson, with the error rate times the rows as the count of errors. It
    need not be whole; with whole counts a row or two more may be needed.

    Args:
        within: the distance between rate and limit, a share: 0.005 for half a point.
        error: the rate that is expected; rates near 0.5 need the most rows.
        delta: the chance that the true rate is above the limit.
        models_tried: how many models the limit has to hold for at once.
        both_sides: whether an interval is asked for, whose two ends lie within that distance.

    Returns:
        The number of rows.

    Raises:
        InputError: a share outside of its range, or more rows than 1e12.

    >>> samples_needed(0.005, error=0.025)
    3238
    """
    within = number("within", within, above=0, below=1)
    error = number("error", error, least=0, most=1)
    tried = whole("models_tried", models_tried, least=1, most=MOST_MODELS * 2**300)
    left = for_each(chance(delta) / (2 if flag("both_sides", both_sides) else 1), tried)
    rates = (
        (error, 1 - error) if both_sides else (error,)
    )  # the lower end for a rate is the upper for its rest
    return max(_rows(rate, within, left) for rate in rates)


def _rows(rate: float, within: float, left: float) -> int:
    """How many rows put the upper limit of a rate within a distance of it."""
    if rate + within >= 1:
        return 1

    def excess(log_rows: float) -> float:
        rows = math.exp(log_rows)
        return float(betainccinv(rows * rate + 1, rows * (1 - rate), left)) - rate - within

    if excess(0.0) <= 0:
        return 1
    if excess(math.log(MOST_ROWS)) > 0:
        raise InputError(f"within={within:g} needs more than {MOST_ROWS:.0e} rows: ask for a wider limit")
    return math.ceil(math.exp(brentq(excess, 0.0, math.log(MOST_ROWS), xtol=1e-12)))
