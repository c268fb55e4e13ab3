"""Rows that the loop itself evaluates: prepared in another way than training rows, or merely others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.clinic.cases import X, Y, mlp
from tests.clinic.field.loops import drawn
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import Watch, watch
from levinthal.clinic.recording.row_reservoir import MOST
from levinthal.vocabulary import Finding

CODE = "TRAIN_VAL_SHIFT"
COLOURS = torch.tensor([0.6, 0.5, 0.3]).view(3, 1, 1)
PHOTOS = (COLOURS + 0.2 * torch.randn(600, 3, 6, 6, generator=drawn())).clamp(0, 1)
BRIGHT = (PHOTOS[:, 0].mean((1, 2)) > 0.6).long()
CENTRED = (X - X.mean(0)) / (X.std(0) + 0.1)


def evaluated(
    model: nn.Module,
    rows: Tensor,
    targets: Tensor,
    held_out: Tensor,
    in_training: bool = False,
    validation: tuple[Tensor, Tensor] | None = None,
) -> Watch:
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    with watch(model, optimizer, every=5, validation=validation) as w:
        for i in range(60):
            model.train()
            chosen = torch.randint(0, len(rows), (32,))
            optimizer.zero_grad()
            functional.cross_entropy(model(rows[chosen]), targets[chosen]).backward()
            optimizer.step()
            if i % 20 == 9:
                model.train(in_training)
                with torch.no_grad():
                    for first in range(0, len(held_out), 64):
                        model(held_out[first : first + 64])
    assert (w.trouble, w.failed_rules) == ("", ())
    return w


class Scaled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.is_floating_point() else x.float() / 16


def finding_of(w: Watch) -> Finding | None:
    return next((f for f in w.findings() if f.code == CODE), None)


@pytest.mark.parametrize(
    ("train", "held_out"),
    [
        pytest.param(X, 255 * X, id="not divided by 255"),
        pytest.param(CENTRED, X, id="not standardised"),
        pytest.param((X - 0.5) / 0.5, X, id="no Normalize"),
        pytest.param(X, (X - 0.13) / 0.31, id="Normalize in the evaluation alone"),
    ],
)
def test_rows_that_were_prepared_otherwise_are_named(train: Tensor, held_out: Tensor) -> None:
    found = finding_of(evaluated(mlp(depth=2), train[:900], Y[:900], held_out[900:]))
    assert found is not None
    assert (found.where, found.severity) == ("evaluation", "warning")
    assert found.confidence is None  # the code's own was measured with a validation set


NOISE = torch.randn(X.shape, generator=drawn(3))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda x, y: x, id="the same preparation"),
        pytest.param(lambda x, y: x[y < 5], id="some classes alone"),
        pytest.param(lambda x, y: x + 0.3 * NOISE[: len(x)], id="noise"),
        pytest.param(lambda x, y: x + 0.5, id="brighter, as after a drift"),
        pytest.param(lambda x, y: x.flip(1), id="rotated"),
        pytest.param(lambda x, y: NOISE[: len(x)], id="images of another kind"),
        pytest.param(lambda x, y: x[:20], id="a few rows"),
    ],
)
def test_rows_that_are_merely_others_are_not(change: Callable[[Tensor, Tensor], Tensor]) -> None:
    assert finding_of(evaluated(mlp(depth=2), X[:900], Y[:900], change(X[900:], Y[900:]))) is None


def test_a_model_that_takes_bytes_too_scales_them_itself() -> None:
    model = nn.Sequential(Scaled(), *mlp(depth=2))
    assert finding_of(evaluated(model, X[:900], Y[:900], (16 * X[900:]).byte())) is None


@pytest.mark.parametrize(("order", "is_wrong"), [([2, 1, 0], True), ([0, 1, 2], False), ([1, 0, 2], False)])
def test_channels_in_another_order_are_named(order: list[int], is_wrong: bool) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(128, 2))
    held_out = PHOTOS[400:, order]
    found = finding_of(evaluated(model, PHOTOS[:400], BRIGHT[:400], held_out))
    assert (found is not None) is is_wrong


@pytest.mark.parametrize(("order", "is_named"), [([2, 1, 0], True), ([1, 0, 2], False)])
def test_channels_of_a_validation_set_are_compared_too(order: list[int], is_named: bool) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(128, 2))
    given = (PHOTOS[400:, order], BRIGHT[400:])
    found = finding_of(evaluated(model, PHOTOS[:400], BRIGHT[:400], PHOTOS[:0], validation=given))
    assert found is not None
    assert ("BGR" in found.remedy) is is_named


def test_only_the_loop_s_own_evaluations_are_held() -> None:
    w = evaluated(mlp(depth=2), X[:900], Y[:900], X[:0])
    assert len(w.history.evaluated) == 0
    w = evaluated(mlp(depth=2), X[:900], Y[:900], X[900:], in_training=True)
    assert len(w.history.evaluated) == 0
    w = evaluated(mlp(depth=2), X[:900], Y[:900], X[900:].repeat(9, 1))
    assert 0 < len(w.history.evaluated) <= MOST
