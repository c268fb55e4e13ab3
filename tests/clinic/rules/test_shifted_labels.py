"""Labels shifted twice, and programs that shift them once or predict several tokens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.clinic.field.loops import drawn, findings
from torch import Tensor, nn
from torch.nn import functional

CODE = "LABELS_SHIFTED_TWICE"
TEXT = torch.stack([(torch.arange(14) * 3 + start) % 11 for start in range(11)]).repeat(30, 1)
TEXT = torch.where(torch.rand(TEXT.shape, generator=drawn()) < 0.2, 4, TEXT)


class Words(nn.Module):
    """Predicts a token from the one before, with its own loss, which shifts the labels."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(11, 24), nn.Linear(24, 11)

    def forward(self, ids: Tensor, labels: Tensor | None = None) -> Tensor:
        logits: Tensor = self.head(self.embed(ids))
        if labels is None:
            return logits
        return functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())


def severity(loss: Callable[[nn.Module, Tensor], Tensor]) -> str:
    """How severe it is; "" where it is not found."""
    torch.manual_seed(0)
    model = Words()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    found = findings(model, optimizer, lambda i: loss(model, TEXT[i % 300 : i % 300 + 30]), steps=40)
    return str(found[CODE].severity) if CODE in found else ""


def inside(first: int) -> Callable[[nn.Module, Tensor], Tensor]:
    return lambda model, x: model(x[:, :-1], labels=x[:, first : first + 13])


def outside(*ahead: int) -> Callable[[nn.Module, Tensor], Tensor]:
    """The sum of the losses of tokens so many places later."""

    def loss(model: nn.Module, x: Tensor) -> Tensor:
        ids = x[:, : -max(ahead)]
        pairs = ((model(ids), x[:, k : k + ids.shape[1]]) for k in ahead)
        return sum((functional.cross_entropy(z.transpose(1, 2), y) for z, y in pairs), torch.zeros(()))

    return loss


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        pytest.param(inside(1), "warning", id="the user and the model shift"),
        pytest.param(inside(0), "", id="the model shifts"),
        pytest.param(outside(2), "info", id="the loop shifts by two"),
        pytest.param(outside(1), "", id="the loop shifts"),
        pytest.param(outside(2, 1), "", id="several tokens are predicted"),
    ],
)
def test_labels_shifted_twice_are_named(loss: Callable[[nn.Module, Tensor], Tensor], expected: str) -> None:
    assert severity(loss) == expected
