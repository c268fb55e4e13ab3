"""Rules that read validation rows: one training for each fault, and healthy ones without a finding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.clinic.cases import X, Y, mlp
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import Watch, watch
from levinthal.clinic.answer.states import Reason
from levinthal.vocabulary import Finding

TRAIN, HELD = (X[:900], Y[:900]), (X[900:], Y[900:])
Rows = tuple[Tensor, Tensor]


def train(rows: Rows, validation: Any, steps: int = 120) -> Watch:
    torch.manual_seed(0)
    model = mlp(depth=2)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    with watch(model, optimizer, every=5, validation=validation) as w:
        for _ in range(steps):
            chosen = torch.randint(0, len(rows[0]), (32,))
            optimizer.zero_grad()
            functional.cross_entropy(model(rows[0][chosen]), rows[1][chosen]).backward()
            optimizer.step()
    assert w.trouble == ""
    return w


def by_code(w: Watch) -> dict[str, Finding]:
    return {finding.code: finding for finding in w.findings()}


def leaky() -> Tensor:
    x = X.clone()
    x[:, 7] = Y / 9
    return x


def shuffled() -> Tensor:
    return Y[torch.randperm(len(Y), generator=torch.Generator().manual_seed(0))]


def sorted_rows() -> tuple[Rows, Rows]:
    order = Y.argsort(stable=True)
    return (X[order[:900]], Y[order[:900]]), (X[order[900:]], Y[order[900:]])


def reversed_correlation() -> tuple[Rows, Rows]:
    """Two columns that correlate in training and anticorrelate in validation."""
    generator = torch.Generator().manual_seed(0)
    a, noise = (torch.randn(1200, generator=generator) for _ in range(2))
    b = torch.where(torch.arange(1200) < 900, a, -a) + 0.1 * noise
    x = torch.zeros(1200, 64)
    x[:, 0], x[:, 1] = a, b
    y = (a > 0).long()
    x[:, 0] += torch.randn(1200, generator=generator)  # the second column predicts the label
    return (x[:900], y[:900]), (x[900:], y[900:])


CASES: dict[str, tuple[str, Callable[[], Watch]]] = {
    "thirty rows": ("OVERFIT", lambda: train((X[:30], Y[:30]), HELD, 300)),
    "other units": ("TRAIN_VAL_SHIFT", lambda: train(TRAIN, (1 - 2 * HELD[0], HELD[1]))),
    "sorted, then split": ("TRAIN_VAL_SHIFT", lambda: train(*sorted_rows())),
    "correlation reversed": ("TRAIN_VAL_SHIFT", lambda: train(*reversed_correlation())),
    "validated on training rows": ("DATA_LEAKAGE", lambda: train(TRAIN, TRAIN)),
    "a fifth copied": (
        "DATA_LEAKAGE",
        lambda: train(TRAIN, (torch.cat((X[:60], HELD[0])), torch.cat((Y[:60], HELD[1])))),
    ),
    "the label in a column": (
        "LABEL_LEAK_FEATURE",
        lambda: train((leaky()[:900], Y[:900]), (leaky()[900:], Y[900:])),
    ),
    "labels shuffled": ("LABELS_UNRELATED", lambda: train((X[:900], shuffled()[:900]), HELD)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_cause_comes_first(name: str) -> None:
    code, make = CASES[name]
    found = make().findings()
    assert found[0].code == code
    # at chance level the cause is critical
    assert found[0].severity == ("critical" if name == "labels shuffled" else "warning")


def test_a_healthy_run_has_no_findings() -> None:
    assert by_code(train(TRAIN, HELD)) == {}
    assert by_code(train(TRAIN, (HELD[0][:50], HELD[1][:50]))) == {}


def test_duplicates_expected_within_each_set_are_not_reported_as_a_leak() -> None:
    """There are 64 binary patterns, and each is in both sets."""
    generator = torch.Generator().manual_seed(0)
    x = torch.zeros(1200, 64)
    x[:, :6] = torch.randint(0, 2, (1200, 6), generator=generator).float()
    y = x[:, :3].sum(1).long()
    found = by_code(train((x[:900], y[:900]), (x[900:], y[900:])))
    assert [f.severity for f in found.values()] == ["info"]
    assert found["DATA_LEAKAGE"].evidence["expected share, at most"] == 1


def test_rows_of_a_regression_learnt_by_heart_are_info_while_validation_is_fair() -> None:
    """The loss is a seventh of the chance level on validation rows, and almost nothing on training rows."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1060, 5, generator=generator)
    y = (2 * x[:, 0] - x[:, 1] + (3 * x[:, 2]).sin())[:, None]
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    with watch(model, optimizer, every=5, validation=(x[60:], y[60:])) as w:
        for _ in range(400):
            optimizer.zero_grad()
            rows = torch.randint(0, 24, (16,), generator=generator)
            functional.mse_loss(model(x[rows]), y[rows]).backward()
            optimizer.step()
    found = by_code(w)
    assert found["OVERFIT"].severity == "info"
    assert w.answer().reason is Reason.DOUBTED
