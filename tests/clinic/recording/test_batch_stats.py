from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from levinthal.clinic.recording.batch_stats import (
    ENOUGH,
    batch_numbers,
    batch_sum,
    batch_values,
    layer_numbers,
    loss_call,
    some_rows,
)
from levinthal.clinic.recording.sample import BATCH
from levinthal.probes.saturation import Tails, saturated_tails


def of_batch(x: torch.Tensor) -> dict[str, float]:
    return dict(zip(BATCH, batch_numbers(batch_values(x)).tolist(), strict=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_mean_and_spread_of_a_batch(dtype: torch.dtype) -> None:
    numbers = of_batch(torch.tensor([[100.0, 102.0], [98.0, 100.0]], dtype=dtype))
    assert numbers["mean"] == 100
    assert numbers["std"] == pytest.approx(math.sqrt(2))
    assert torch.isfinite(batch_sum(torch.full((70_000,), 60_000.0, dtype=dtype)))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", [0, 3, 99_998, 99_999])
def test_one_bad_number_anywhere_is_found(bad: float, place: int) -> None:
    x = torch.randn(100_000)
    x[place] = bad
    assert not torch.isfinite(batch_sum(x.view(100, -1)))


def test_the_order_of_a_batch_has_its_own_fingerprint() -> None:
    x = torch.eye(6)
    prints = {of_batch(x[list(order)])["fingerprint"] for order in itertools.permutations(range(6))}
    assert len(prints) > 0.9 * math.factorial(6)
    assert of_batch(x)["fingerprint"] == of_batch(x.clone())["fingerprint"]


def test_some_rows_are_spread_over_the_batch() -> None:
    x = torch.arange(1000.0).view(-1, 1).expand(1000, 100)
    rows = some_rows(x)[:, 0]
    assert ENOUGH / 2 <= some_rows(x).numel() <= 2 * ENOUGH
    assert rows[0] == 0
    assert rows[-1] > 980
    assert len(some_rows(torch.zeros(40, 10**5))) >= 32
    assert len(some_rows(torch.zeros(5, 10**5))) == 5


def test_the_norm_of_a_layer_and_its_dead_units() -> None:
    before = torch.randn(64, 10).abs()
    before[:, :3] *= -1  # dead
    before[:, 3] = -1.0
    before[5, 3] = 2.0  # wakes for one input
    read = layer_numbers(before.relu(), before, saturated_tails(torch.relu))
    assert float(read.norm) == pytest.approx(float(before.relu().norm()))
    assert read.dead_share == pytest.approx(0.3)
    assert read.saturated_share == pytest.approx(0.4, abs=0.01)  # of some rows
    assert not read.saturates


def test_a_unit_saturated_at_one_end_is_constant_and_at_both_is_not() -> None:
    before = torch.full((50, 4), 9.0)
    before[:, 1] = -9.0
    before[::2, 2] = -9.0
    before[:, 3] = 0.0
    read = layer_numbers(before.tanh(), before, saturated_tails(torch.tanh))
    assert (read.saturated_share, read.dead_share, read.saturates) == (0.75, 0.5, True)


def test_channels_are_the_units_of_an_image() -> None:
    before = torch.ones(8, 3, 4, 4)
    before[:, 1] = -1
    assert layer_numbers(before.relu(), before, Tails(0.0, math.inf)).dead_share == pytest.approx(1 / 3)


def test_what_a_loss_is_given() -> None:
    x, y = torch.tensor([[0.2, 0.8, 0.0], [0.5, 0.5, 0.0]]), torch.tensor([1, -100])
    call = loss_call("cross_entropy", {"input": x, "target": y}, torch.tensor(1.5))
    off, low, zeros, columns, high = call.rows.tolist()
    assert (off, low, columns) == (pytest.approx(0, abs=1e-6), 0, 3)
    assert (zeros, high) == (pytest.approx(1 / 3), pytest.approx(0.8))
    assert call.counts is not None
    assert call.counts.tolist() == [0, 1, 0]  # what is to be ignored is no class
    assert (call.reduction, call.input_shape, call.target_shape) == ("mean", (2, 3), (2,))


@pytest.mark.parametrize("count", [10, 100_003])
def test_targets_that_are_numbers(count: int) -> None:
    y = torch.arange(count, dtype=torch.float32) / count
    call = loss_call("mse_loss", {"input": y, "target": y, "reduction": "sum"}, torch.zeros(()))
    assert call.target is not None
    assert call.target.tolist() == [
        pytest.approx(float(y.mean()), rel=1e-4),
        pytest.approx(float(y.var(correction=0)), rel=1e-2),
        pytest.approx(float(y.var(correction=0)), rel=1e-2),
    ]
    assert call.reduction == "sum"


def test_the_value_is_kept_though_the_loss_is_divided_in_place() -> None:
    x = nn.Linear(4, 3)(torch.randn(5, 4))
    loss = functional.cross_entropy(x, torch.zeros(5, dtype=torch.long))
    call = loss_call("cross_entropy", {"input": x, "target": torch.zeros(5, dtype=torch.long)}, loss)
    was = loss.item()
    loss /= 4
    assert call.value is not None
    assert float(call.value) == pytest.approx(was)
    assert not call.value.requires_grad
