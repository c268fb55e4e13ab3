"""The rows of the claims and figures: keys of their measurements, settings, and labels of protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from levinthal.lab.analysis import Effect, Reading, mean_over
from levinthal.lab.analysis.curves import curves, first, time_to
from levinthal.lab.judging.trends import rank_correlation
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.design import RATE

PLAIN: Mapping[str, Any] = {"rate": RATE, "init": "glorot_normal", "slope": 1.0, "labels": "true"}
ANY_RATE: Mapping[str, Any] = {"init": "glorot_normal", "slope": 1.0, "labels": "true"}
SETTING = ("batch", "samples", "steps", "width", "depth")
ERROR: Mapping[str, Any] = {"name": "test_error", "batchnorm": "recalibrated"}
MODES = ("running", "debiased", "batch")
HALFWAY_ERROR = 0.2


def information(mode: str, readout: str = "before") -> dict[str, Any]:
    """The key of the first-last information, read with one batch norm mode, before or after the sum."""
    return {"name": "mutual_information", "estimator": "ksg", "batchnorm": mode, "readout": readout}


def null(mode: str, readout: str = "before") -> dict[str, Any]:
    """The key of the same information with the pairs shuffled."""
    return information(mode, readout) | {"name": "mutual_information_null"}


def over_settings(of: Reading, **where: Any) -> Reading:
    """The mean of a reading over protocols, widths and depths."""
    return mean_over(*SETTING, of=of, **where)


def initial_and_speed(*factors: str, key: Mapping[str, Any], fewest: int) -> Reading:
    """Rank correlation, over networks, of the initial value under a key and of the speed to 20 % error.

    A network is a combination of levels of the factors; fewer than `fewest` are no correlation.
    """

    def read(rows: Rows) -> Effect:
        networks = list(rows.group_by(*factors).values())
        if len(networks) < fewest:
            return Effect({})
        initial = [{s: first(c) for s, c in curves(one, **key).items()} for one in networks]
        speeds = [
            {s: -time_to(HALFWAY_ERROR, c) for s, c in curves(one, **ERROR).items()} for one in networks
        ]
        seeds = set.intersection(*map(set, initial), *map(set, speeds))
        pairs = {s: [np.array([one[s] for one in side]) for side in (initial, speeds)] for s in sorted(seeds)}
        return Effect({seed: rank_correlation(*pair) for seed, pair in pairs.items()})

    return read


def protocol(batch: str, samples: int | None = None) -> str:
    """The label of a protocol, in figures and conditions.

    >>> protocol("full", 4000), protocol("128")
    ('full batch of 4,000', 'batches of 128')
    """
    if batch != "full":
        return f"batches of {batch}"
    return "full batch" if samples is None else f"full batch of {samples:,}"
