"""`ctc_loss` is infinite exactly where a sequence is longer than its input."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from levinthal.clinic.recording.ctc_fit import ctc_fit


@given(st.integers(2, 8), st.integers(0, 999), st.booleans())
def test_sequences_that_are_too_long_have_an_infinite_loss(frames: int, seed: int, packed: bool) -> None:
    draw = torch.Generator().manual_seed(seed)
    y, lengths = torch.randint(1, 3, (5, 6), generator=draw), torch.randint(1, 7, (5,), generator=draw)
    if packed:  # without equal neighbours, which a row of all labels does not show
        y = torch.arange(6).expand(5, 6) % 2 + 1
    given_ = {"target": y, "target_lengths": lengths, "input_lengths": torch.full((5,), frames)}
    scores = torch.randn(frames, 5, 3, generator=draw).log_softmax(2)
    losses = functional.ctc_loss(scores, y, torch.full((5,), frames), lengths, reduction="none")
    if packed:
        given_["target"] = torch.cat([row[:n] for row, n in zip(y, lengths, strict=True)])
    assert float(ctc_fit(given_)[3]) == float(losses.isinf().float().mean())
