"""Prefixes of frozen parameters: each has to match a parameter, a buffer or a module."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import levinthal
from levinthal.clinic.failures.frozen import require_known_prefixes
from levinthal.errors import InputError


def test_parameters_buffers_and_modules_are_matched() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, affine=False), nn.Dropout())
    require_known_prefixes(model, ("0.", "0.weight", "1.running_mean", "2"))


@pytest.mark.parametrize(
    ("frozen", "hint"), [(("zzz",), r"known: \(0.weight"), ("0.wieght", "did you mean '0.weight'")]
)
def test_a_prefix_of_nothing_is_refused_with_the_near_names(frozen: tuple[str, ...], hint: str) -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(InputError, match=f"matches no parameter: {hint}"):
        levinthal.watch(model, torch.optim.SGD(model.parameters(), 0.1), frozen=frozen)


@pytest.mark.parametrize("frozen", [3, None, ("0.", 3), ("0.", None), [nn.Linear(1, 1).weight]])
def test_anything_but_names_and_predicates_is_refused_in_one_line(frozen: object) -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(InputError, match="give prefixes, patterns or predicates") as error:
        levinthal.watch(model, torch.optim.SGD(model.parameters(), 0.1), frozen=frozen)
    assert len(str(error.value).splitlines()) == 1
