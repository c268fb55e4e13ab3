"""Targets of losses for -1 and 1, and labels of `ctc_loss`; beside each fault, healthy runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.clinic.field.loops import drawn, findings
from torch import Tensor, nn
from torch.nn import functional

CODE = "TARGET_OUT_OF_RANGE"
X = torch.randn(400, 8, generator=drawn())
SIGN = (X[:, 0] + X[:, 1]).sign()
YES = (SIGN + 1) / 2
TIES = torch.where(X[:, 2].abs() < 0.3, 0.0, SIGN)
Loss = Callable[[Tensor, Tensor], Tensor]


def cosine(z: Tensor, y: Tensor) -> Tensor:
    return functional.cosine_embedding_loss(z, z.roll(1, 1).detach(), y)


def two_cosines(z: Tensor, y: Tensor) -> Tensor:
    return cosine(z, y.relu()) + cosine(z, -(-y).relu())


def cosine_by_name(z: Tensor, y: Tensor) -> Tensor:
    return nn.CosineEmbeddingLoss()(input1=z, input2=z.roll(1, 1).detach(), target=y.long())


def ranking(z: Tensor, y: Tensor) -> Tensor:
    return functional.margin_ranking_loss(z[:, 0], z[:, 1], y, margin=0.5)


def ordered(z: Tensor, y: Tensor) -> Tensor:
    """The first of each pair is never the lower one."""
    return functional.margin_ranking_loss(y * z[:, 0], y * z[:, 1], y.abs(), margin=0.5)


def hinge(z: Tensor, y: Tensor) -> Tensor:
    return functional.hinge_embedding_loss(z.square().sum(1), y)


def run(loss: Callable[[nn.Module, int], Tensor], outputs: int = 4, steps: int = 40) -> str:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, outputs))
    found = findings(model, torch.optim.Adam(model.parameters(), 1e-2), lambda i: loss(model, i), steps=steps)
    return str(found[CODE].severity) if CODE in found else ""


@pytest.mark.parametrize(
    ("loss", "targets", "severity"),
    [
        pytest.param(cosine, YES, "critical", id="cosine, 0 and 1"),
        pytest.param(cosine_by_name, YES, "critical", id="cosine by name, 0 and 1"),
        pytest.param(hinge, YES, "critical", id="hinge, 0 and 1"),
        pytest.param(hinge, YES + 1, "critical", id="hinge, 1 and 2"),
        pytest.param(ranking, YES, "info", id="ranking, 0 and 1, and the loss falls"),
        pytest.param(two_cosines, SIGN, "", id="cosine, each sign in a call of its own"),
        pytest.param(cosine, SIGN, "", id="cosine, -1 and 1"),
        pytest.param(cosine, TIES, "", id="cosine, some pairs left out"),
        pytest.param(cosine, torch.ones(400), "", id="cosine, pairs that match alone"),
        pytest.param(ranking, TIES, "", id="ranking with ties"),
        pytest.param(ordered, TIES, "info", id="ranking of ordered pairs with ties, and the loss is small"),
        pytest.param(hinge, SIGN, "", id="hinge, -1 and 1"),
    ],
)
def test_signs_are_due(loss: Loss, targets: Tensor, severity: str) -> None:
    def step(model: nn.Module, i: int) -> Tensor:
        at = (torch.arange(32) + 32 * i) % 400
        return loss(model(X[at]), targets[at])

    assert run(step) == severity


@pytest.mark.parametrize(
    ("least", "length", "severity"),
    [
        pytest.param(1, 4, "", id="sound"),
        pytest.param(0, 4, "warning", id="the blank is a label"),
        pytest.param(1, 9, "warning", id="longer than the input"),
    ],
)
def test_labels_of_ctc(least: int, length: int, severity: str) -> None:
    y = torch.randint(least, 4, (32, 10), generator=drawn()) * (torch.arange(10) < length)  # padded with 0
    lengths = torch.full((32,), length)

    def step(model: nn.Module, i: int) -> Tensor:
        frames = model(torch.randn(8, 32, 8)).log_softmax(2)
        return functional.ctc_loss(frames, y, torch.full((32,), 8), lengths, zero_infinity=True)

    assert run(step) == severity
