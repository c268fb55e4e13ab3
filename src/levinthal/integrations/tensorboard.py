"""Write the findings and curves of a watch to TensorBoard."""

from __future__ import annotations

import importlib
from contextlib import closing
from pathlib import Path
from typing import Any

from levinthal.arguments import in_short
from levinthal.clinic.watching import Watch
from levinthal.errors import InputError
from levinthal.integrations.attending import require_extra
from levinthal.integrations.logged import PREFIX, counts, last_step, numbers_by_step, require_watch


def write(watch: Watch, writer: Any, *, start: int = 0) -> None:
    """Write the curves of a watch under `levinthal/`, and its findings as a text.

    The curves hold the sampled steps: the loss and, for the parameters of each layer, the norm of the
    gradient and the norm of the update divided by that of the weights (no unit). At the last of these steps
    are the numbers of critical findings, warnings and info.

    Args:
        watch: A watch, during or after training.
        writer: A SummaryWriter (torch's or tensorboardX's), which stays open; or a folder.
        start: Added to every step, for a training that was resumed.

    Raises:
        InputError: `writer` is a folder and TensorBoard is not installed; or `watch`, `writer` or `start` is
            of the wrong type.
    """
    start = require_watch(watch, start)
    if isinstance(writer, str | Path):
        with closing(_opened(writer)) as opened:
            return write(watch, opened, start=start)
    if isinstance(writer, type) or not (hasattr(writer, "add_scalar") and hasattr(writer, "add_text")):
        raise InputError(f"writer={in_short(writer)} is no SummaryWriter: pass one, or a folder")
    last = last_step(watch, start)
    for step, numbers in [*numbers_by_step(watch, start).items(), (last, counts(watch))]:
        for name, value in numbers.items():
            writer.add_scalar(name, value, step)
    shown = "\n".join(f"    {line}" for line in str(watch).splitlines())  # markdown: as it is
    writer.add_text(f"{PREFIX}findings", shown, last)
    return None


def _opened(folder: str | Path) -> Any:
    try:  # torch ships the module, and TensorBoard what it needs
        module = importlib.import_module("torch.utils.tensorboard")
    except ImportError:
        module = None
    require_extra(module is not None, "TensorBoard", "tensorboard")
    return module.SummaryWriter(str(folder))  # type: ignore[union-attr]
