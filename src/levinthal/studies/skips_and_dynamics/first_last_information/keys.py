"""What the claims and figures ask the long table for, and how protocols are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from levinthal.lab.analysis.curves import curves, first, time_to
from levinthal.lab.judging.trends import rank_correlation
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.plan import RATE

PLAIN: Mapping[str, Any] = {"rate": RATE, "init": "glorot_normal", "slope": 1.0, "labels": "true"}
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


def settings(rows: Rows) -> Iterator[tuple[dict[str, Any], Rows]]:
    """The rows of each protocol, width and depth."""
    for key, group in rows.group_by(*SETTING).items():
        yield dict(zip(SETTING, key, strict=True)), group


def start_against_speed(networks: Iterable[Rows], key: Mapping[str, Any]) -> dict[int, float]:
    """Seed -> rank correlation, over networks, of the key's number at the start and speed to 20 % error."""
    networks = list(networks)
    starts = [{s: first(c) for s, c in curves(one, **key).items()} for one in networks]
    speeds = [{s: -time_to(HALFWAY_ERROR, c) for s, c in curves(one, **ERROR).items()} for one in networks]
    seeds = set.intersection(*map(set, starts), *map(set, speeds))
    return {
        s: rank_correlation(np.array([one[s] for one in starts]), np.array([one[s] for one in speeds]))
        for s in sorted(seeds)
    }


def protocol_words(batch: str, samples: int | None = None) -> str:
    """How a figure or a part of the grid calls a protocol.

    >>> protocol_words("full", 4000), protocol_words("128")
    ('full batch of 4,000', 'batches of 128')
    """
    if batch != "full":
        return f"batches of {batch}"
    return "full batch" if samples is None else f"full batch of {samples:,}"
