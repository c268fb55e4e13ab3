"""A question of order put to a model without positions, and a question that a set answers."""

from __future__ import annotations

import pytest
import torch
from tests.clinic.field.loops import drawn, findings, warned
from tests.clinic.recording.test_order_passes import Encoder
from torch import Tensor
from torch.nn import functional

CODE = "ORDER_IGNORED"
WORDS = torch.randint(0, 10, (600, 10), generator=drawn())
WHICH = torch.randint(0, 2, (600,), generator=drawn(1))
BOTH = torch.stack((10 + WHICH, 11 - WHICH), 1)
"""Two marks, of which the one that comes first is asked for."""


def held(order: bool) -> Tensor:
    x = WORDS.clone()
    x[:, 2] = BOTH[:, 0]
    x[:, 7] = BOTH[:, 1] if order else BOTH[:, 0]
    return x


@pytest.mark.parametrize(
    ("order", "positions", "is_wrong"),
    [
        pytest.param(True, None, True, id="order without positions"),
        pytest.param(True, torch.randn(10, 16, generator=drawn(2)), False, id="order with positions"),
        pytest.param(False, None, False, id="a set"),
    ],
)
def test_an_order_that_is_not_seen_is_named(order: bool, positions: Tensor | None, is_wrong: bool) -> None:
    torch.manual_seed(0)
    model, x = Encoder(positions), held(order)

    def loss(i: int) -> Tensor:
        at = (torch.arange(32) + 32 * i) % 600
        return functional.cross_entropy(model(x[at]), WHICH[at])

    found = findings(model, torch.optim.Adam(model.parameters(), 1e-2), loss, steps=80, every=4)
    assert (CODE in warned(found)) is is_wrong
