"""Models that read tokens as a set, and models that know their order."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from levinthal.clinic.recording.behaviour_passes import behaviour
from levinthal.clinic.recording.order_passes import turned_round

TOKENS = torch.randint(1, 12, (16, 10), generator=torch.Generator().manual_seed(0))


class Encoder(nn.Module):
    """A transformer, with what is added to its embeddings."""

    def __init__(self, positions: Tensor | None, *, pooled: bool = True, causal: bool = False) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.embed, self.head = nn.Embedding(12, 16), nn.Linear(16, 3)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.positions = None if positions is None else nn.Parameter(positions)
        self.pooled, self.causal = pooled, causal

    def forward(self, ids: Tensor) -> Tensor:
        h = self.embed(ids) + (0 if self.positions is None else self.positions)
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1]) if self.causal else None
        h = self.encoder(h, mask=mask)
        out: Tensor = self.head(h.mean(1) if self.pooled else h)
        return out


class Bag(nn.Module):
    """A bag of words, without attention."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.EmbeddingBag(12, 16), nn.Linear(16, 3)

    def forward(self, ids: Tensor) -> Tensor:
        out: Tensor = self.head(self.embed(ids)).softmax(1)
        return out


@pytest.mark.parametrize(
    ("made", "is_set"),
    [
        pytest.param(lambda: Encoder(None), True, id="no positions"),
        pytest.param(lambda: Encoder(None, pooled=False), True, id="no positions, an output for each place"),
        pytest.param(lambda: Encoder(torch.zeros(10, 16)), False, id="positions that are zero at first"),
        pytest.param(lambda: Encoder(torch.randn(10, 16), pooled=False), False, id="positions"),
        pytest.param(lambda: Encoder(None, causal=True), False, id="a causal mask"),
        pytest.param(Bag, None, id="a bag of words"),
    ],
)
def test_order_counts_with_positions_or_a_causal_mask(
    made: Callable[[], nn.Module], is_set: bool | None
) -> None:
    torch.manual_seed(0)
    model = made()
    before = [p.detach().clone() for p in model.parameters()]
    seen = behaviour(model, (TOKENS,), {})
    assert seen is not None
    assert seen.is_orderless is is_set
    assert all(map(torch.equal, before, model.parameters()))


def test_rows_of_one_token_or_one_order_are_not_turned() -> None:
    assert turned_round(torch.full((4, 6), 3)) is None
    assert turned_round(torch.tensor([[5, 2, 3, 2]] * 3)) is None
