"""Rows and labels that do not belong together, and what a network learns by heart of them."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as fn

from levinthal.clinic import Watch, watch

DRAW = torch.Generator().manual_seed(0)
X = torch.randn(600, 8, generator=DRAW)
Y = X[:, :1] - X[:, 1:2] + 0.3 * torch.randn(600, 1, generator=DRAW)
APART = Y[torch.randperm(600, generator=DRAW)]


def watched(targets: torch.Tensor, rate: float) -> Watch:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 1))
    optimizer = torch.optim.Adam(model.parameters(), rate)
    with watch(model, optimizer, every=5) as w:
        for step in range(200):
            rows = torch.arange(step * 32, step * 32 + 32) % 600
            optimizer.zero_grad()
            fn.mse_loss(model(X[rows]), targets[rows]).backward()
            optimizer.step()
    return w


@pytest.mark.parametrize(("targets", "apart"), [(APART, True), (Y, False)])
def test_targets_of_other_rows_are_named_although_a_part_is_learnt_by_heart(
    targets: torch.Tensor, apart: bool
) -> None:
    w = watched(targets, 3e-3)
    assert ("LABELS_UNRELATED" in {f.code for f in w.findings()}) == apart
    if apart:
        assert 0.8 < w.history.losses[-8:].mean() / w.history.chance < 0.95
