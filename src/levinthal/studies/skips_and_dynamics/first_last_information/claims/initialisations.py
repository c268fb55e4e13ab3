"""The claim that initial information goes with speed (C11), over initialisations of plain networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from levinthal.lab.analysis import Effect, Reading, evidence
from levinthal.lab.analysis.curves import curves, first, time_to
from levinthal.lab.judging.trends import rank_correlation
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import (
    ERROR,
    HALFWAY_ERROR,
    information,
    null,
)
from levinthal.studies.skips_and_dynamics.first_last_information.claims.protocols import (
    Batches,
    both,
    depths,
    named,
    where_read,
)
from levinthal.studies.skips_and_dynamics.first_last_information.design import (
    FAMILIES,
    INITIAL_ARMS,
    RATE,
    SLOPES,
)
from levinthal.vocabulary import Basis, Claim

Predictor = Callable[[Rows], float]
"""From the rows of one initialisation to a number known before training."""
ARMS = frozenset(INITIAL_ARMS)
FEWEST = 20


def initial(key: Mapping[str, Any]) -> Predictor:
    """The mean over seeds of a measurement before training."""
    return lambda rows: float(np.mean([first(curve) for curve in curves(rows, **key).values()]))


def small_slope(rows: Rows) -> float:
    """The rival predictor: how small batch norm's initial slope is. It makes the network nearly linear."""
    return -float(rows.distinct("slope")[0])


def speed(rows: Rows) -> float:
    """The mean over seeds of minus log2 of the steps to 20 % error."""
    times = [time_to(HALFWAY_ERROR, curve) for curve in curves(rows, **ERROR).values()]
    return -float(np.mean(np.log2(np.maximum(times, 0.5))))


def goes_with_speed(batches: Batches, predictor: Predictor) -> Reading:
    """Rank correlation of a predictor and speed over initialisations, with one number an initialisation.

    The numbers are the jackknife's: their mean is the correlation, and their spread is what leaving out an
    initialisation changes. So the interval is over initialisations, and seeds do not narrow it.
    """

    def read(rows: Rows) -> Effect:
        arms = _arms(depths(batches)(rows))
        if len(arms) < FEWEST:
            return Effect({})
        x, y = (np.array([of(one) for one in arms.values()]) for of in (predictor, speed))
        return Effect(dict(enumerate(jackknife(x, y))))

    return read


def _arms(rows: Rows) -> dict[tuple[str, float], Rows]:
    """Initialisation -> its rows, at the depth that has the most of them."""
    mlp = rows.where(architecture="mlp", rate=RATE, labels="true")
    found = [part.group_by("init", "slope") for part in mlp.group_by("depth").values()] if len(mlp) else []
    most = max(found, key=len, default={})
    return {
        (str(init), float(slope)): part
        for (init, slope), part in most.items()
        if (str(init), float(slope)) in ARMS
    }


def jackknife(x: np.ndarray, y: np.ndarray) -> list[float]:
    """Pseudo-values of the rank correlation, moved so that their mean is the correlation itself.

    >>> values = jackknife(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([1.0, 3.0, 2.0, 4.0, 5.0]))
    >>> round(sum(values) / 5, 12)
    0.9
    """
    whole, n = rank_correlation(x, y), len(x)
    without = np.array([rank_correlation(np.delete(x, i), np.delete(y, i)) for i in range(n)])
    return [float(value) for value in whole - (n - 1) * (without - without.mean())]


def counted(batches: Batches) -> Callable[[Rows], Iterator[str]]:
    """A note: the protocol, and what the verdict counts as seeds."""

    def note(rows: Rows) -> Iterator[str]:
        here = depths(batches)(rows)
        arms = _arms(here)
        yield from where_read(depths(batches))(rows)
        if arms and len(arms) < FEWEST:
            yield f"{len(arms)} initialisations have run: {FEWEST} are the fewest that count."
        if len(arms) >= FEWEST:
            yield f"What the verdict calls seeds are {len(arms)} initialisations; each is a mean over seeds."

    return note


def information_goes_with_speed(batches: Batches) -> Claim:
    """C11."""
    return Claim(
        **named(
            batches,
            "C11",
            "plain networks that start with more first-last information train faster.",
            "sec. 4",
        ),
        effect=f"rank correlation of initial information and speed, over initialisations "
        f"({len(FAMILIES)} kinds, {len(SLOPES)} slopes)",
        unit="",
        smallest_effect=0.5,
        why_smallest="chosen by us: a large correlation by Cohen's convention; the paper gives no number",
        basis=Basis.SEEN,
        quote="Thus, high mutual information between the first and last layer enables effective training of "
        "deep nets by exponentially reducing the size of the potential training state-space.",
        control="the information of shuffled pairs",
        rival="the smallness of batch norm's initial slope, in place of information",
        evidence=evidence(
            goes_with_speed(batches, initial(information("batch"))),
            control=goes_with_speed(batches, initial(null("batch"))),
            rival=goes_with_speed(batches, small_slope),
            notes=counted(batches),
        ),
    )


CLAIMS = both(information_goes_with_speed)
