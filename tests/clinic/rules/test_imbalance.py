"""`weight` in place of `pos_weight`, and weights that are meant."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.clinic.field.loops import drawn
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import watch
from levinthal.clinic.rules.imbalance import REMEDY

X = torch.randn(2000, 12, generator=drawn())
NOISE = torch.randn(2000, 4, generator=drawn(1))
CUTS = torch.tensor([1.4, 1.7, 1.9, 2.2])
Y = (X[:, :4] + NOISE > CUTS).float()
"""Four labels, with positives in one row of 6, 9, 11 and 17."""
RATIOS = (1 - Y.mean(0)) / Y.mean(0)
ONE, ITS_RATIO = Y[:, 2:3], RATIOS[2:3]
Loss = Callable[[Tensor, Tensor], Tensor]
score = functional.binary_cross_entropy_with_logits


def warned_of_it(loss: Loss, labels: Tensor) -> bool:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, labels.shape[1]))
    optimizer, dice = torch.optim.Adam(model.parameters(), 1e-2), drawn(2)
    with watch(model, optimizer, every=5) as w:
        for _ in range(200):
            rows = torch.randint(0, 2000, (64,), generator=dice)
            optimizer.zero_grad()
            loss(model(X[rows]), labels[rows]).backward()
            optimizer.step()
    assert (w.trouble, w.failed_rules) == ("", ())
    return ("CLASS_IMBALANCE", "warning", REMEDY) in {(f.code, f.severity, f.remedy) for f in w.findings()}


def of_this_batch(z: Tensor, y: Tensor) -> Tensor:
    return score(z, y, weight=(len(y) - y.sum(0)) / y.sum(0).clamp(min=1))


@pytest.mark.parametrize(
    ("loss", "labels"),
    [
        pytest.param(nn.BCEWithLogitsLoss(weight=RATIOS), Y, id="module"),
        pytest.param(lambda z, y: score(z, y, weight=RATIOS), Y, id="function"),
        pytest.param(lambda z, y: score(z, y, RATIOS), Y, id="by its place"),
        pytest.param(nn.BCEWithLogitsLoss(weight=ITS_RATIO), ONE, id="one label"),
        pytest.param(nn.BCEWithLogitsLoss(weight=ITS_RATIO[0]), ONE, id="a scalar"),
        pytest.param(lambda z, y: of_this_batch(z[:, 0], y[:, 0]), ONE, id="ratio of each batch"),
    ],
)
def test_a_weight_that_should_be_pos_weight_is_named(loss: Loss, labels: Tensor) -> None:
    assert warned_of_it(loss, labels)


@pytest.mark.parametrize(
    ("loss", "labels"),
    [
        pytest.param(nn.BCEWithLogitsLoss(pos_weight=RATIOS), Y, id="as it should be"),
        pytest.param(lambda z, y: score(z, y, weight=1 + y * (RATIOS - 1)), Y, id="weights of positives"),
        pytest.param(
            lambda z, y: score(z[:, 0], y[:, 0], weight=1 + y[:, 0] * (ITS_RATIO - 1)), ONE, id="of one label"
        ),
        pytest.param(lambda z, y: score(z, y, weight=torch.ones(len(y), 1) * 9), ONE, id="weights of rows"),
        pytest.param(lambda z, y: score(z, y, weight=(z.detach() < 3).float()), Y, id="a mask"),
        pytest.param(nn.BCEWithLogitsLoss(weight=torch.tensor([1.0, 1, 0, 1])), Y, id="a label left out"),
        pytest.param(nn.BCEWithLogitsLoss(weight=torch.tensor([4.0, 1.0, 1.0, 2.0])), Y, id="its importance"),
        pytest.param(nn.BCEWithLogitsLoss(weight=torch.tensor(100.0)), ONE, id="a factor"),
        pytest.param(nn.BCEWithLogitsLoss(weight=RATIOS, pos_weight=RATIOS), Y, id="both"),
        pytest.param(nn.BCEWithLogitsLoss(weight=1 / Y.mean(0).sqrt()), Y, id="roots"),
        pytest.param(nn.BCEWithLogitsLoss(weight=torch.ones(1)), (X[:, :1] > 0).float(), id="balanced"),
    ],
)
def test_weights_that_are_meant_are_not(loss: Loss, labels: Tensor) -> None:
    assert not warned_of_it(loss, labels)
