"""Gradients cleared between the batches of one step, and passes that are cleared on purpose."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.clinic.field.loops import drawn, findings
from torch import Tensor, nn
from torch.nn import functional

CODE = "GRADIENT_CLEARED"
X = torch.randn(1000, 8, generator=drawn())
Y = X[:, :4].argmax(1)
Loop = Callable[[nn.Module, torch.optim.Optimizer, int], None]


def entropy(model: nn.Module, i: int, rows: int = 16) -> Tensor:
    at = (torch.arange(rows) + i * rows) % 1000
    return functional.cross_entropy(model(X[at]), Y[at])


def accumulated(clear: bool, to_none: bool = True, clip: bool = False) -> Loop:
    def step(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
        optimizer.zero_grad()
        for k in range(4):
            if clear:
                optimizer.zero_grad(set_to_none=to_none)
            (entropy(model, 4 * i + k) / 4).backward()
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()

    return step


def sharpness_aware(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    """The gradient at the weights one step further up."""
    optimizer.zero_grad()
    entropy(model, 2 * i).backward()
    moved = [0.01 * p.grad for p in model.parameters() if p.grad is not None]
    with torch.no_grad():
        torch._foreach_add_(list(model.parameters()), moved)
    optimizer.zero_grad()
    entropy(model, 2 * i + 1).backward()
    with torch.no_grad():
        torch._foreach_sub_(list(model.parameters()), moved)
    optimizer.step()


def adversarial(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    """One pass for the gradient of the inputs, one for that of the weights."""
    at = torch.randint(0, 1000, (16,))
    x = X[at].clone().requires_grad_()
    functional.cross_entropy(model(x), Y[at]).backward()
    assert x.grad is not None
    optimizer.zero_grad()
    functional.cross_entropy(model(X[at] + 0.05 * x.grad.sign()), Y[at]).backward()
    optimizer.step()


def added_elsewhere(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    """Each gradient is clipped and added to a sum that the loop holds."""
    sums = [torch.zeros_like(p) for p in model.parameters()]
    for k in range(4):
        optimizer.zero_grad()
        entropy(model, 4 * i + k).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        torch._foreach_add_(sums, [p.grad for p in model.parameters() if p.grad is not None])
    for p, total in zip(model.parameters(), sums, strict=True):
        p.grad = total / 4
    optimizer.step()


def of_another_loss(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    """A penalty whose gradient is measured, and not used."""
    functional.mse_loss(model(X[:16]), torch.zeros(16, 4)).backward()
    optimizer.zero_grad()
    entropy(model, i).backward()
    optimizer.step()


def chosen(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    """The batch with the largest gradient of three is trained on."""
    sizes = []
    for k in range(3):
        optimizer.zero_grad()
        entropy(model, 3 * i + k).backward()
        sizes.append(float(sum(p.grad.norm() for p in model.parameters() if p.grad is not None)))
    optimizer.zero_grad()
    entropy(model, 3 * i + sizes.index(max(sizes))).backward()
    optimizer.step()


@pytest.mark.parametrize(
    ("loop", "is_wrong"),
    [
        pytest.param(accumulated(clear=True), True, id="cleared"),
        pytest.param(accumulated(clear=True, to_none=False, clip=True), True, id="set to zero, and clipped"),
        pytest.param(accumulated(clear=False), False, id="accumulated"),
        pytest.param(sharpness_aware, False, id="sharpness-aware"),
        pytest.param(adversarial, False, id="adversarial"),
        pytest.param(added_elsewhere, False, id="added elsewhere"),
        pytest.param(of_another_loss, False, id="another loss"),
        pytest.param(chosen, False, id="chosen among candidates"),
    ],
)
def test_batches_that_are_lost_are_named(loop: Loop, is_wrong: bool) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    found = findings(model, optimizer, lambda i: loop(model, optimizer, i), steps=30, every=3)
    assert (CODE in found) is is_wrong
    if is_wrong:
        assert found[CODE].severity != "info"
