"""Limits of the true error, with every wrong argument."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from benchmarks.abuse import wrong_values as wrong
from benchmarks.abuse.api_data import COUNT
from benchmarks.abuse.api_target import Target
from benchmarks.abuse.wrong_values import as_written

import levinthal
from levinthal import certificates

SHARE = wrong.NUMBER | as_written("-0.1", "1.5", "10**400", "-1e-300")
DELTA = SHARE | as_written("0", "1", "0.9", "1e-300")
NAMES = as_written(
    "5", "'text'", "{}", "[]", "[[1], [2]]", "[1, None]", "np.array(['a', ''])", "np.zeros((2, 2))", "Odd()",
    "np.array([0.5, 1.0])", "np.array([1j, 2])", "np.zeros(2, 'M8[s]')", "[1e300, 2]", "(i for i in [1])",
    "np.ma.masked_array([1, 2], [0, 1])", "[float('nan'), 1]", "[b'a', None]", **wrong.KNOWN,
)  # fmt: skip


def counts() -> dict[str, Any]:
    """Three errors on a hundred rows."""
    return {"errors": 3, "samples": 100}


def losses() -> dict[str, Any]:
    """Thirty losses."""
    return {"losses": np.random.default_rng(0).random(30)}


def classes() -> dict[str, Any]:
    """Two rows, one of them wrong."""
    return {"predictions": [0, 1], "labels": [0, 2]}


def targets() -> Iterator[Target]:
    """What limits an error."""
    numbers = {"models_tried": COUNT, "bits_seen": SHARE, "delta": DELTA, "anytime": wrong.FLAG}
    yield Target(
        "error_bound, of counts",
        levinthal.error_bound,
        counts,
        {"errors": wrong.WHOLE | wrong.BELOW, "samples": COUNT}
        | {name: values for name, values in numbers.items() if name != "bits_seen"},
        {"samples": wrong.SAME_WHOLE, "models_tried": wrong.SAME_WHOLE, "anytime": wrong.SAME_FLAG},
        {"bits_seen": SHARE, "errors": wrong.HUGE, "samples": wrong.HUGE, "models_tried": wrong.HUGE}
        | {"clusters": NAMES, "weights": NAMES},
    )
    yield Target("error_bound, of losses", levinthal.error_bound, losses, either={"losses": wrong.ARRAY})
    sides = dict.fromkeys(("predictions", "labels"), NAMES)
    yield Target("error_bound, of classes", levinthal.error_bound, classes, sides, either={"clusters": NAMES})
    yield Target(
        "samples_needed",
        levinthal.samples_needed,
        lambda: {"within": 0.1},
        {"within": SHARE | as_written("0", "1"), "error": SHARE, "delta": DELTA, "models_tried": COUNT}
        | {"both_sides": wrong.FLAG},
        {"models_tried": wrong.SAME_WHOLE, "both_sides": wrong.SAME_FLAG},
        {"models_tried": wrong.HUGE},
    )
    for name in ("clopper_pearson", "mixture"):
        function = getattr(certificates, name)
        yield Target(name, function, counts, {"samples": COUNT, "delta": DELTA}, either={"errors": COUNT})
    for name in ("bentkus", "hoeffding", "kawaguchi", "relative_entropy"):
        yield of_mean(name, getattr(certificates, name))
    yield of_mean("empirical_bernstein", partial(certificates.empirical_bernstein, variance=0.1))
    yield Target(
        "betting",
        certificates.betting,
        losses,
        {"delta": DELTA, "anytime": wrong.FLAG},
        either={"losses": wrong.ARRAY},
    )


def of_mean(name: str, function: Any) -> Target:
    """A certificate of a mean loss."""
    refused = {"mean": SHARE, "samples": COUNT, "delta": DELTA}
    return Target(name, function, lambda: {"mean": 0.1, "samples": 100}, refused)
