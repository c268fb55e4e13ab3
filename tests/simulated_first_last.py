"""Rows of made-up runs whose truth is known, for claims and figures to be tried on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.design import Protocol, Size, tasks
from levinthal.studies.skips_and_dynamics.first_last_information.measure import MODES
from levinthal.training import log_spaced
from levinthal.vocabulary import Cell, Estimate, Measurement, Row

STEPS = 120
SIZE = Size(
    main=(Protocol("full", 4000, STEPS, levels=(10, 20)), Protocol("128", 4000, STEPS, levels=(10, 20))),
    fast=(Protocol("128", 60_000, STEPS, levels=(3, 5, 10, 20)),),
    final=(Protocol("128", 4000, STEPS, levels=()),),
    rates=(3e-4, 1e-3, 3e-3),
    seeds=8,
    few=5,
)
Number = Callable[[Cell, float], float]
"""A cell and the share of training done, in [0, 1] on a log axis, to a number."""


def falling_error(cell: Cell, share: float) -> float:
    """From 90 % down to 5 %, whatever the cell."""
    return 0.9 * (0.05 / 0.9) ** share


def final_error(cell: Cell, share: float) -> float:
    """The same, reached at two thirds of the log axis: an error that is final."""
    return falling_error(cell, min(1.0, 1.5 * share))


def rows(
    *,
    error: Number = falling_error,
    information: Mapping[tuple[str, str], Number] | None = None,
    noise: float = 0.02,
    of: Callable[[Cell], bool] = lambda cell: True,
) -> Rows:
    """Rows of the tasks of SIZE, or of some; `information` is by (mode, readout), and 3 bits elsewhere.

    The mode "zscored" is the z-scored estimate at both ends, with batch statistics; by default as "batch".
    """
    every = [task.cell for task in tasks(SIZE)]
    return Rows.of(_rows(error, information or {}, noise, of), factors=every[0], levels=every)


def _rows(
    error: Number, information: Mapping[Any, Number], noise: float, of: Callable[[Cell], bool]
) -> Iterator[Row]:
    for number, task in enumerate(tasks(SIZE)):
        for seed in task.seeds if of(task.cell) else ():
            draw = np.random.default_rng([number, seed])
            for one in _run(task.cell, seed, error, information, lambda d=draw: noise * d.standard_normal()):
                yield Row(task.cell, one)


def _run(
    cell: Cell, seed: int, error: Number, information: Mapping[Any, Number], jitter: Callable[[], float]
) -> Iterator[Measurement]:
    modes = MODES[str(cell["read"])]
    for step in log_spaced(STEPS, 10):
        share = np.log1p(step) / np.log1p(STEPS)
        value = min(error(cell, share) * np.exp(jitter()), 1.0)
        for mode in modes:
            yield Measurement("test_error", Estimate.exact(value), seed, step, "", f"batchnorm={mode}")
        for mode in modes[:-1]:
            for readout in ("before", "after"):
                bits = information.get((mode, readout), lambda *_: 3.0)(cell, share) + jitter()
                words = f"batchnorm={mode} readout={readout} estimator=ksg n=2000"
                yield Measurement("mutual_information", Estimate.exact(bits, "bits"), seed, step, "", words)
                if step in (0, STEPS):
                    null = Estimate.exact(jitter(), "bits")
                    yield Measurement("mutual_information_null", null, seed, step, "", words)
        if cell["read"] == "everything" and step in (0, STEPS):
            for readout in ("before", "after"):
                of_batch = information.get(("batch", readout), lambda *_: 3.0)
                bits = information.get(("zscored", readout), of_batch)(cell, share) + jitter()
                words = f"batchnorm=batch readout={readout} estimator=zscored_ksg n=2000"
                yield Measurement("mutual_information", Estimate.exact(bits, "bits"), seed, step, "", words)
