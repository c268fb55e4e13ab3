"""Random states come back, and no user's module is called where a call could change it."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from levinthal.probes.plain_copy import plain_copy
from levinthal.probes.recording import is_activation
from levinthal.probes.untouched import RandomStates, random_states_restored


def test_a_draw_is_undone() -> None:
    def drawn() -> tuple[float, ...]:  # the type checker of the tests draws from Python's own generator
        return float(np.random.rand()), float(torch.rand(()))

    with random_states_restored():
        first = drawn()
        assert drawn() != first
    assert drawn() == first


@pytest.mark.parametrize("draw", [np.random.rand, lambda: torch.rand(1)])
def test_a_draw_of_numpy_or_torch_is_noticed(draw: Any) -> None:
    before = RandomStates.now()
    assert not before.arrays_moved()
    draw()
    assert before.arrays_moved()


class DropPath(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * x.new_empty((len(x),) + (1,) * (x.dim() - 1)).bernoulli_(0.99) / 0.99


class Noisy(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.tanh() + 0 * random.random()


class Numpy(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.tanh() + 0 * np.random.rand()


@pytest.mark.parametrize("make", [DropPath, Noisy, Numpy])
def test_a_stochastic_module_is_no_activation(make: type[nn.Module]) -> None:
    before = RandomStates.now()
    assert not any(is_activation(make()) for _ in range(50))
    assert not before.arrays_moved()


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.calls, self.seen = 0, [0]
        self.register_buffer("mean", torch.zeros(1))
        self.act = self.curve

    def curve(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.seen.append(len(x))
        self.mean += 1.0
        return x.tanh()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x)


def test_what_a_module_counts_and_stores_is_not_changed() -> None:
    module = Counting()
    assert is_activation(module)
    assert (module.calls, module.seen, float(module.mean)) == (0, [0], 0.0)


def test_a_module_that_holds_other_objects_is_not_called() -> None:
    module = nn.Identity()
    for value in (torch.Generator(), nn.Linear(2, 2).forward, [].append, object()):
        module.held = value
        assert plain_copy(module) is None
    module.held = (1, "tanh", torch.tanh, {"scale": 2.0})
    assert plain_copy(module) is not None


def test_a_printing_activation_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    class Printing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            print(x.shape)
            return x.tanh()

    assert is_activation(Printing())
    assert capsys.readouterr().out == ""
