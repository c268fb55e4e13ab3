"""Write the findings and curves of a watch to MLflow."""

from __future__ import annotations

import re
import time
from typing import Any

from levinthal.clinic.watching import Watch
from levinthal.errors import InputError
from levinthal.integrations.attending import required
from levinthal.integrations.logged import PREFIX, counts, last_step, numbers_by_step, require_watch

AT_ONCE = 1000
"""Metrics that MLflow takes in one call, at most."""
REFUSED = re.compile(r"[^\w\-. /]")
"""Characters that MLflow refuses in the name of a metric."""


def write(watch: Watch, run_id: str | None = None, *, client: Any = None, start: int = 0) -> None:
    """Write the curves of a watch under `levinthal/`, and its findings as a text and as tags.

    The names are those of `levinthal.integrations.tensorboard.write`. The text is the artifact
    `levinthal/findings.txt`; the tags are `levinthal.answer` and `levinthal.findings`.

    Args:
        watch: A watch, during or after training.
        run_id: The run. Default: the active one.
        client: A client of MLflow. Default: one of the tracking URI that is set.
        start: Added to every step, for a training that was resumed.

    Raises:
        InputError: MLflow is not installed, or no run is active.
    """
    start = require_watch(watch, start)
    mlflow = required("mlflow", "MLflow", "mlflow")
    if run_id is None:
        active = mlflow.active_run()
        if active is None:
            raise InputError("no run of MLflow is active: call mlflow.start_run(), or pass run_id=")
        run_id = str(active.info.run_id)
    client, now = client or mlflow.MlflowClient(), int(1000 * time.time())
    by_step = [*numbers_by_step(watch, start).items(), (last_step(watch, start), counts(watch))]
    metrics = [
        mlflow.entities.Metric(REFUSED.sub("_", name), value, now, step)
        for step, numbers in by_step
        for name, value in numbers.items()
    ]
    for first in range(0, len(metrics), AT_ONCE):
        client.log_batch(run_id, metrics=metrics[first : first + AT_ONCE])
    client.set_tag(run_id, "levinthal.answer", watch.answer().headline)
    client.set_tag(run_id, "levinthal.findings", ", ".join(f.code for f in watch.findings()))
    client.log_text(run_id, str(watch), f"{PREFIX}findings.txt")
