"""The variance that inputs cause in outputs: closed forms, and noise that drops out."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn

from levinthal.clinic.recording.batch_call import BatchCall
from levinthal.clinic.recording.output_spread import OutputSpread, SpreadCheck, output_spread

SIGNS = torch.tensor([[1.0], [-1.0]] * 4)


class Noisy(nn.Module):
    """A factor times the input, and a unit of noise in every mode."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x + torch.randn_like(x)


def spread(model: nn.Module, x: Tensor = SIGNS) -> OutputSpread:
    call = BatchCall.of((x,), {})
    assert call is not None
    found = output_spread(model, call)
    assert found is not None
    return found


def test_of_rows_that_alternate_it_is_twice_their_variance_and_noise_drops_out() -> None:
    """Rows of 1 and -1 in turn differ by 2 from the row before: half of 4."""
    line = nn.Linear(1, 1, bias=False)
    nn.init.constant_(line.weight, 3.0)
    assert spread(line).between == pytest.approx(18.0)
    assert spread(Noisy(3.0)).between == pytest.approx(18.0, rel=1e-5)
    assert spread(Noisy(0.0)).between == 0.0
    assert spread(Noisy(0.0)).size > 0.1


def test_random_numbers_and_the_model_stay_as_they_are() -> None:
    model = nn.Sequential(nn.Linear(1, 4), nn.BatchNorm1d(4)).train()
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    spread(model)
    assert torch.equal(torch.rand(3), expected)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_rows_that_are_held_are_not_those_of_a_batch_that_is_used_again() -> None:
    model, batch, check = nn.Linear(1, 1), SIGNS.clone(), SpreadCheck()
    check.begin((model, (batch,), {}), nullcontext, None)
    batch.zero_()
    check.end()
    assert check.late == check.early is not None
