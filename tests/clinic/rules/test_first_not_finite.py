"""Where a loss that is not finite began, and what is said to be done about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.clinic.cases import X, Y
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import watch
from levinthal.vocabulary import Finding

BROKEN_AT = 4
Loss = Callable[[Tensor, Tensor, bool], Tensor]
"""(output, targets, whether this step goes wrong) -> loss."""


class Masked(nn.Module):
    """A softmax over places that are all masked where `is_broken`."""

    is_broken = False

    def __init__(self) -> None:
        super().__init__()
        self.score, self.value, self.last = nn.Linear(64, 8), nn.Linear(8, 16), nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        score = self.score(x)
        hidden = score.masked_fill(torch.full_like(score, self.is_broken, dtype=torch.bool), -torch.inf)
        return self.last(self.value(hidden.softmax(1)))


def broken(loss: Loss, model: nn.Module | None = None, rate: float = 0.1) -> Finding | None:
    """NON_FINITE_LOSS of a run every step of which is sampled."""
    torch.manual_seed(0)
    model = model or nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), rate)
    with watch(model, optimizer, every=1) as w:
        for step in range(20):
            rows = torch.arange(64) + step
            model.is_broken = step == BROKEN_AT  # type: ignore[assignment]
            optimizer.zero_grad()
            loss(model(X[rows]), Y[rows], step == BROKEN_AT).backward()
            optimizer.step()
    assert (w.trouble, w.failed_rules) == ("", ())
    return next((f for f in w.findings() if f.code == "NON_FINITE_LOSS"), None)


def with_root(z: Tensor, y: Tensor, wrong: bool) -> Tensor:
    return functional.cross_entropy(z, y) + 0.01 * ((z * (not wrong)).square().sum(1)).sqrt().mean()


def with_safe_root(z: Tensor, y: Tensor, wrong: bool) -> Tensor:
    return functional.cross_entropy(z, y) + 0.01 * ((z * (not wrong)).square().sum(1) + 1e-8).sqrt().mean()


def of_logarithms(z: Tensor, y: Tensor, wrong: bool) -> Tensor:
    return functional.nll_loss((z.softmax(1) * (not wrong)).log(), y)


def plain(z: Tensor, y: Tensor, _: bool) -> Tensor:
    return functional.cross_entropy(z, y)


def divided(z: Tensor, y: Tensor, wrong: bool) -> Tensor:
    hidden = z.square().sum(1) * (not wrong)
    safe = torch.where(hidden > 0, hidden.pow(0.25), torch.zeros_like(hidden))
    return functional.cross_entropy(z, y) + 0.01 * safe.mean()


CASES: dict[str, tuple[Loss, Callable[[], nn.Module | None], str, str, str]] = {
    "root of 0": (with_root, lambda: None, "2.weight", "square root of 0", "sqrt()"),
    "logarithm of 0": (of_logarithms, lambda: None, "loss", "logarithm of 0", "clamp"),
    "a row that is masked": (plain, Masked, "value", "its output", "-inf"),
    "where hides an infinite slope": (divided, lambda: None, "2.weight", "the gradient", "torch.where"),
}


@pytest.mark.parametrize("name", CASES)
def test_where_it_began_and_the_operation_are_named(name: str) -> None:
    loss, model, where, said, remedy = CASES[name]
    found = broken(loss, model())
    assert found is not None
    assert where in found.where
    assert said in " ".join(map(str, found.evidence.values()))
    assert remedy in found.remedy


def test_a_root_away_from_zero_is_no_fault() -> None:
    assert broken(with_safe_root) is None


def test_a_rate_that_is_too_high_keeps_the_usual_remedy() -> None:
    deep = nn.Sequential(*(nn.Linear(64, 64) for _ in range(6)), nn.Linear(64, 10))
    found = broken(
        lambda z, y, _: functional.mse_loss(z, functional.one_hot(y, 10).float()), deep, rate=100.0
    )
    assert found is not None
    assert found.remedy.startswith("lower the learning rate")
