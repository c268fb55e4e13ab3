"""Backward passes and never a step; gradients that are all zero."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import State, Watch, watch

X = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
Y = X[:, :4].argmax(1)


Step = Callable[[torch.optim.Optimizer, nn.Module], None]


def looped(step: Step, factor: float = 1.0, steps: int = 40) -> Watch:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 4))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, every=2) as w:
        for _ in range(steps):
            optimizer.zero_grad()
            loss: Tensor = factor * functional.cross_entropy(model(X), Y)
            loss.backward()
            step(optimizer, model)
    assert (w.trouble, w.failed_rules) == ("", ())
    return w


def by_hand(_: torch.optim.Optimizer, model: nn.Module) -> None:
    for p in model.parameters():
        p.data -= 0.1 * p.grad  # type: ignore[operator]


def test_a_loop_that_never_steps_is_named() -> None:
    w = looped(lambda *_: None)
    assert [(f.code, f.severity) for f in w.findings()] == [("NEVER_STEPPED", "critical")]
    assert w.answer().state is State.CAUSE


@pytest.mark.parametrize(
    ("step", "steps"),
    [(by_hand, 40), (lambda optimizer, _: optimizer.step(), 40), (lambda *_: None, 10)],
    ids=["steps by hand", "an ordinary loop", "the beginning of an accumulation"],
)
def test_a_loop_whose_weights_change_or_that_has_just_begun_is_not(step: Step, steps: int) -> None:
    assert "NEVER_STEPPED" not in [f.code for f in looped(step, steps=steps).findings()]


@pytest.mark.parametrize("backward", [True, False], ids=["Fisher information", "profiled"])
@pytest.mark.parametrize("is_trained", [True, False])
def test_a_network_that_was_trained_before_need_not_step(backward: bool, is_trained: bool) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 4))
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(100 if is_trained else 0):
        optimizer.zero_grad()
        functional.cross_entropy(model(X), Y).backward()
        optimizer.step()
    with watch(model, optimizer, every=2) as w:
        for i in range(40):
            loss = functional.cross_entropy(model(X[i : i + 8]), Y[i : i + 8])
            if backward:
                model.zero_grad()
                loss.backward()
    severity = "info" if is_trained else "critical"
    assert [(f.code, f.severity) for f in w.findings()] == [("NEVER_STEPPED", severity)]


def forward_alone(*, is_training: bool, with_gradients: bool) -> Watch:
    """Losses, and never a backward pass."""
    model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 4)).train(is_training)
    with (
        watch(model, torch.optim.SGD(model.parameters(), 0.1), every=2) as w,
        torch.set_grad_enabled(with_gradients),
    ):
        for _ in range(40):
            functional.cross_entropy(model(X), Y)
    assert (w.trouble, w.failed_rules) == ("", ())
    return w


def test_losses_that_nothing_differentiates_are_named() -> None:
    [only] = forward_alone(is_training=True, with_gradients=True).findings()
    assert (only.code, only.severity) == ("NEVER_STEPPED", "critical")
    assert only.remedy.startswith("call `loss.backward()`")


@pytest.mark.parametrize(("is_training", "with_gradients"), [(False, True), (True, False), (False, False)])
def test_an_evaluation_alone_is_no_training(is_training: bool, with_gradients: bool) -> None:
    w = forward_alone(is_training=is_training, with_gradients=with_gradients)
    assert "NEVER_STEPPED" not in [f.code for f in w.findings()]


def test_gradients_that_are_all_zero_are_named() -> None:
    first = looped(lambda optimizer, _: optimizer.step(), factor=0.0).findings()[0]
    assert (first.code, first.severity, first.follows) == ("GRAPH_BROKEN", "critical", None)
    assert "factor or mask of 0" in first.remedy
