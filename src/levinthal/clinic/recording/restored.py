"""Restore what an evaluation during training would change: random states and module attributes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Generator, nn


@contextmanager
def random_states_restored(source: Any) -> Iterator[None]:
    """Restore the global random states and a loader's generators afterwards."""
    holders = (source, getattr(source, "sampler", None))
    generators = [g for g in (getattr(h, "generator", None) for h in holders) if isinstance(g, Generator)]
    states = [g.get_state() for g in generators]
    draws, numpy_draws = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(()):
            yield
    finally:
        random.setstate(draws)
        np.random.set_state(numpy_draws)
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)


@contextmanager
def attributes_restored(model: nn.Module) -> Iterator[None]:
    """Restore attributes that a forward pass sets on a module (a hidden state, a counter) afterwards."""
    before = {module: dict(module.__dict__) for module in model.modules()}
    try:
        yield
    finally:
        for module, attributes in before.items():
            module.__dict__.clear()
            module.__dict__.update(attributes)
