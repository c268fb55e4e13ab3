"""Which later token is the target."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from levinthal.clinic.recording.token_targets import TokenTargets, ahead


@given(st.integers(1, 3), st.integers(6, 12), st.integers(2, 5), st.integers(0, 999))
def test_the_place_of_the_target_is_found(later: int, length: int, rows: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    whole = torch.stack([torch.randperm(40, generator=draw)[: length + later] for _ in range(rows)])
    numbers = ahead(whole[:, :length], whole[:, later : length + later].reshape(-1))
    assert numbers is not None
    assert numbers.tolist() == [rows * (length - 3), float(later == 1), float(later == 2), 1.0]


def test_ignored_places_and_repeated_tokens_tell_nothing() -> None:
    x = torch.tensor([[9, 1, 2, 3, 4, 4, 4, 4, 4]])
    y = torch.tensor([[7, 3, -100, 4, 4, 4, 4, 4, -100]])  # tokens differ at two places, one of them ignored
    assert ahead(x, y).tolist() == [1.0, 0.0, 1.0, 0.0]  # type: ignore[union-attr]


@pytest.mark.parametrize("targets", [torch.arange(4), torch.randn(4, 9), torch.arange(37)])
def test_targets_of_another_shape_or_kind_are_not_compared(targets: Tensor) -> None:
    assert ahead(torch.randint(0, 50, (4, 9)), targets) is None


class Labelled(nn.Module):
    def forward(self, ids: Tensor, labels: Tensor | None = None, **words: Any) -> None: ...


@pytest.mark.parametrize("by_name", [True, False])
def test_labels_are_no_inputs(by_name: bool) -> None:
    x = torch.arange(24).view(2, 12)
    ids, labels, deeper = x[:, :-2], x[:, 1:-1], x[:, 2:]
    tokens = TokenTargets()
    args: tuple[Tensor, ...] = (ids,) if by_name else (ids, labels)
    tokens.hold(Labelled(), args, {"labels": labels} if by_name else {})
    assert [numbers.tolist() for numbers in tokens.compared(deeper)] == [[14.0, 0.0, 1.0, 1.0]]
    tokens.release()
    assert tokens.compared(deeper) == []
