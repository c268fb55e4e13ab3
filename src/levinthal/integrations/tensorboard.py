"""Write the findings and curves of a watch to TensorBoard."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from levinthal.clinic.watching import Watch
from levinthal.integrations.attending import require_extra

Curve = tuple[str, np.ndarray, np.ndarray]


def write(watch: Watch, writer: Any, *, start: int = 0) -> None:
    """Write the curves of a watch under `levinthal/`, and its findings as a text.

    The curves hold the sampled steps: the loss and, for the parameters of each layer, the norm of the
    gradient and the norm of the update divided by that of the weights (no unit).

    Args:
        watch: A watch, during or after training.
        writer: A SummaryWriter (torch's or tensorboardX's), which stays open; or a folder.
        start: Added to every step, for a training that was resumed.

    Raises:
        InputError: `writer` is a folder and TensorBoard is not installed.
    """
    if isinstance(writer, str | Path):
        with closing(_opened(writer)) as opened:
            return write(watch, opened, start=start)
    for name, steps, values in curves(watch):
        for step, value in zip(steps, values, strict=True):
            if np.isfinite(value):
                writer.add_scalar(f"levinthal/{name}", value, int(step) + start)
    shown = "\n".join(f"    {line}" for line in str(watch).splitlines())  # markdown: as it is
    last = int(watch.history.steps[-1]) if len(watch.history) else 0
    writer.add_text("levinthal/findings", shown, last + start)
    return None


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


def _opened(folder: str | Path) -> Any:
    try:  # torch ships the module, and TensorBoard what it needs
        module = importlib.import_module("torch.utils.tensorboard")
    except ImportError:
        module = None
    require_extra(module is not None, "TensorBoard", "tensorboard")
    return module.SummaryWriter(str(folder))  # type: ignore[union-attr]
