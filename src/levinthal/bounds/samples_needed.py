"""How many rows a limit of a given width needs."""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.special import betainccinv

from levinthal.arguments import flag, number, whole
from levinthal.certificates.checked import MOST_ROWS, chance
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

    The limit is that of Clopper and Pearson, with the error rate times the rows as the count of errors, which
    need not be whole.

    Args:
        within: the distance between rate and limit, a share: 0.005 for half a point.
        error: the rate that is expected; 0.5 needs the most rows.
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
    error = number("error", error, least=0, below=1)
    left = chance(delta) / whole("models_tried", models_tried, least=1)
    left = chance(left / 2 if flag("both_sides", both_sides) else left)
    if error + within >= 1:
        return 1

    def excess(log_rows: float) -> float:
        rows = math.exp(log_rows)
        return float(betainccinv(rows * error + 1, rows * (1 - error), left)) - error - within

    if excess(math.log(MOST_ROWS)) > 0:
        raise InputError(f"within={within:g} needs more than {MOST_ROWS:.0e} rows: ask for a wider limit")
    return math.ceil(math.exp(brentq(excess, 0.0, math.log(MOST_ROWS), xtol=1e-12)))
