"""Write the findings and curves of a watch to Weights & Biases."""

from __future__ import annotations

from typing import Any

from levinthal.clinic.watching import Watch
from levinthal.errors import InputError
from levinthal.integrations.attending import required
from levinthal.integrations.logged import (
    COLUMNS,
    PREFIX,
    counts,
    last_step,
    numbers_by_step,
    require_watch,
    rows,
)

STEP = f"{PREFIX}step"
"""The axis of our numbers: the run's own steps may be past those of the watch, and do not go back."""


def write(watch: Watch, run: Any = None, *, start: int = 0) -> None:
    """Write the curves of a watch under `levinthal/`, and its findings as a table and in the summary.

    The names are those of `levinthal.integrations.tensorboard.write`; the axis is `levinthal/step`.

    Args:
        watch: A watch, during or after training.
        run: A run of Weights & Biases, which stays open. Default: the active one.
        start: Added to every step, for a training that was resumed.

    Raises:
        InputError: Weights & Biases is not installed, or no run is active.
    """
    start = require_watch(watch, start)
    wandb = required("wandb", "Weights & Biases", "wandb")
    run = wandb.run if run is None else run
    if run is None:
        raise InputError("no run of Weights & Biases is active: call wandb.init(), or pass run=")
    run.define_metric(f"{PREFIX}*", step_metric=STEP)
    for step, numbers in numbers_by_step(watch, start).items():
        run.log({STEP: step, **numbers})
    table = wandb.Table(columns=list(COLUMNS), data=rows(watch))
    run.log({STEP: last_step(watch, start), **counts(watch), f"{PREFIX}findings": table})
    run.summary[f"{PREFIX}answer"] = watch.answer().headline
