"""Which targets a masked language model sees."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from levinthal.clinic.recording.hidden_tokens import HIDDEN, hidden_tokens

TEXT = torch.arange(60).view(5, 12) % 11


def numbers(x: torch.Tensor, y: torch.Tensor, answers: torch.Tensor, by_rows: bool) -> dict[str, float]:
    scores = functional.one_hot(answers, 13).float()
    found = hidden_tokens(x, y, scores.transpose(1, 2) if by_rows else scores.flatten(0, 1))
    assert found is not None
    return dict(zip(HIDDEN, found.tolist(), strict=True))


@given(st.floats(0.05, 0.9), st.integers(0, 999), st.booleans())
def test_places_are_counted_in_either_shape_of_the_outputs(rate: float, seed: int, by_rows: bool) -> None:
    hidden = torch.rand(TEXT.shape, generator=torch.Generator().manual_seed(seed)) < rate
    hidden[0, 0], hidden[0, 1] = True, False
    seen = numbers(TEXT.masked_fill(hidden, 12), TEXT, TEXT.where(~hidden, 11), by_rows)
    assert seen["hidden"] == float(hidden.sum())
    assert seen["visible"] == pytest.approx(1 - float(hidden.float().mean()))
    assert [seen[name] for name in HIDDEN[2:6]] == [1.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize(("highest", "uneven"), [(0.0, 0.0), (1.0, 1 / 3)])
def test_rows_that_hide_shares_of_their_own_are_uneven(highest: float, uneven: float) -> None:
    draw = torch.Generator().manual_seed(0)
    text = torch.randint(0, 11, (400, 50), generator=draw)
    shares = 0.3 + highest * (torch.rand(400, 1, generator=draw) - 0.3)  # 0.3, or uniform
    hidden = torch.rand(text.shape, generator=draw) < shares
    x, scores = text.masked_fill(hidden, 12), functional.one_hot(text, 13).float().flatten(0, 1)
    found = [
        hidden_tokens(x[i : i + 20], text[i : i + 20], scores[50 * i :][:1000]) for i in range(0, 400, 20)
    ]
    mean = sum(float(numbers[-1]) for numbers in found if numbers is not None) / len(found)
    assert mean == pytest.approx(uneven, abs=0.04)


def test_ignored_places_do_not_count_and_other_ids_are_not_one() -> None:
    hidden = TEXT % 3 == 0
    labels = TEXT.masked_fill(~hidden, -100)
    assert numbers(TEXT.masked_fill(hidden, 12), labels, TEXT, False)["visible"] == 0
    spelling = numbers(torch.where(hidden, (TEXT + 5) % 11, TEXT), TEXT, TEXT, False)
    assert spelling["one_id"] < 0.5
    assert spelling["is_target"] == 1


@pytest.mark.parametrize("shape", [(60,), (12, 13), (5, 13)])
def test_outputs_of_another_shape_are_not_read(shape: tuple[int, ...]) -> None:
    assert hidden_tokens(TEXT, TEXT, torch.zeros(shape)) is None
