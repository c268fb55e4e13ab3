"""Each rule on a training of its own: the finding where it is due, silence where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.clinic.cases import X, Y, mlp
from torch import Tensor
from torch.nn import functional

from levinthal.clinic import Watch, watch
from levinthal.clinic.recording.validation import Score
from levinthal.clinic.rules.held_out import gap
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


def told(w: Watch) -> dict[str, Finding]:
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


def leaning() -> tuple[Rows, Rows]:
    """Two columns that go together in training and apart in validation, each as before by itself."""
    dice = torch.Generator().manual_seed(0)
    a, noise = (torch.randn(1200, generator=dice) for _ in range(2))
    b = torch.where(torch.arange(1200) < 900, a, -a) + 0.1 * noise
    x = torch.zeros(1200, 64)
    x[:, 0], x[:, 1] = a, b
    y = (a > 0).long()
    x[:, 0] += torch.randn(1200, generator=dice)  # the second column is the one to go by
    return (x[:900], y[:900]), (x[900:], y[900:])


CASES: dict[str, tuple[str, Callable[[], Watch]]] = {
    "thirty rows": ("OVERFIT", lambda: train((X[:30], Y[:30]), HELD, 300)),
    "other units": ("TRAIN_VAL_SHIFT", lambda: train(TRAIN, (1 - 2 * HELD[0], HELD[1]))),
    "sorted, then split": ("TRAIN_VAL_SHIFT", lambda: train(*sorted_rows())),
    "columns that part": ("TRAIN_VAL_SHIFT", lambda: train(*leaning())),
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
    assert found[0].severity == "warning"


def test_a_healthy_run_is_told_nothing() -> None:
    assert told(train(TRAIN, HELD)) == {}
    assert told(train(TRAIN, (HELD[0][:50], HELD[1][:50]))) == {}


def test_rows_that_are_alike_by_nature_are_no_leak() -> None:
    """Of 64 patterns of switches every one stands in both sets."""
    dice = torch.Generator().manual_seed(0)
    x = torch.zeros(1200, 64)
    x[:, :6] = torch.randint(0, 2, (1200, 6), generator=dice).float()
    y = x[:, :3].sum(1).long()
    found = told(train((x[:900], y[:900]), (x[900:], y[900:])))
    assert [f.severity for f in found.values()] == ["info"]
    assert found["DATA_LEAKAGE"].evidence["share to expect, at most"] == 1


def score(right: int, rows: int) -> Score:
    return Score(torch.full((10,), 0.3), torch.tensor(right), rows)


def test_a_gap_is_as_sure_as_it_has_rows() -> None:
    few, many = gap(score(40, 50), score(50, 50)), gap(score(800, 1000), score(1000, 1000))
    assert few is not None
    assert many is not None
    assert few.value == many.value == pytest.approx(0.2)
    assert few.low < many.low < 0.2
    assert many.is_wide
    assert not few.is_wide
    equal = gap(score(90, 100), score(90, 100))
    assert equal is not None
    assert equal.low < 0 < -equal.low < 0.1
