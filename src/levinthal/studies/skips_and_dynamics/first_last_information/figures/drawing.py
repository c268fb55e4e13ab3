"""Common to every figure of the study: axes, settings with their words, one line per architecture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from levinthal.lab.analysis import By
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import SETTING, protocol
from levinthal.studies.skips_and_dynamics.first_last_information.design import NAMES
from levinthal.vocabulary import Axis

BITS = Axis("first-last information", "bits")
ERROR_AXIS = Axis("test error", "%", log=True)
BY_ARCHITECTURE = By("architecture", NAMES)


def detailed(rows: Rows) -> Iterator[tuple[str, Rows]]:
    """The settings in which everything is read, with their words."""
    for key, group in rows.where(read="everything").group_by(*SETTING).items():
        yield setting_words(key), group


def setting_words(key: tuple[Any, ...]) -> str:
    """Protocol, width and depth of a group by SETTING."""
    batch, samples, steps, width, depth = key
    return f"{protocol(batch, samples)}, {steps:,} steps, W\u00a0=\u00a0{width}, D\u00a0=\u00a0{depth}"


def middle(values: Iterable[float]) -> float:
    """The median, nan of nothing."""
    found = list(values)
    return float(np.median(found)) if found else float("nan")
