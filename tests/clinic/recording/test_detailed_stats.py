from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import watch
from levinthal.clinic.recording.attention import attention_numbers
from levinthal.clinic.recording.detailed_stats import affine_residual, effective_rank
from levinthal.clinic.recording.hooks import StepRecorder
from levinthal.clinic.recording.recurrences import SATURATED, gates, length, recurrent_gains
from levinthal.clinic.recording.sample import Sample


def test_effective_rank_counts_directions() -> None:
    generator = torch.Generator().manual_seed(0)
    row = torch.randn(1, 50, generator=generator)
    signs = torch.randn(40, 1, generator=generator)
    assert effective_rank(row.expand(40, 50)) == pytest.approx(1)
    assert effective_rank(signs @ row) == pytest.approx(1)
    assert effective_rank(torch.eye(16)) == pytest.approx(16)
    some = effective_rank(torch.randn(32, 4000, generator=generator))
    assert some is not None
    assert 30 < some < 32
    assert effective_rank(torch.ones(3, 50)) is None
    assert effective_rank(torch.ones(40, 1)) is None


def heard(model: nn.Module, *inputs: Tensor, step: int = 0) -> Sample:
    sample, recorder = Sample(step, detailed=True), StepRecorder(model)
    recorder.begin(sample)
    try:
        model(*inputs)
    finally:
        recorder.end()
    return sample


class Own(nn.Module):
    def forward(self, q: Tensor, k: Tensor) -> Tensor:
        return (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1) @ k


class Product(nn.Module):
    def forward(self, q: Tensor, k: Tensor) -> Tensor:
        return functional.scaled_dot_product_attention(q[:, None], k[:, None], k[:, None])[:, 0]


def test_attention_is_read_the_same_however_it_is_written() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k = (torch.randn(3, 5, 8, generator=generator) for _ in range(2))
    asks = q.clone().requires_grad_()
    own, product = heard(Own(), asks, k).attention, heard(Product(), asks, k).attention
    assert heard(Own(), q, k).attention == []  # of constant scores
    assert len(own) == len(product) == 1
    assert torch.allclose(own[0], product[0], atol=1e-5)
    weights = (q @ k.transpose(-1, -2) / 8**0.5).softmax(-1)
    entropy = -(weights * weights.log()).sum(-1).mean() / torch.tensor(5.0).log()
    assert own[0][0] == pytest.approx(float(entropy), abs=1e-5)
    assert own[0][1] == pytest.approx(float(weights.mean(1).amax(-1).mean()), abs=1e-5)


@pytest.mark.parametrize("padded", [False, True])
def test_multi_head_attention_is_asked_for_its_weights(padded: bool) -> None:
    torch.manual_seed(0)
    attend, x = nn.MultiheadAttention(8, 2, batch_first=True), torch.randn(6, 5, 8)
    padding = torch.arange(5).expand(6, 5) > 0 if padded else None

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attend = attend

        def forward(self, y: Tensor) -> Tensor:
            out: Tensor = self.attend(y, y, y, key_padding_mask=padding, need_weights=False)[0]
            return out

    (numbers,) = heard(Model(), x).attention
    weights = attend(x[:4], x[:4], x[:4], average_attn_weights=False)[1].detach()
    if padded:
        assert numbers.tolist() == pytest.approx([0, 1, 4])
    else:
        assert 0 < numbers[0] < 1
        assert numbers[1] == pytest.approx(float(weights.mean(2).amax(-1).mean()))


def test_even_attention_and_masks() -> None:
    q = torch.zeros(2, 1, 4, 8).requires_grad_()
    even = attention_numbers("scaled_dot_product", (q, q, q), {}, None)
    assert even is not None
    assert even.tolist() == pytest.approx([1, 0.25, 0])
    causal = attention_numbers("scaled_dot_product", (q, q, q), {"is_causal": True}, None)
    assert causal is not None
    assert causal[0] < 0.7
    assert causal[2] == pytest.approx(0)
    assert attention_numbers("scaled_dot_product", (q, q[:, :, :, :3], q), {}, None) is None
    classes = torch.zeros(6, 5, 10).softmax(-1)
    assert attention_numbers("softmax", (None,), {"dim": -1}, classes) is None


