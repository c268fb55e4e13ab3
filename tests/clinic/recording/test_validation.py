from __future__ import annotations

import copy
import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from tests.clinic.cases import X, Y
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from levinthal.clinic import watch
from levinthal.clinic.recording.row_reservoir import Reservoir
from levinthal.clinic.recording.scoring import joined, loss_of_output, scored
from levinthal.clinic.recording.validation import ROWS, Validation
from levinthal.errors import InputError

HELD = (X[1000:], Y[1000:])
Draw = torch.Generator


class Carrying(nn.Module):
    """Dropout, batch norm, and a state that every forward pass leaves behind."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3))
        self.head, self.calls = nn.Linear(32, 10), 0
        self.state: Tensor | float = 0.0

    def forward(self, x: Tensor) -> Tensor:
        h = self.body(x) + self.state
        self.state, self.calls = 0.1 * h.detach().mean(0), self.calls + 1
        out: Tensor = self.head(h)
        return out


def train(model: nn.Module, steps: int = 40, validation: Any = None, **words: Any) -> Any:
    """Batches, dropout and labels drawn from every random state there is."""
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    with watch(model, optimizer, every=2, validation=validation, **words) as w:
        for _ in range(steps):
            rows = torch.randint(0, 1000, (32,)) + np.random.randint(2) + random.randint(0, 1)
            optimizer.zero_grad()
            functional.cross_entropy(model(X[rows]), Y[rows]).backward()
            optimizer.step()
    return w


def seed() -> None:
    torch.manual_seed(4)
    np.random.seed(4)
    random.seed(4)


def own() -> DataLoader[Any]:
    return DataLoader(TensorDataset(*HELD), 50, shuffle=True, generator=Draw().manual_seed(1))


SOURCES: dict[str, Callable[[], Any]] = {
    "pair": lambda: HELD,
    "loader": lambda: DataLoader(TensorDataset(*HELD), 50, shuffle=True),
    "list": lambda: [(X[1000:1100], Y[1000:1100]), (X[1100:], Y[1100:])],
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_run_with_validation_is_the_same_run_to_the_bit(source: str) -> None:
    model = Carrying()
    alone = copy.deepcopy(model)
    seed()
    w = train(model, validation=SOURCES[source]())
    seed()
    train(alone)
    assert w.trouble == ""
    assert w.history.validation.trouble == ""
    assert len(w.history.validation.evaluations) > 4
    pairs = zip(model.state_dict().values(), alone.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert model.calls == alone.calls
    assert model.training


def test_a_loader_that_shares_its_generator_deals_as_if_it_had_not_been_read() -> None:
    loader, other = own(), own()
    train(Carrying(), 2, loader)
    assert all(torch.equal(a[1], b[1]) for a, b in zip(loader, other, strict=True))


def test_a_score_is_the_mean_loss_and_the_share_of_right_answers() -> None:
    model, loss = nn.Linear(64, 10), functional.cross_entropy
    score = scored(model, loss_of_output(loss), [(X[:128], Y[:128]), (X[128:200], Y[128:200])], 8, "")
    assert score is not None
    with torch.no_grad():
        output = model(X[:200])
    assert score.loss == pytest.approx(float(loss(output, Y[:200])), rel=1e-5)
    assert score.accuracy * 200 == int((output.argmax(1) == Y[:200]).sum())
    assert score.rows == 200
    assert len(score.losses) == 25


def test_training_rows_are_scored_on_the_same_footing() -> None:
    w = train(Carrying(), 60, HELD)
    last = w.history.validation.evaluations[-1]
    assert last.training is not None
    assert last.training.accuracy > 0.9
    assert last.training.loss < last.held_out.loss + last.held_out.error
    assert last.step == 59


def test_yes_or_no_answers_are_counted() -> None:
    model, y = nn.Linear(64, 1), (Y > 4).float()[:, None]
    score = scored(
        model, loss_of_output(functional.mse_loss), [(X[:64], y[:64])], 8, "binary_cross_entropy_with_logits"
    )
    assert score is not None
    with torch.no_grad():
        assert score.accuracy == float(((model(X[:64]) > 0) == (y[:64] > 0)).float().mean())
    without = scored(model, loss_of_output(functional.mse_loss), [(X[:64], y[:64])], 8, "mse_loss")
    assert without is not None
    assert np.isnan(without.accuracy)


def test_no_more_rows_are_read_than_needed() -> None:
    validation = Validation((torch.zeros(5000, 3), torch.zeros(5000)))
    validation.read()
    assert sum(len(x) for x, _ in validation.batches) == ROWS
    endless = Validation(Endless())
    endless.read()
    assert sum(len(x) for x, _ in endless.batches) == ROWS


class Endless:
    def __iter__(self) -> Any:
        while True:
            yield torch.zeros(100, 2), torch.zeros(100)


def test_looks_are_few_and_spread_over_the_orders_of_magnitude() -> None:
    validation = Validation(HELD, functional.cross_entropy)
    validation.read()
    model = nn.Linear(64, 10)
    for step in range(0, 20_000, 10):
        validation.evaluate(model, step, Reservoir(), "")
    steps = [look.step for look in validation.evaluations]
    assert 10 < len(steps) < 24
    assert all(b / a < 2 for a, b in pairwise(steps[3:]))


def test_small_bulks_go_through_together_unlike_ones_apart() -> None:
    small = [(torch.zeros(100, 2), torch.zeros(100))] * 5
    assert [len(x) for x, _ in joined(small)] == [300, 200]
    unlike = [(torch.zeros(4, 2), torch.zeros(4)), (torch.zeros(4, 3), torch.zeros(4))]
    assert [x.shape[1] for x, _ in joined(unlike)] == [2, 3]


@pytest.mark.parametrize(
    ("validation", "says"),
    [(iter([HELD]), "iterator"), (3, "int"), ((X.numpy(), Y.numpy()), "holds NumPy arrays")],
)
def test_what_cannot_be_read_twice_or_put_through_is_refused(validation: Any, says: str) -> None:
    model = nn.Linear(64, 10)
    with pytest.raises(InputError, match=says):
        watch(model, torch.optim.SGD(model.parameters(), 0.1), validation=validation)


@pytest.mark.parametrize("validation", [[{"x": X}], (X[:, :3], Y), ([[1.0, 2.0], [3.0]], Y), []])
def test_a_failing_validation_is_reported_and_the_watch_goes_on(validation: Any) -> None:
    w = train(nn.Sequential(nn.Linear(64, 10)), 12, validation)
    assert w.history.validation.trouble
    assert w.trouble == ""
    assert len(w.history) == 6
    assert "The validation data were not evaluated" in str(w)


def test_without_a_loss_no_validation_is_run() -> None:
    model = nn.Sequential(nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, every=1, validation=HELD) as w:
        for _ in range(3):
            optimizer.zero_grad()
            (-model(X[:32]).log_softmax(1)[range(32), Y[:32]].mean()).backward()
            optimizer.step()
    assert w.history.validation.evaluations == []
    assert w.history.validation.trouble == ""
