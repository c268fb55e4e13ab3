"""Gradients that are summed over batches and not divided, and passes that are no batches."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.clinic.field.loops import drawn, findings
from torch import Tensor, nn
from torch.nn import functional

from levinthal.vocabulary import Finding

CODE = "ACCUMULATION_UNDIVIDED"
X = torch.randn(1024, 8, generator=drawn())
Y = X[:, :4].argmax(1)
Loop = Callable[[nn.Module, torch.optim.Optimizer, int], None]


def entropy(model: nn.Module, i: int, rows: int = 16) -> Tensor:
    at = (torch.arange(rows) + i * rows) % 1024
    return functional.cross_entropy(model(X[at]), Y[at])


def accumulated(
    passes: int = 8,
    factor: float = 1.0,
    afterwards: float = 1.0,
    clip: float = 0.0,
    loss: Callable[[nn.Module, int], Tensor] = entropy,
) -> Loop:
    """Passes of loss times factor; the gradients are multiplied again before the step."""

    def step(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
        optimizer.zero_grad()
        for k in range(passes):
            (factor * loss(model, passes * i + k)).backward()
        torch._foreach_mul_([p.grad for p in model.parameters() if p.grad is not None], afterwards)
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()

    return step


def found(
    loop: Loop, rate: float = 0.05, kind: type[torch.optim.Optimizer] = torch.optim.SGD
) -> dict[str, Finding]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
    optimizer = kind(model.parameters(), lr=rate)  # type: ignore[call-arg]
    return findings(model, optimizer, lambda i: loop(model, optimizer, i), steps=60, every=3)


def of_numbers(model: nn.Module, i: int) -> Tensor:
    at = (torch.arange(16) + i * 16) % 1024
    return functional.mse_loss(model(X[at]), 3 * X[at, :4])


def test_a_sum_is_noted_and_does_no_harm_where_steps_are_small() -> None:
    about = found(accumulated())[CODE]
    assert (about.severity, about.evidence["backward passes to a step"]) == ("info", 8)
    assert found(accumulated(factor=1024.0, afterwards=1 / 1024))[CODE].severity == "info"


def test_it_explains_steps_that_are_too_large() -> None:
    """The same learning rate trains where the loss is divided."""
    all_of_it = found(accumulated(32, loss=of_numbers), rate=0.1)
    assert all_of_it[CODE].severity != "info"
    assert all_of_it[CODE].follows is None
    others = [f for f in all_of_it.values() if f.code != CODE and f.severity != "info"]
    assert others
    assert all(f.follows for f in others)
    divided = found(accumulated(32, 1 / 32, loss=of_numbers), rate=0.1)
    assert not [f for f in divided.values() if f.severity != "info"]


def test_a_learning_rate_that_is_too_large_for_a_mean_is_the_cause_itself() -> None:
    seen = found(accumulated(2, loss=of_numbers), rate=50.0)
    assert seen[CODE].severity == "info"
    assert [f.code for f in seen.values() if f.severity != "info" and not f.follows] == ["LR_TOO_HIGH"]


def sharpness_aware(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    """The gradient at the weights one step further up."""
    optimizer.zero_grad()
    entropy(model, 2 * i).backward()
    moved = [0.01 * p.grad for p in model.parameters() if p.grad is not None]
    torch._foreach_add_([p.data for p in model.parameters()], moved)
    optimizer.zero_grad()
    entropy(model, 2 * i + 1).backward()
    torch._foreach_sub_([p.data for p in model.parameters()], moved)
    optimizer.step()


def adversarial(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    """Clean and perturbed rows of one batch."""
    at = (torch.arange(16) + 16 * i) % 1024
    optimizer.zero_grad()
    x = X[at].clone().requires_grad_()
    functional.cross_entropy(model(X[at]), Y[at]).backward()
    slope = torch.autograd.grad(functional.cross_entropy(model(x), Y[at]), x)[0]
    functional.cross_entropy(model(X[at] + 0.05 * slope.sign()), Y[at]).backward()
    optimizer.step()


def two_heads(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    """Two tasks of one pass."""
    at = (torch.arange(64) + 64 * i) % 1024
    optimizer.zero_grad()
    scores = model(X[at])
    functional.cross_entropy(scores[:, :2], X[at, 0].gt(0).long()).backward(retain_graph=True)
    functional.cross_entropy(scores[:, 2:], X[at, 1].gt(0).long()).backward()
    optimizer.step()


def with_a_penalty(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    """A loss, and a penalty on the slope, whose backward passes are apart."""
    at = (torch.arange(16) + 16 * i) % 1024
    optimizer.zero_grad()
    entropy(model, i).backward()
    x = X[at].clone().requires_grad_()
    slope = torch.autograd.grad(model(x).sum(), x, create_graph=True)[0]
    slope.square().sum(1).mean().backward()
    optimizer.step()


def real_and_fake(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    at = (torch.arange(16) + 16 * i) % 1024
    optimizer.zero_grad()
    for x, label in ((X[at], 1), (X[at] - 2, 0)):
        functional.cross_entropy(model(x), torch.full((16,), label)).backward()
    optimizer.step()


@pytest.mark.parametrize(
    "loop",
    [
        pytest.param(accumulated(factor=1 / 8), id="divided"),
        pytest.param(accumulated(afterwards=1 / 8), id="divided before the step"),
        pytest.param(accumulated(clip=0.1), id="clipped"),
        pytest.param(accumulated(passes=1), id="one pass"),
        pytest.param(sharpness_aware, id="sharpness-aware"),
        pytest.param(adversarial, id="adversarial"),
        pytest.param(two_heads, id="two tasks"),
        pytest.param(with_a_penalty, id="penalty"),
        pytest.param(real_and_fake, id="real and fake"),
    ],
)
def test_other_passes_are_no_finding(loop: Loop) -> None:
    assert CODE not in found(loop)


def test_an_optimiser_that_divides_by_the_gradient_does_not_feel_it() -> None:
    assert CODE not in found(accumulated(), 1e-3, torch.optim.Adam)
