"""Classes that are passed one after the other, and what is near it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from levinthal.clinic import watch

DRAW = torch.Generator().manual_seed(0)
Y = torch.arange(200) % 2
X = torch.randn(200, 6, generator=DRAW) + Y[:, None]
FIRST, SECOND = X[Y == 0], X[Y == 1]


def codes(middle: nn.Module, together: bool, by_turns: bool = False) -> list[str]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 12), middle, nn.ReLU(), nn.Linear(12, 2))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    zeros, ones = torch.zeros(16, dtype=torch.long), torch.ones(16, dtype=torch.long)

    def loss(step: int) -> Tensor:
        a, b = FIRST[torch.randint(0, 100, (16,))], SECOND[torch.randint(0, 100, (16,))]
        if by_turns:
            return fn.cross_entropy(model(b), ones) if step % 2 else fn.cross_entropy(model(a), zeros)
        if together:
            return fn.cross_entropy(model(torch.cat((a, b))), torch.cat((zeros, ones)))
        return fn.cross_entropy(model(a), zeros) + fn.cross_entropy(model(b), ones)

    with watch(model, optimizer, every=3) as w:
        for step in range(60):
            optimizer.zero_grad()
            loss(step).backward()
            optimizer.step()
    assert w.failed_rules == ()
    return [f.code for f in w.findings()]


@pytest.mark.parametrize(
    ("middle", "together", "named"),
    [(nn.BatchNorm1d(12), False, True), (nn.BatchNorm1d(12), True, False), (nn.LayerNorm(12), False, False)],
)
def test_one_class_a_pass_matters_under_batch_norm(middle: nn.Module, together: bool, named: bool) -> None:
    found = codes(middle, together)
    assert ("UNSHUFFLED" in found) == named
    assert "CLASS_IMBALANCE" not in found


def test_batches_of_one_of_two_classes_are_sorted() -> None:
    assert codes(nn.Identity(), together=False, by_turns=True)[0] == "UNSHUFFLED"
