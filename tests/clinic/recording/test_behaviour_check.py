"""The behavioural checks reach nothing of the user's: state, hooks, output, random numbers."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from levinthal.clinic import watch
from levinthal.clinic.recording import model_copy
from levinthal.clinic.recording.model_copy import NotCopiedError, copy_in_evaluation

X = torch.randn(64, 6, generator=torch.Generator().manual_seed(0))


class Busy(nn.Module):
    """A network whose forward pass counts, prints, warns, draws, and remembers."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.f, self.g = nn.Linear(6, 8), nn.Linear(8, 2)
        self.calls, self.seen, self.told = 0, list[int](), {"rows": 0}
        self.memory = torch.zeros(8)
        self.register_buffer("mean", torch.zeros(8))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.seen.append(len(x))
        self.told["rows"] += len(x)
        print("forward")
        warnings.warn("forward", stacklevel=1)
        h = self.f(x) + 1e-3 * torch.randn(8) + random.random() * 1e-3 + float(np.random.rand()) * 1e-3
        self.memory += h.detach().mean(0)
        self.mean.mul_(0.9).add_(h.detach().mean(0))
        return self.g(h)  # type: ignore[no-any-return]


class Counting(TorchFunctionMode):
    """A mode of the user's that counts calls."""

    calls = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        Counting.calls += 1
        return func(*args, **(kwargs or {}))


def state(model: Busy, hooked: list[int]) -> list[object]:
    tensors = [model.memory, model.mean, *model.parameters()]
    kept = (model.calls, list(model.seen), dict(model.told), len(hooked), Counting.calls)
    drawn = (float(torch.rand(1)), random.random(), float(np.random.rand()))
    return [*(t.tolist() for t in tensors), kept, drawn]


def trained(checks: bool, capsys: pytest.CaptureFixture[str]) -> tuple[list[object], str, bool]:
    random.seed(0)
    np.random.seed(0)
    model, hooked = Busy(), list[int]()
    model.f.register_forward_hook(lambda *_: hooked.append(1))
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    Counting.calls = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with watch(model, optimizer, every=1, behavioural_checks=checks) as w, Counting():
            for _ in range(12):
                optimizer.zero_grad()
                nn.functional.mse_loss(model(X), X[:, :2]).backward()
                optimizer.step()
    return state(model, hooked), capsys.readouterr().out, w.history.behaviour is not None


def test_nothing_of_the_users_changes(capsys: pytest.CaptureFixture[str]) -> None:
    (plain, said, looked), (seen, said_too, looked_too) = trained(False, capsys), trained(True, capsys)
    assert (looked, looked_too) == (False, True)
    assert seen == plain
    assert said == said_too


@pytest.mark.parametrize("sizes", [(0, 2**28), (2**26, 0)])
def test_large_weights_are_shared_and_large_models_left_alone(
    sizes: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_copy, "CLONED", sizes[0])
    monkeypatch.setattr(model_copy, "HELD", sizes[1])
    model = Busy()
    if not sizes[1]:
        with pytest.raises(NotCopiedError, match="too much"):
            copy_in_evaluation(model)
        return
    twin, _ = copy_in_evaluation(model)
    assert all(a is b for a, b in zip(twin.parameters(), model.parameters(), strict=True))
    assert model.training
    assert not twin.training


def test_a_model_that_refuses_copies_is_watched_without_checks() -> None:
    model = nn.Sequential(nn.Linear(6, 2))
    model.lock = (x for x in ())  # type: ignore[assignment]
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, every=1) as w:
        for _ in range(6):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(X), X[:, :2]).backward()
            optimizer.step()
    assert w.history.behaviour is None
    assert "refuses" in w._loop._reader.check.trouble
    assert not w.trouble
    assert not w.unseen


def test_weight_norm_of_torch_stays_in_a_copy() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = nn.Sequential(nn.utils.spectral_norm(nn.Linear(6, 2)))
    hooked = list[int]()
    model[0].register_forward_hook(lambda *_: hooked.append(1))
    torch.testing.assert_close(copy_in_evaluation(model)[0](X), model.eval()(X))
    assert len(hooked) == 1
