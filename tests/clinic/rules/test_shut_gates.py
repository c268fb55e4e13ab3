"""A gate of a recurrence that is shut for all rows at all times; beside it gates that are open on purpose."""

from __future__ import annotations

import pytest
import torch
from tests.clinic.cases import Loop
from torch import Tensor, nn

from levinthal.clinic import Watch

CODE = "SATURATED_ACTIVATION"
WIDTH = 16


class Rows(nn.Module):
    """A recurrence over the rows of an image, one of whose gates has this bias."""

    def __init__(self, kind: type[nn.RNNBase], gate: int, bias: float) -> None:
        super().__init__()
        self.recurrence, self.head = kind(8, WIDTH, batch_first=True), nn.Linear(WIDTH, 10)
        with torch.no_grad():
            self.recurrence.bias_ih_l0[WIDTH * gate : WIDTH * (gate + 1)] = bias

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.recurrence(x.view(-1, 8, 8))[0][:, -1])
        return out


def trained(kind: type[nn.RNNBase], gate: int, bias: float, rate: float = 0.1) -> Watch:
    torch.manual_seed(0)
    model = Rows(kind, gate, bias)
    return Loop(steps=60).run(model, torch.optim.SGD(model.parameters(), rate))


def places(w: Watch) -> dict[str, str]:
    found = {f.where: str(f.severity) for f in w.findings() if f.code == CODE}
    assert w.failed_rules == ()
    return found


@pytest.mark.parametrize(
    ("kind", "gate", "bias", "name"),
    [
        (nn.LSTM, 0, -12.0, "input gate"),
        (nn.LSTM, 3, -12.0, "output gate"),
        (nn.GRU, 1, 12.0, "update gate"),
    ],
)
def test_a_gate_that_lets_nothing_through_is_the_cause(
    kind: type[nn.RNNBase], gate: int, bias: float, name: str
) -> None:
    w = trained(kind, gate, bias)
    assert places(w)[f"recurrence ({name})"] != "info"
    assert w.findings()[0].code == CODE


@pytest.mark.parametrize(
    ("kind", "gate", "bias"),
    [
        (nn.LSTM, 1, 5.0),  # remembers over long times, as of a chrono initialisation
        (nn.LSTM, 1, 12.0),
        (nn.LSTM, 3, 12.0),
        (nn.GRU, 0, 12.0),
        (nn.GRU, 1, -12.0),  # takes every new state, as a recurrence without gates does
        (nn.GRU, 1, 2.0),
    ],
)
def test_gates_that_are_open_are_none(kind: type[nn.RNNBase], gate: int, bias: float) -> None:
    assert places(trained(kind, gate, bias)) == {}


def test_a_shut_gate_is_info_while_the_training_goes_on() -> None:
    """Without a memory the last row of an image still tells something."""
    torch.manual_seed(0)
    model = Rows(nn.LSTM, 1, -12.0)
    w = Loop(steps=200).run(model, torch.optim.SGD(model.parameters(), 0.5))
    assert places(w) == {"recurrence (forget gate)": "info"}


def test_a_gate_that_opens_is_not_shut() -> None:
    torch.manual_seed(0)
    model = Rows(nn.LSTM, 0, -4.5)
    w = Loop(steps=100).run(model, torch.optim.Adam(model.parameters(), 0.05))
    assert places(w) == {}
