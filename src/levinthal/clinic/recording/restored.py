"""Restore what reading a loader during training would change: random states, generators, workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from logging import Logger
from typing import Any

from torch import Generator, nn

from levinthal.probes.forward_state import ForwardState
from levinthal.probes.untouched import random_states_restored


@contextmanager
def loader_restored(source: Any) -> Iterator[None]:
    """Restore the global random states, a loader's generators and workers, and the state of its data."""
    sampler, batches = (getattr(source, name, None) for name in ("sampler", "batch_sampler"))
    holders = (source, sampler, batches, getattr(batches, "sampler", None))
    found = (getattr(holder, "generator", None) for holder in holders)
    generators = {id(g): (g, g.get_state()) for g in found if isinstance(g, Generator)}
    fresh = getattr(source, "_iterator", 0) is None  # persistent workers would go on from where we stopped
    held = ForwardState.of(nn.Identity(), also=[source], unchanged=(Logger,))
    try:
        with random_states_restored():
            yield
    finally:
        held.restore()
        for generator, state in generators.values():
            generator.set_state(state)
        if fresh:
            source._iterator = None
