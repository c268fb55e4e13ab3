"""Padding that counts in the loss, and padding that does not."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as fn

from levinthal.clinic import watch
from levinthal.vocabulary import Severity

WORDS = torch.randint(1, 9, (400, 12), generator=torch.Generator().manual_seed(0))


def padded(longest: int) -> tuple[torch.Tensor, torch.Tensor]:
    lengths = torch.randint(2, longest, (400,), generator=torch.Generator().manual_seed(1))
    inside = torch.arange(12) < lengths[:, None]
    return WORDS * inside, (WORDS % 4 + 1) * inside


@pytest.mark.parametrize(
    ("longest", "ignored", "weight", "severity"),
    [
        (6, -100, None, Severity.WARNING),
        (12, -100, None, Severity.INFO),
        (6, 0, None, None),
        (6, -100, torch.tensor([0.0, 1, 1, 1, 1]), None),
    ],
)
def test_padding_counts_unless_it_is_ignored(
    longest: int, ignored: int, weight: torch.Tensor | None, severity: Severity | None
) -> None:
    torch.manual_seed(0)
    x, y = padded(longest)
    model = nn.Sequential(nn.Embedding(9, 16), nn.Linear(16, 5))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    with watch(model, optimizer, every=5) as w:
        for step in range(60):
            rows = torch.arange(32) + step * 5
            optimizer.zero_grad()
            out = model(x[rows]).reshape(-1, 5)
            fn.cross_entropy(out, y[rows].reshape(-1), weight, ignore_index=ignored).backward()
            optimizer.step()
    found = [f.severity for f in w.findings() if f.code == "PADDING_IN_LOSS"]
    assert found == ([severity] if severity else [])


def test_a_class_that_comes_within_sequences_too_is_no_padding() -> None:
    x, y = padded(6)
    y[::3, 0] = 0
    model = nn.Sequential(nn.Embedding(9, 16), nn.Linear(16, 5))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    with watch(model, optimizer, every=5) as w:
        for step in range(40):
            rows = torch.arange(32) + step * 5
            optimizer.zero_grad()
            fn.cross_entropy(model(x[rows]).transpose(1, 2), y[rows]).backward()
            optimizer.step()
    assert "PADDING_IN_LOSS" not in [f.code for f in w.findings()]
