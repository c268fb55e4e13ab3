"""Validation rows or losses that are not finite are never called healthy."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic.answer.states import State
from levinthal.clinic.watching import Watch, watch
from levinthal.vocabulary import Severity


def labels(x: Tensor) -> Tensor:
    return (x[:, :5].sum(1) > 0).long()


X = torch.randn(256, 8, generator=torch.Generator().manual_seed(0))
Y = labels(X)
HELD = torch.randn(64, 8, generator=torch.Generator().manual_seed(1))
ONE = torch.where(torch.arange(64)[:, None] == 3, torch.nan, HELD)


def trained(model: nn.Module, validation: tuple[Tensor, Tensor]) -> Watch:
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    draw = torch.Generator().manual_seed(2)
    with watch(model, optimizer, every=1, validation=validation) as w:
        for _ in range(120):
            rows = torch.randint(256, (32,), generator=draw)
            optimizer.zero_grad()
            functional.cross_entropy(model(X[rows]), Y[rows]).backward()
            optimizer.step()
    return w


def mlp() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))


@pytest.mark.parametrize("rows", [HELD * torch.nan, ONE, HELD * torch.inf], ids=["all", "one", "infinite"])
def test_validation_rows_that_are_not_finite_are_the_cause(rows: Tensor) -> None:
    w = trained(mlp(), (rows, labels(HELD)))
    first = w.findings()[0]
    assert (first.code, first.where, first.severity) == ("NON_FINITE_INPUT", "validation", Severity.CRITICAL)
    assert w.answer().state is State.CAUSE


class Fragile(nn.Module):
    """Gives nan in evaluation mode alone."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = mlp()

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) if self.training else self.inner(x) * torch.nan  # type: ignore[no-any-return]


def test_a_validation_loss_that_is_not_finite_is_not_healthy() -> None:
    w = trained(Fragile(), (HELD, labels(HELD)))
    assert w.answer().state is State.NO_CAUSE
    assert "validation loss is not finite" in w.answer().headline


class Imputing(nn.Module):
    """Takes nan for a missing value."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = mlp()

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.nan_to_num())  # type: ignore[no-any-return]


def test_missing_values_on_purpose_are_info() -> None:
    w = trained(Imputing(), (ONE, labels(HELD)))
    assert [f.severity for f in w.findings() if f.code == "NON_FINITE_INPUT"] == [Severity.INFO]
    assert trained(mlp(), (HELD, labels(HELD))).answer().state is State.HEALTHY
