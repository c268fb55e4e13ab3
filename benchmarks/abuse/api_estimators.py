"""The estimators, with every wrong argument."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from benchmarks.abuse import wrong_values as wrong
from benchmarks.abuse.api_data import (
    COUNT,
    SEED,
)
from benchmarks.abuse.api_target import Target
from benchmarks.abuse.wrong_values import as_written

import levinthal
from levinthal import estimators


def rows() -> np.ndarray:
    """Thirty rows of two columns."""
    made: np.ndarray = np.random.default_rng(0).random((30, 2))
    return made


def sides() -> dict[str, Any]:
    """A pair with something in common."""
    return {"x": rows(), "y": rows() + np.random.default_rng(1).random((30, 2))}


def targets() -> Iterator[Target]:
    names = {"estimator": wrong.NAME | wrong.NOTHING, "units": wrong.NAME | wrong.NOTHING}
    numbers = dict.fromkeys(("k", "threads", "components"), COUNT) | {"seed": SEED}
    yield Target(
        "mutual_information",
        levinthal.mutual_information,
        sides,
        {"x": wrong.ARRAY, "y": wrong.ARRAY, **names, "checks": wrong.NAME, "compat": wrong.NAME, **numbers}
        | {"calibrate": wrong.FLAG, "threads": COUNT | wrong.HUGE, "k": COUNT | wrong.HUGE},
        {
            "x": wrong.SAME_ARRAY,
            "k": wrong.SAME_WHOLE,
            "seed": wrong.SAME_WHOLE,
            "calibrate": wrong.SAME_FLAG,
        },
        dict.fromkeys(("seed", "components"), wrong.HUGE),
        {"units": "unit"},
    )
    yield Target(
        "mutual_information, as NPEET",
        levinthal.mutual_information,
        lambda: sides() | {"compat": "npeet", "checks": "none"},
        {"seed": SEED},
        either={"seed": wrong.HUGE, "y": wrong.SAME_ARRAY},
    )
    for name in estimators.ESTIMATORS:
        yield Target(
            f"mutual_information, {name}",
            levinthal.mutual_information,
            lambda name=name: sides() | {"estimator": name},  # type: ignore[misc]
            either={"y": wrong.SAME_ARRAY | wrong.ARRAY, "components": wrong.SAME_WHOLE},
        )
    yield Target(
        "cka",
        levinthal.cka,
        sides,
        {"x": wrong.ARRAY, "y": wrong.ARRAY, "debiased": wrong.FLAG, "checks": wrong.NAME, "seed": SEED},
        {"y": wrong.SAME_ARRAY, "debiased": wrong.SAME_FLAG, "seed": wrong.SAME_WHOLE},
        {"seed": wrong.HUGE},
    )
    yield Target(
        "count_neighbours",
        estimators.count_neighbours,
        lambda: sides() | {"k": 3},
        {"k": COUNT, "threads": COUNT | wrong.HUGE, "compat": wrong.NAME},
        {"k": wrong.SAME_WHOLE},
        {"x": wrong.ARRAY | wrong.SAME_ARRAY, "seed_radius": wrong.ARRAY | wrong.SAME_ARRAY},
    )
    counts = wrong.WHOLE | wrong.BELOW
    yield Target(
        "proportion",
        levinthal.proportion,
        lambda: {"count": 4, "total": 9},
        {"count": counts, "total": counts | as_written("0", "3")},
        dict.fromkeys(("count", "total"), wrong.SAME_WHOLE),
        {"total": wrong.HUGE},
        dict.fromkeys(("count", "total"), ""),
    )
