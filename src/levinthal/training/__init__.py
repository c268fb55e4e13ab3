"""Training: one loop that is a generator of snapshots, three optimisers, a schedule of steps."""

from __future__ import annotations

from levinthal.training.loop import choose_device, train
from levinthal.training.optimizers import SGD, Adam, RMSprop
from levinthal.training.schedules import log_spaced

__all__ = ["SGD", "Adam", "RMSprop", "choose_device", "log_spaced", "train"]
