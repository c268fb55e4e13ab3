"""Updates lost to rounding or clipping, and weights that decay; beside each a run that nearly does so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.clinic.cases import Loop, X, mlp
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrize

from levinthal.clinic import Watch, watch

SGD, Adam = torch.optim.SGD, torch.optim.Adam
BFLOAT = Loop(inputs=X.bfloat16())


def run(model: nn.Module, rule: Callable, rate: float, loop: Loop | None = None, **more) -> Watch:
    return (loop or Loop()).run(model, rule(model.parameters(), rate, **more))


def each(change: Callable[[torch.Tensor], object]) -> Callable[[nn.Module], None]:
    """Something done to every parameter."""

    def done(model: nn.Module) -> None:
        for p in model.parameters():
            change(p)

    return done


def on_a_grid(p: torch.Tensor) -> None:
    p.copy_((p * 16).round() / 16)


def bounded_by_hooks() -> nn.Module:
    model = mlp()
    for p in model.parameters():
        p.register_hook(lambda gradient: gradient.clamp(-1e-7, 1e-7))
    return model


def penalised(weight: float) -> Watch:
    model = mlp()

    def loss(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        penalty: torch.Tensor = sum((p**2).sum() for p in model.parameters())  # type: ignore[assignment]
        return functional.cross_entropy(z, y) + weight * penalty

    return run(model, SGD, 0.1, Loop(loss=loss))


class Far(nn.Module):
    def forward(self, stored: torch.Tensor) -> torch.Tensor:
        return stored - 1e6

    def right_inverse(self, weight: torch.Tensor) -> torch.Tensor:
        return weight + 1e6


def far() -> nn.Module:
    model = mlp()
    for layer in model:
        if isinstance(layer, nn.Linear):
            parametrize.register_parametrization(layer, "weight", Far())
    return model


def scaled() -> Watch:
    """Gradients multiplied by a power of two after backward, and divided by it before the step."""
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)

    def unscale(*_: object) -> None:
        for p in model.parameters():
            p.grad.div_(2**16)  # type: ignore[union-attr]

    w = watch(model, optimizer, every=5)
    with w:
        optimizer.register_step_pre_hook(unscale)
        Loop(loss=lambda z, y: 2**16 * functional.cross_entropy(z, y)).train(model, optimizer)
    return w


FAULTY: dict[str, tuple[str, Callable[[], Watch]]] = {
    "clipped to nothing": ("OVER_CLIPPING", lambda: run(mlp(), SGD, 0.1, Loop(clip=1e-6))),
    "bounded by hooks": ("OVER_CLIPPING", lambda: run(bounded_by_hooks(), SGD, 0.1)),
    "decay of 5": ("EXCESS_WEIGHT_DECAY", lambda: run(mlp(), SGD, 0.1, weight_decay=5.0)),
    "a penalty in the loss": ("EXCESS_WEIGHT_DECAY", lambda: penalised(1.0)),
    "shrunk outside the step": (
        "EXCESS_WEIGHT_DECAY",
        lambda: run(mlp(), SGD, 0.1, Loop(after=each(lambda p: p.mul_(0.8)))),
    ),
    "rounded in half precision": (
        "UPDATE_LOST_TO_ROUNDING",
        lambda: run(mlp().bfloat16(), SGD, 1e-4, BFLOAT),
    ),
    "rounded to a grid": (
        "UPDATE_LOST_TO_ROUNDING",
        lambda: run(mlp(), SGD, 0.01, Loop(after=each(on_a_grid))),
    ),
    "weights of a million": ("UPDATE_LOST_TO_ROUNDING", lambda: run(far(), Adam, 1e-3)),
}
NEARLY: dict[str, tuple[str, Callable[[], Watch]]] = {
    "clipped to 1": ("OVER_CLIPPING", lambda: run(mlp(), SGD, 0.1, Loop(clip=1.0))),
    "scaled by a power of two": ("OVER_CLIPPING", scaled),
    "decay of 1e-3": ("EXCESS_WEIGHT_DECAY", lambda: run(mlp(), SGD, 0.1, weight_decay=1e-3)),
    "a small penalty in the loss": ("EXCESS_WEIGHT_DECAY", lambda: penalised(1e-4)),
    "half precision with larger steps": (
        "UPDATE_LOST_TO_ROUNDING",
        lambda: run(mlp().bfloat16(), SGD, 0.5, BFLOAT),
    ),
}


def test_a_scaled_gradient_that_is_clipped_is_to_be_unscaled_first() -> None:
    """The loss is 65,536 times as large, and so is the gradient at which it is clipped."""
    torch.manual_seed(3)
    loop = Loop(clip=1.0, loss=lambda z, y: 2**16 * functional.cross_entropy(z, y))
    found = next(f for f in run(mlp(), SGD, 1e-6, loop).findings() if f.code == "OVER_CLIPPING")
    assert "scaler.unscale_(optimizer)" in found.remedy
    assert found.evidence["loss scale"] == pytest.approx(2**16)


@pytest.mark.parametrize("name", FAULTY)
def test_the_cause_comes_first(name: str) -> None:
    torch.manual_seed(3)
    code, make = FAULTY[name]
    found = make().findings()
    assert [f.code for f in found][:1] == [code]
    assert found[0].severity != "info"
    assert found[0].evidence


@pytest.mark.parametrize("name", NEARLY)
def test_a_run_that_nearly_does_so_is_not_reported(name: str) -> None:
    torch.manual_seed(3)
    code, make = NEARLY[name]
    assert code not in [f.code for f in make().findings()]


def test_weights_that_are_nan_have_not_decayed() -> None:
    """Their norm was read as 0: "weights at the end / at the start 0"."""
    model = mlp()
    loop = Loop(after=each(lambda p: p.fill_(float("nan"))))
    found = loop.run(model, torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.1)).findings()
    assert "EXCESS_WEIGHT_DECAY" not in [f.code for f in found]
    assert "NON_FINITE_LOSS" in [f.code for f in found]
