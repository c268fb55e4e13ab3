"""The rows of the claims and figures: keys of their measurements, settings, and labels of protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from levinthal.studies.skips_and_dynamics.first_last_information.design import RATE

PLAIN: Mapping[str, Any] = {"rate": RATE, "init": "glorot_normal", "slope": 1.0, "labels": "true"}
ANY_RATE: Mapping[str, Any] = {"init": "glorot_normal", "slope": 1.0, "labels": "true"}
FROZEN: Mapping[str, Any] = {**PLAIN, "rate": 0.0}
SETTING = ("batch", "samples", "steps", "width", "depth")
ERROR: Mapping[str, Any] = {"name": "test_error", "batchnorm": "recalibrated"}
MODES = ("running", "debiased", "batch")
HALFWAY_ERROR = 0.2


def information(mode: str, readout: str = "before") -> dict[str, Any]:
    """The key of the first-last information, read with one batch norm mode, before or after the sum."""
    return {"name": "mutual_information", "estimator": "ksg", "batchnorm": mode, "readout": readout}


def protocol(batch: str, samples: int | None = None) -> str:
    """The label of a protocol, in figures and conditions.

    >>> protocol("full", 4000), protocol("128")
    ('full batch of 4,000', 'batches of 128')
    """
    if batch != "full":
        return f"batches of {batch}"
    return "full batch" if samples is None else f"full batch of {samples:,}"
