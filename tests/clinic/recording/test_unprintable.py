"""An exception whose message cannot be read changes no training."""

from __future__ import annotations

import warnings

import torch
from torch import nn

from levinthal import Finding, watch


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_an_exception_without_a_message_of_a_users_function_is_told_and_the_training_goes_on() -> None:
    def fails(finding: Finding) -> None:
        raise UnprintableError

    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 3), nn.Softmax(1))
    descent = torch.optim.SGD(net.parameters(), 0.1)
    with warnings.catch_warnings(record=True) as told, watch(net, descent, every=2, on_finding=fails):
        warnings.simplefilter("always")
        for _ in range(60):
            descent.zero_grad()
            nn.functional.cross_entropy(net(torch.randn(32, 4)), torch.arange(32) % 3).backward()
            descent.step()
    assert [str(one.message) for one in told] == [
        "on_finding raised UnprintableError: its message cannot be read; the training goes on"
    ]
