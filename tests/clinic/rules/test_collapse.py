"""Rows that become one, attention that chooses nothing, recurrences without gates; and their healthy kin."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.clinic.cases import Loop, X, Y, mlp
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import Watch
from levinthal.clinic.rules.collapse import collapsed


class Averaged(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(0, keepdim=True).expand_as(x)


class Recurrent(nn.Module):
    """The digits' pixels as a sequence."""

    def __init__(self, kind: str, gain: float, steps: int):
        super().__init__()
        self.rnn = nn.RNN(64 // steps, 16, nonlinearity=kind, batch_first=True)
        self.head, self.steps = nn.Linear(16, 10), steps
        nn.init.orthogonal_(self.rnn.weight_hh_l0, gain)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.rnn(x.reshape(len(x), self.steps, -1))[0][:, -1])
        return out


class Attention(nn.Module):
    """The digits' rows as tokens, the first of which asks; one head."""

    def __init__(self, scale: float):
        super().__init__()
        self.inlet, self.head, self.scale = nn.Linear(8, 16), nn.Linear(16, 10), scale

    def forward(self, x: Tensor) -> Tensor:
        h = self.inlet(x.reshape(len(x), 1, 8, 8))
        mixed = functional.scaled_dot_product_attention(h, h, h, scale=self.scale)
        out: Tensor = self.head(mixed[:, 0, 0])
        return out


def lost(middle: nn.Module) -> nn.Module:
    """Something between two layers."""
    return nn.Sequential(nn.Linear(64, 128), middle, nn.Linear(128, 32), nn.ReLU(), nn.Linear(32, 10))


def run(model: nn.Module, rate: float = 1e-3) -> Watch:
    return Loop(steps=60, every=3).run(model, torch.optim.Adam(model.parameters(), rate))


CASES: dict[str, tuple[str, str, Callable[[], nn.Module]]] = {
    "a mean over the batch": ("ROWS_MIXED", "critical", lambda: lost(Averaged())),
    "a softmax between layers": ("RANK_COLLAPSE", "critical", lambda: lost(nn.Softmax(1))),
    "a recurrence that shouts": ("EXPLODING_GRADIENT", "warning", lambda: Recurrent("relu", 4.0, 8)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_cause_comes_first(name: str) -> None:
    torch.manual_seed(0)
    code, severity, make = CASES[name]
    found = run(make()).findings()
    assert found[0].code == code
    assert found[0].severity == severity


def test_a_recurrence_that_forgets() -> None:
    """What is asked for stands in the first of 16 steps, and is halved twenty times on its way."""
    torch.manual_seed(0)
    model = Recurrent("tanh", 0.2, 16)
    inputs = torch.cat((functional.one_hot(Y, 10).float(), torch.zeros(len(Y), 54)), 1)
    inputs[:, 10:] = 0.1 * X[:, 10:]
    early = Loop(steps=80, every=4, inputs=inputs.reshape(len(Y), 16, 4)[:, :, :4].reshape(len(Y), -1))
    w = early.run(model, torch.optim.SGD(model.parameters(), 0.05))
    codes = {f.code: f for f in w.findings()}
    assert codes["VANISHING_GRADIENT"].evidence["gain over all steps"] < 1e-9


def test_a_healthy_network_keeps_its_rows_apart() -> None:
    torch.manual_seed(0)
    assert collapsed(run(mlp(depth=6)).history, plateaued=False) == {}
    assert collapsed(run(lost(nn.LayerNorm(128))).history, plateaued=True) == {}


def test_uniform_attention_is_an_info_where_the_network_learns() -> None:
    torch.manual_seed(0)
    even = {f.code: f for f in run(Attention(1e-6), 1e-2).findings()}
    assert even["ATTENTION_COLLAPSE"].evidence["entropy of attention / maximum"] == pytest.approx(1)
    assert "ATTENTION_COLLAPSE" not in {f.code for f in run(Attention(0.25), 1e-2).findings()}
