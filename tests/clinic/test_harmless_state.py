"""A watched training stays the same where the model keeps state outside of its buffers."""

from __future__ import annotations

import collections
import functools
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.clinic.same_runs import Program, over_batches, same
from torch import Tensor, nn
from torch.nn import functional

X, Y = torch.randn(256, 16), torch.randint(4, (256,))


def simple(make: Callable[[], nn.Module], size: int = 32) -> Program:
    """A plain loop over random batches."""
    return over_batches(make, X, Y, size)


def rebound() -> nn.Module:
    model = nn.Sequential(nn.Linear(16, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 4))
    forward = model.forward
    model.forward = lambda *args: forward(*args)  # type: ignore[method-assign]
    return model


def wrapped() -> nn.Module:
    model = nn.Sequential(nn.Linear(16, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4))
    norm = model[1]
    old = norm.forward

    @functools.wraps(old)
    def forward(x: Tensor) -> Tensor:
        return old(x)

    norm.forward = forward
    return model


class Middle(nn.Module):
    """A function over the module itself, as an attribute or in a list."""

    def __init__(self, *, is_listed: bool = False) -> None:
        super().__init__()
        self.a, self.norm, self.b = nn.Linear(16, 8), nn.BatchNorm1d(8), nn.Linear(8, 4)
        self.drop = nn.Dropout(0.5)
        middle = lambda x: self.drop(self.norm(x).relu())  # noqa: E731
        self.middle = [middle] if is_listed else middle

    def forward(self, x: Tensor) -> Tensor:
        middle = self.middle[0] if isinstance(self.middle, list) else self.middle
        return self.b(middle(self.a(x)))


class Draws(nn.Module):
    """State of its own in lists, queues, generators and arrays, which the outputs depend on."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.seen, self.queue = nn.Linear(16, 4), list[int](), collections.deque[float](maxlen=3)
        self.numpy, self.own = np.random.default_rng(0), torch.Generator().manual_seed(2)
        self.python, self.decay = random.Random(1), np.ones(1)

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(len(x))
        self.queue.append(float(x.mean()))
        self.decay *= 0.99
        noise = float(self.numpy.normal()) + self.python.random() + torch.rand(1, generator=self.own)
        return self.a(x) * float(self.decay[0]) + 1e-3 * len(self.seen) + sum(self.queue) + 0.1 * noise


class Clamped(nn.Module):
    """Weights that every pass keeps on a ball, as in EEGNet."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        self.a.weight.data = torch.renorm(self.a.weight.data, 2, 0, 0.5)
        return self.a(x)


COUNTS = [0]


class Counts(nn.Module):
    """Counts on its class and in a global variable."""

    calls = 0

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(16, 4)
        Counts.calls = COUNTS[0] = 0

    def forward(self, x: Tensor) -> Tensor:
        Counts.calls += 1
        COUNTS[0] += 1
        return self.a(x) + 0.01 * (Counts.calls + COUNTS[0])


class Exits(nn.Module):
    """Ends the program where it is not in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            raise SystemExit(0)
        return self.a(x)


STATEFUL = {
    "forward is a closure": rebound,
    "wrapped forward": wrapped,
    "function over self": Middle,
    "function over self in a list": lambda: Middle(is_listed=True),
    "lists, generators, arrays": Draws,
    "clamped weights": Clamped,
    "class and global counters": Counts,
    "ends the program": Exits,
}


@pytest.mark.parametrize("name", STATEFUL)
@pytest.mark.parametrize("words", [{}, {"validation": (X[:64], Y[:64])}], ids=["plain", "validation"])
def test_state_outside_of_buffers_stays(name: str, words: dict[str, Any]) -> None:
    w = same(simple(STATEFUL[name]), every=1, **words)
    trouble = w._loop._reader.check.trouble
    expected = {
        "function over self in a list": "would reach the model itself",
        "ends the program": "SystemExit",
    }
    assert expected.get(name, "") in trouble
    assert bool(trouble) == (name in expected)


def test_a_function_over_the_model_is_passed_as_that_of_the_copy() -> None:
    w = same(simple(Middle), every=1)
    assert w.history.behaviour is not None
    assert not w.history.behaviour.is_random  # its dropout is off in evaluation mode
    assert w.history.behaviour.mixing is None  # and so is the batch's part in its norm


def test_a_stateful_loss_of_the_validation_stays() -> None:
    calls = [0]

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        calls[0] += 1
        return functional.cross_entropy(outputs, targets) * (1 + 0.01 * calls[0])

    def program() -> Any:
        calls[0] = 0
        model = nn.Linear(16, 4)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)

        def step(i: int) -> Tensor:
            optimizer.zero_grad()
            value = loss(model(X[i * 8 : i * 8 + 8]), Y[i * 8 : i * 8 + 8])
            value.backward()
            optimizer.step()
            return value

        return model, optimizer, step

    same(program, every=1, validation=(X[:64], Y[:64]), loss_fn=loss)


def test_hooks_of_all_modules_keep_their_state() -> None:
    calls = [0]

    def count(module: nn.Module, args: Any, output: Any) -> Any:
        calls[0] += isinstance(module, nn.Linear)
        return output * (1 + 1e-3 * calls[0]) if isinstance(module, nn.Linear) else None

    handle = nn.modules.module.register_module_forward_hook(count)
    try:

        def program() -> Any:
            calls[0] = 0
            return simple(lambda: nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 4)))()

        same(program, every=1)
        same(program, every=1, validation=(X[:64], Y[:64]))
    finally:
        handle.remove()
