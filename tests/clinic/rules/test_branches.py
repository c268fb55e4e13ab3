"""Experts of a mixture: those that are not chosen are not cut off."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import watch

X = torch.randn(500, 8, generator=torch.Generator().manual_seed(0))
Y = X[:, :4].argmax(1)


class Mixture(nn.Module):
    """Four experts, of which a rule chooses one for each row; the last is never chosen."""

    def __init__(self, *, by_value: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.by_value, self.experts = by_value, nn.ModuleList(nn.Linear(8, 4) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        out = x.new_zeros(len(x), 4)
        for place in range(3):
            chosen = x[:, 0] > 1.5 - place if self.by_value else torch.arange(len(x)) % 3 == place
            rows = chosen.nonzero()[:, 0]
            if len(rows):
                out = out.index_add(0, rows, self.experts[place](x[rows]))
        return out


@pytest.mark.parametrize(
    ("by_value", "said"), [(True, []), (False, ["info"])], ids=["in turns", "at each step"]
)
def test_an_expert_that_is_never_chosen_is_not_cut_off(by_value: bool, said: list[str]) -> None:
    model = Mixture(by_value=by_value)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, every=1) as w:
        for step in range(60):
            rows = torch.arange(6) + 6 * step
            optimizer.zero_grad()
            functional.cross_entropy(model(X[rows]), Y[rows]).backward()
            optimizer.step()
    assert [f.severity for f in w.findings() if f.code == "GRAPH_BROKEN"] == said
