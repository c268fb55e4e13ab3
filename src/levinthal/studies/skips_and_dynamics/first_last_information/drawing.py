"""What every figure of the study is drawn with: names, axes, words, one trace an architecture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from levinthal.lab.analysis.bands import median_band
from levinthal.lab.analysis.curves import curves
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.keys import SETTING, protocol_words
from levinthal.studies.skips_and_dynamics.first_last_information.plan import ARCHITECTURES
from levinthal.vocabulary import Axis, Series

BITS = Axis("first-last information", "bits")
ERROR_AXIS = Axis("test error", "%", log=True)
NAMES = {
    "mlp": "MLP",
    "shortcut": "shortcut",
    "residual": "residual",
    "shortcut-residual": "shortcut + residual",
}


def detailed(rows: Rows) -> Iterator[tuple[str, Rows]]:
    """The settings read in every detail, with their words."""
    for key, group in rows.where(read="everything").group_by(*SETTING).items():
        yield setting_words(key), group


def by_architecture(rows: Rows, key: Mapping[str, Any], times: float = 1.0) -> Iterator[Series]:
    """One median with its band for each architecture that has rows under the key."""
    for architecture in ARCHITECTURES:
        found = curves(rows.where(architecture=architecture), **key)
        if found:
            yield median_band(found, NAMES[architecture], times, group=architecture)


def setting_words(key: tuple[Any, ...]) -> str:
    """Protocol, width and depth of a group by SETTING."""
    batch, samples, steps, width, depth = key
    return f"{protocol_words(batch, samples)}, {steps:,} steps, W\u00a0=\u00a0{width}, D\u00a0=\u00a0{depth}"


def middle(values: Iterable[float]) -> float:
    """The median, nan of nothing."""
    found = list(values)
    return float(np.median(found)) if found else float("nan")
