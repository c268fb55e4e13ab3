"""What a log gets of a watch: the same names and numbers in TensorBoard, Weights & Biases and MLflow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from levinthal.arguments import in_short, whole
from levinthal.clinic.watching import Watch
from levinthal.errors import InputError
from levinthal.vocabulary import Severity

Curve = tuple[str, np.ndarray, np.ndarray]
PREFIX = "levinthal/"
COLUMNS = ("code", "severity", "confidence", "where", "step", "follows", "remedy")
"""The columns of the table of findings."""


def require_watch(watch: Any, start: Any) -> int:
    """The first step of a log. Raises InputError where there is no watch, or no such step."""
    if not isinstance(watch, Watch):
        raise InputError(f"watch={in_short(watch)} is no Watch: pass what levinthal.watch(...) returned")
    return whole("start", start, least=0)


def curves(watch: Watch) -> Iterator[Curve]:
    """Name, steps and values (samples,) of the loss and of each layer's gradient norm and step size."""
    if not len(watch.history):
        return
    yield "loss", watch.history.steps, watch.history.losses
    tensor_steps = watch.history.tensor_steps
    gradient, update, weight = (watch.history.tensors(name) for name in ("gradient", "update", "weight"))
    for layer, places in layers(watch).items():
        yield f"gradient_norm/{layer}", tensor_steps, _norm(gradient[:, places])
        with np.errstate(divide="ignore", invalid="ignore"):  # a layer may be all zeros
            yield f"step_size/{layer}", tensor_steps, _norm(update[:, places]) / _norm(weight[:, places])


def layers(watch: Watch) -> dict[str, list[int]]:
    """Layer -> the indices of its parameters."""
    found = dict[str, list[int]]()
    for place, name in enumerate(watch.setup.names):
        found.setdefault(name.rpartition(".")[0] or name, []).append(place)
    return found


def _norm(parts: np.ndarray) -> np.ndarray:
    """Norm of a layer (samples,) from those of its parameters; nan where none was read."""
    squares = np.nansum(parts**2, 1)
    return np.where(np.isnan(parts).all(1), np.nan, np.sqrt(squares))


def numbers_by_step(watch: Watch, start: int = 0) -> dict[int, dict[str, float]]:
    """Step -> the numbers of the curves that are finite, by name under `levinthal/`; steps in order.

    Args:
        watch: A watch, during or after training.
        start: Added to every step, for a training that was resumed.
    """
    found = dict[int, dict[str, float]]()
    for name, steps, values in curves(watch):
        for step, value in zip(steps, values, strict=True):
            if np.isfinite(value):
                found.setdefault(int(step) + start, {})[PREFIX + name] = float(value)
    return dict(sorted(found.items()))


def counts(watch: Watch) -> dict[str, float]:
    """The number of findings of each severity, by name under `levinthal/`."""
    found = [finding.severity for finding in watch.findings()]
    return {PREFIX + str(severity): found.count(severity) for severity in Severity}


def rows(watch: Watch) -> list[list[Any]]:
    """One row for each finding, the most important first, with the columns of `COLUMNS`."""
    return [
        [f.code, str(f.severity), f.confidence, f.where, f.step, f.follows, f.remedy]
        for f in watch.findings()
    ]


def last_step(watch: Watch, start: int = 0) -> int:
    """The step of the last sample; `start` where there is none."""
    return start + (int(watch.history.steps[-1]) if len(watch.history) else 0)