@pytest.mark.parametrize("make", [nn.RNN, nn.RNNCell])
def test_the_gain_of_a_recurrence_is_the_spectral_radius(make: type[nn.Module]) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(make(3, 16))
    weight = next(p for n, p in model.named_parameters() if "weight_hh" in n)
    (gain,) = recurrent_gains(model).values()
    radius = torch.linalg.eigvals(weight.detach()).abs().max()
    assert float(gain) == pytest.approx(float(radius), rel=0.15)
    nn.init.orthogonal_(weight, 3.0)
    (gain,) = recurrent_gains(model).values()
    assert float(gain) == pytest.approx(3, rel=0.15)
    assert recurrent_gains(nn.Sequential(nn.GRU(3, 4))) == {}


def test_steps_through_time() -> None:
    class Written(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.RNNCell(3, 4)

        def forward(self, x: Tensor) -> Tensor:
            state = torch.zeros(len(x), 4)
            for step in x.unbind(1):
                state = self.cell(step, state)
            return state

    x = torch.zeros(8, 7, 3)
    assert heard(Written(), x).sequence_lengths == {"cell": 7}
    assert heard(nn.Sequential(nn.RNN(3, 4, batch_first=True)), x).sequence_lengths == {"0": 7}
    assert length(nn.RNN(3, 4), (x,)) == 8


def test_closer_looks_are_log_spaced() -> None:
    model, x = nn.Sequential(nn.Linear(6, 8)), torch.randn(16, 6)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, every=1) as w:
        for _ in range(100):
            model(x).sum().backward()
            optimizer.step()
    looked = [sample.step for sample in w.history if sample.detailed]
    assert looked[:5] == [0, 1, 3, 6, 10]
    assert all(bool(sample.effective_ranks) == sample.detailed for sample in w.history)


STRETCHES = {
    "as it is": (nn.Identity(), True),
    "batch norm": (nn.BatchNorm1d(6), True),
    "a leak of one": (nn.LeakyReLU(1.0), True),
    "dropout": (nn.Dropout(0.5), True),
    "relu": (nn.ReLU(), False),
    "tanh": (nn.Tanh(), False),
    "gelu": (nn.GELU(), False),
    "layer norm": (nn.LayerNorm(6), False),
    "weak tanh": (nn.Sequential(nn.Linear(6, 6), nn.Tanh()), False),
}


@pytest.mark.parametrize("name", STRETCHES)
def test_linear_functions_are_distinguished_from_nonlinear_ones(name: str) -> None:
    torch.manual_seed(0)
    between, direct_pairs = STRETCHES[name]
    given = torch.randn(256, 6)
    affine_residuals = affine_residual(given, between(given).detach())
    assert affine_residuals is not None
    assert (float(affine_residuals) < 1e-10) == direct_pairs


def test_layers_are_compared_only_where_they_have_one_shape() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(1.0), nn.Linear(8, 8), nn.GLU(), nn.Linear(4, 2))
    sample = heard(model, torch.randn(64, 4))
    assert {
        pair: float(affine_residuals) < 1e-10 for pair, affine_residuals in sample.affine_residuals.items()
    } == {("0", "2"): True}


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
@pytest.mark.parametrize("batch_first", [True, False])
def test_gates_are_those_that_the_cell_computes(kind: type[nn.RNNBase], batch_first: bool) -> None:
    torch.manual_seed(0)
    module = kind(3, 5, batch_first=batch_first)
    with torch.no_grad():
        for p in module.parameters():
            p.mul_(6)
    x = torch.randn(4, 7, 3)
    output = module(x if batch_first else x.transpose(0, 1))[0]
    read = gates(module, (x if batch_first else x.transpose(0, 1),), (output,))
    assert read is not None

    states = output if batch_first else output.transpose(0, 1)
    count, saturated = 0, 0
    chosen = [0, 1, 3] if kind is nn.LSTM else [0, 1]
    for row in range(4):  # the slow way, a row and a step at a time
        for step in range(7):
            state = states[row, step - 1] if step else torch.zeros(5)
            z = module.weight_ih_l0 @ x[row, step] + module.bias_ih_l0
            z = z + module.weight_hh_l0 @ state + module.bias_hh_l0
            for part in chosen:
                mine = z[5 * part : 5 * part + 5]
                count, saturated = count + 5, saturated + int((mine.abs() >= SATURATED).sum())
    assert read.inputs == count
    assert 0 < round(read.saturated_share * count) == saturated < count


def test_a_plain_recurrence_has_no_gates() -> None:
    x = torch.randn(2, 3, 4)
    module = nn.RNN(4, 4, batch_first=True)
    assert gates(module, (x,), module(x)) is None
    cell = nn.GRUCell(4, 4)
    read = gates(cell, (x[:, 0],), cell(x[:, 0]))
    assert read is not None
    assert read.inputs == 2 * 2 * 4
