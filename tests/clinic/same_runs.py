"""One training program with the watch and without it: everything that it leaves, compared to the bit."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic.watching import Watch, watch

Step = Callable[[int], Any]
Program = Callable[[], tuple[Any, Any, Step]]
"""Makes a model, its optimiser (or several), and a function that takes step i and returns what it saw."""


def ran(program: Program, *, steps: int, watched: bool, **words: Any) -> tuple[list[Any], Watch | None]:
    """All that a program leaves behind, and the watch."""
    torch.manual_seed(7)
    np.random.seed(7)
    random.seed(7)
    model, optimizers, step = program()
    w = watch(model, optimizers, **words) if watched else None
    with w or nullcontext():
        outputs = [step(i) for i in range(steps)]
    modules = model if isinstance(model, list | tuple) else [model]
    several = optimizers if isinstance(optimizers, list | tuple) else [optimizers]
    left = [
        [m.state_dict(), [p.grad for p in m.parameters()], [n.training for n in m.modules()]] for m in modules
    ]
    drawn = [torch.get_rng_state(), list(np.random.get_state())]  # type checkers draw from Python's own
    return [outputs, left, [o.state_dict() for o in several], drawn, [hooks(m) for m in modules]], w


def same(program: Program, *, steps: int = 12, **words: Any) -> Watch:
    """The watch of a program that leaves the same with it and without it."""
    alone, _ = ran(program, steps=steps, watched=False)
    seen, w = ran(program, steps=steps, watched=True, **words)
    assert identical(alone, seen)
    assert w is not None
    return w


def identical(a: Any, b: Any) -> bool:
    """Whether two values are equal, their tensors to the bit."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        a, b = a.detach(), b.detach()
        return a.dtype == b.dtype and a.shape == b.shape and bool(((a == b) | ((a != a) & (b != b))).all())
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(identical(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(identical, a, b))
    return bool(a == b)


def hooks(model: nn.Module) -> list[int]:
    """How many hooks each module has, and whether anything else is in its place for calls."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_forward_hooks_with_kwargs", "_backward_hooks")
    counts = [len(getattr(module, kind)) for module in model.modules() for kind in kinds]
    return [*counts, sum("_compiled_call_impl" in module.__dict__ for module in model.modules())]


def over_batches(make: Callable[[], nn.Module], inputs: Tensor, labels: Tensor, size: int = 32) -> Program:
    """A plain loop over random batches."""

    def program() -> Any:
        model = make()
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)

        def step(_: int) -> Tensor:
            rows = torch.randint(len(inputs), (size,))
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(inputs[rows]), labels[rows])
            loss.backward()
            optimizer.step()
            return loss

        return model, optimizer, step

    return program
