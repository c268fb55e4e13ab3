"""Where a recurrent network over padded tokens is read."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from levinthal.clinic.recording.behaviour_passes import behaviour

LENGTHS = torch.arange(16) % 6 + 3
TOKENS = torch.randint(1, 12, (16, 12), generator=torch.Generator().manual_seed(0))
PADDED = TOKENS * (torch.arange(12) < LENGTHS[:, None])


class Reader(nn.Module):
    """A recurrence over tokens, read in one of several ways."""

    def __init__(self, way: str, batch_first: bool = True, two_sided: bool = False) -> None:
        super().__init__()
        self.way, self.batch_first = way, batch_first
        self.embed = nn.Embedding(12, 8)
        kind = nn.GRU if way == "state of a GRU" else nn.LSTM
        self.rnn = kind(8, 8, 2, batch_first=batch_first, bidirectional=two_sided)
        self.out = nn.Linear(16 if two_sided and "state" not in way else 8, 3)

    def forward(self, ids: Tensor) -> Tensor:
        lengths = (ids != 0).sum(1)
        x = self.embed(ids)
        if self.way == "packed":
            _, (h, _) = self.rnn(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
            return self.out(h[-1])  # type: ignore[no-any-return]
        made, state = self.rnn(x if self.batch_first else x.transpose(0, 1))
        made = made if self.batch_first else made.transpose(0, 1)
        read = {
            "last output": lambda: made[:, -1],
            "last token": lambda: made[torch.arange(len(ids)), lengths - 1],
            "mean": lambda: made.mean(1),
            "state": lambda: state[0][-1],
            "state of a GRU": lambda: state[-1],
            "each place": lambda: made,
        }
        return self.out(read[self.way]())  # type: ignore[no-any-return, no-untyped-call]


@pytest.mark.parametrize(
    ("way", "batch_first", "two_sided", "share"),
    [
        ("last output", True, False, 1.0),
        ("last output", False, False, 1.0),
        ("last output", True, True, 1.0),
        ("state", True, False, 1.0),
        ("state of a GRU", True, False, 1.0),
        ("last token", True, False, 0.0),
        ("mean", True, False, 0.0),
        ("packed", True, False, None),
        ("each place", True, False, None),
    ],
)
def test_the_places_that_are_read(way: str, batch_first: bool, two_sided: bool, share: float | None) -> None:
    torch.manual_seed(0)
    model = Reader(way, batch_first, two_sided)
    seen = behaviour(model, (PADDED,), {})
    assert seen is not None
    assert seen.reads_padding == share
    assert all(p.grad is None for p in model.parameters())


def test_without_padding_nothing_is_read_behind_it() -> None:
    seen = behaviour(Reader("last output"), (TOKENS,), {})
    assert seen is not None
    assert seen.reads_padding is None
