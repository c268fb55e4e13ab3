"""The claim that initial information goes with speed (C11), over initialisations of plain networks.

Batch norm's initial slope drives both, as it makes a network nearly linear. It is held fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from levinthal.lab.analysis import Effect, Reading, evidence
from levinthal.lab.analysis.curves import curves, first, time_to
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import (
    ERROR,
    HALFWAY_ERROR,
    information,
)
from levinthal.studies.skips_and_dynamics.first_last_information.claims.protocols import (
    Batches,
    both,
    depths,
    named,
    where_read,
)
from levinthal.studies.skips_and_dynamics.first_last_information.claims.within import beyond_time
from levinthal.studies.skips_and_dynamics.first_last_information.design import (
    FAMILIES,
    INITIAL_ARMS,
    RATE,
    SLOPES,
)
from levinthal.vocabulary import Claim

Predictor = Callable[[Rows], float]
"""From the rows of one initialisation to a number known before training."""
ARMS = frozenset(INITIAL_ARMS)
FEWEST = 20


def initial(key: Mapping[str, Any]) -> Predictor:
    """The mean over seeds of a measurement before training."""
    return lambda rows: float(np.mean([first(curve) for curve in curves(rows, **key).values()]))


def initial_slope(rows: Rows) -> float:
    """Batch norm's initial slope of one initialisation."""
    return float(rows.distinct("slope")[0])


def speed(rows: Rows) -> float:
    """The mean over seeds of minus log2 of the steps to 20 % error."""
    times = [time_to(HALFWAY_ERROR, curve) for curve in curves(rows, **ERROR).values()]
    return -float(np.mean(np.log2(np.maximum(times, 0.5))))


def goes_with_speed(batches: Batches, predictor: Predictor) -> Reading:
    """Partial rank correlation of a predictor and speed given the slope, one number an initialisation.

    The numbers are the jackknife's: their mean is the correlation, and their spread is what leaving out an
    initialisation changes. So the interval is over initialisations, and seeds do not narrow it. It takes them
    as independent, which those of one kind are not: too narrow to be judged.
    """

    def read(rows: Rows) -> Effect:
        arms = _arms(depths(batches)(rows))
        if len(arms) < FEWEST:
            return Effect({})
        x, y, slope = (
            np.array([of(one) for one in arms.values()]) for of in (predictor, speed, initial_slope)
        )
        return Effect(dict(enumerate(jackknife(x, y, slope))))

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


def jackknife(x: np.ndarray, y: np.ndarray, given: np.ndarray) -> list[float]:
    """Pseudo-values of the partial rank correlation, moved so that their mean is the correlation itself.

    >>> x, y = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([1.0, 3.0, 2.0, 4.0, 5.0])
    >>> values = jackknife(x, y, np.array([1.0, 0.0, 2.0, 0.0, 1.0]))
    >>> round(sum(values) / 5, 12) == beyond_time(x, y, np.array([1.0, 0.0, 2.0, 0.0, 1.0]))
    True
    """
    whole, n = beyond_time(x, y, given), len(x)
    without = np.array([beyond_time(*(np.delete(side, i) for side in (x, y, given))) for i in range(n)])
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
            yield (
                f"They are {len(FAMILIES)} kinds at {len(SLOPES)} slopes and He's, and no independent draws: "
                "the true interval is wider. Two quantities that kinds alone order agree by chance in one "
                "of six."
            )

    return note


def information_goes_with_speed(batches: Batches) -> Claim:
    """C11."""
    return Claim(
        **named(
            batches,
            "C11",
            "plain networks that start with more first-last information train faster, at the same slope.",
            "sec. 4",
        ),
        effect=f"partial rank correlation of initial information and speed to 20 % error at the paper's "
        f"learning rate (never: twice the run), given the initial slope, "
        f"over initialisations ({len(FAMILIES)} kinds at {len(SLOPES)} slopes, and He's at 1)",
        unit="",
        smallest_effect=None,
        quote="Thus, high mutual information between the first and last layer enables effective training of "
        "deep nets by exponentially reducing the size of the potential training state-space.",
        control="",
        why_no_control="three kinds of initialisation are too few to judge: at a fixed slope, their order is "
        "all that is left, and it is right by chance in one of six",
        evidence=evidence(goes_with_speed(batches, initial(information("batch"))), notes=counted(batches)),
    )


CLAIMS = both(information_goes_with_speed)
