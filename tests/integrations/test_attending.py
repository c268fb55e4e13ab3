from __future__ import annotations

import pytest
import torch
from tests.clinic.cases import X, Y, mlp, sampled
from torch import nn
from torch.nn import functional

from levinthal.clinic import FindingError
from levinthal.errors import InputError
from levinthal.integrations.attending import Attending


def is_watched(model: nn.Module) -> bool:
    return any("_compiled_call_impl" in vars(module) for module in model.modules())


def train(attending: Attending, model: nn.Module, steps: int = 30) -> None:
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    attending.begin(model, [optimizer])
    for step in range(steps):
        rows = torch.arange(step * 64, step * 64 + 64) % len(X)
        optimizer.zero_grad()
        functional.cross_entropy(model(X[rows]), Y[rows]).backward()
        optimizer.step()


def test_it_begins_and_ends_a_watch() -> None:
    attending, model = Attending(every=5), mlp()
    train(attending, model)
    assert is_watched(model)
    attending.end()
    assert not is_watched(model)
    assert attending.watch.history.steps.tolist() == sampled(30, 5)


def test_beginning_again_ends_what_was_left_open() -> None:
    attending, first, second = Attending(), mlp(), mlp()
    train(attending, first)
    train(attending, second)
    assert (is_watched(first), is_watched(second)) == (False, True)
    attending.end()
    attending.end()
    assert not is_watched(second)


def test_it_raises_only_what_it_is_asked_to() -> None:
    faulty = mlp(top=nn.Softmax(1))
    for severity, expected in (("critical", True), (None, False)):
        attending = Attending(every=2, raise_if=severity)
        attending.judge()
        train(attending, faulty)
        attending.end()
        if expected:
            with pytest.raises(FindingError, match="DOUBLE_SOFTMAX"):
                attending.judge()
        else:
            attending.judge()


def test_what_it_refuses() -> None:
    with pytest.raises(InputError, match="did you mean 'critical'"):
        Attending(raise_if="crticial")
    with pytest.raises(InputError, match="no training has been watched"):
        Attending().watch  # noqa: B018
