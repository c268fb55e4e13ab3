"""The figures: the paper's own, then time, speed-ups, learning rates, estimators, images and mechanisms."""

from __future__ import annotations

from collections.abc import Iterator

from levinthal.lab.analysis import drawn
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.figures.claimed import (
    at_best_rates,
    causes,
    peaks,
)
from levinthal.studies.skips_and_dynamics.first_last_information.figures.comparisons import (
    estimators,
    images,
    over_steps,
    rates,
    speed_ups,
)
from levinthal.studies.skips_and_dynamics.first_last_information.figures.mechanisms import (
    cuts,
    layers,
    phases,
)
from levinthal.studies.skips_and_dynamics.first_last_information.figures.planes import planes
from levinthal.vocabulary import Figure


def figures(rows: Rows) -> Iterator[Figure]:
    """Every figure for which there are rows."""
    yield from drawn(planes(rows))
    others = (
        *(over_steps, peaks, speed_ups, at_best_rates, rates),
        *(estimators, images, causes, cuts, phases, layers),
    )
    yield from drawn(draw(rows) for draw in others)
