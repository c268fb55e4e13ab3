"""A masked language model that copies, and programs that hide or change tokens for a good reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.clinic.field.loops import drawn, findings, warned
from torch import Tensor, nn
from torch.nn import functional

CODE = "VISIBLE_TOKENS_IN_LOSS"
TEXT = torch.randint(0, 9, (600, 10), generator=drawn())
HIDDEN = torch.rand(TEXT.shape, generator=drawn(1)) < 0.2
Pair = tuple[Tensor, Tensor]


class Words(nn.Module):
    """Each place sees its own token and, where wanted, a summary of all."""

    def __init__(self, own: bool) -> None:
        super().__init__()
        self.own, self.embed, self.head = own, nn.Embedding(10, 16), nn.Linear(32, 9)
        self.places = nn.Parameter(torch.randn(10, 16))

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embed(ids)
        if not self.own:
            x = (x * self.places).mean(1, keepdim=True) + self.places
        out: Tensor = self.head(torch.cat((x, x.mean(1, keepdim=True).expand_as(x)), -1))
        return out


def masked(counts_visible: bool) -> Callable[[Tensor, Tensor], Pair]:
    return lambda x, h: (x.masked_fill(h, 9), x if counts_visible else x.masked_fill(~h, -100))


def misspelt(x: Tensor, h: Tensor) -> Pair:
    return torch.where(h, (x + torch.arange(10)) % 9, x), x


def rising(x: Tensor, h: Tensor) -> Pair:
    """Each row hides a share of its own, as in a diffusion model with an absorbing state."""
    shares = torch.linspace(0, 0.9, len(x))[:, None]
    return x.masked_fill(torch.rand(x.shape, generator=drawn(2)) < shares, 9), x


@pytest.mark.parametrize(
    ("pair", "own", "is_wrong"),
    [
        pytest.param(masked(True), True, True, id="visible tokens count"),
        pytest.param(masked(False), True, False, id="hidden tokens count"),
        pytest.param(misspelt, True, False, id="misspelt words"),
        pytest.param(rising, True, False, id="diffusion"),
        pytest.param(masked(True), False, False, id="the text is rebuilt from a summary"),
    ],
)
@pytest.mark.parametrize("by_hand", [False, True])
def test_visible_tokens_that_count_are_named(
    pair: Callable[[Tensor, Tensor], Pair], own: bool, is_wrong: bool, by_hand: bool
) -> None:
    torch.manual_seed(0)
    model = Words(own)

    def loss(i: int) -> Tensor:
        at = (torch.arange(50) + i * 50) % 600
        x, y = pair(TEXT[at], HIDDEN[at])
        z = model(x)
        if not by_hand:
            return functional.cross_entropy(z.flatten(0, 1), y.flatten())
        each = functional.cross_entropy(z.transpose(1, 2), y, reduction="none")
        return (each * HIDDEN[at]).sum() / HIDDEN[at].sum()  # a mask, whatever the targets are

    found = findings(model, torch.optim.Adam(model.parameters(), 3e-2), loss, steps=60)
    assert (CODE in warned(found)) is (is_wrong and not by_hand)
