"""The same batch at every step, of tokens too."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.clinic.cases import X, Y
from torch import nn
from torch.nn import functional

from levinthal.clinic import watch
from levinthal.vocabulary import Finding

DICE = torch.Generator().manual_seed(0)
TOKENS, LABELS = torch.randint(0, 50, (400, 12), generator=DICE), torch.randint(0, 4, (400,), generator=DICE)


def findings_of(plateaued: bool, validation: Any = None) -> dict[str, Finding]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.EmbeddingBag(50, 16), nn.Linear(16, 4))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    with watch(model, optimizer, every=2, validation=validation) as w:
        for step in range(40):
            rows = torch.arange(32) + (0 if plateaued else step)
            optimizer.zero_grad()
            functional.cross_entropy(model(TOKENS[rows]), LABELS[rows]).backward()
            optimizer.step()
    assert w.trouble == ""
    return {f.code: f for f in w.findings()}


def test_the_same_tokens_at_every_step_are_noticed() -> None:
    assert findings_of(plateaued=True)["STUCK_BATCH"].severity == "info"
    assert "STUCK_BATCH" not in findings_of(plateaued=False)


def test_a_batch_smaller_than_validation_is_not_all_there_is() -> None:
    found = findings_of(plateaued=True, validation=(TOKENS[100:], LABELS[100:]))
    assert found["STUCK_BATCH"].severity == "warning"
    assert all(f.follows == "STUCK_BATCH" for f in found.values() if f.code == "OVERFIT")


def full_batch(rows: int, held: int, steps: int = 150, labels: torch.Tensor = Y) -> dict[str, Finding]:
    """Code -> finding, of a training on all of `rows` images at every step."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    with watch(model, optimizer, every=5, validation=(X[-held:], labels[-held:])) as w:
        for _ in range(steps):
            optimizer.zero_grad()
            functional.cross_entropy(model(X[:rows]), labels[:rows]).backward()
            optimizer.step()
    assert (w.trouble, w.failed_rules) == ("", ())
    return {f.code: f for f in w.findings()}


def test_a_full_batch_that_generalises_is_no_fault() -> None:
    assert "STUCK_BATCH" not in full_batch(rows=800, held=300)


@pytest.mark.parametrize(("rows", "held", "severity"), [(300, 300, "info"), (32, 300, "warning")])
def test_a_batch_that_does_not_stand_for_the_data_is_reported(rows: int, held: int, severity: str) -> None:
    labels = Y[torch.randperm(len(Y), generator=DICE)] if rows == 300 else Y
    assert full_batch(rows, held, labels=labels)["STUCK_BATCH"].severity == severity


@pytest.mark.parametrize("derived", [True, False])
def test_all_collocation_points_at_every_step_are_no_fault(derived: bool) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    points = torch.linspace(0, 1, 64)[:, None].requires_grad_(derived)
    with watch(model, optimizer, every=5) as w:
        for _ in range(60):
            optimizer.zero_grad()
            u = model(points)
            slope = torch.autograd.grad(u.sum(), points, create_graph=True)[0] if derived else u
            functional.mse_loss(slope + u, points.detach().cos()).backward()
            optimizer.step()
    assert ("STUCK_BATCH" in [f.code for f in w.findings()]) != derived


def trained_on_one_batch(rows: int, seen: int) -> dict[str, Finding]:
    """Code -> finding, where the loss is of the first `seen` of the same rows at every step."""
    torch.manual_seed(0)
    model, x = nn.Linear(8, 4), torch.randn(rows, 8)
    labels, optimizer = x[:, :4].argmax(1), torch.optim.Adam(model.parameters(), 1e-2)
    with watch(model, optimizer, every=2) as w:
        for _ in range(30):
            optimizer.zero_grad()
            functional.cross_entropy(model(x)[:seen], labels[:seen]).backward()
            optimizer.step()
    return {f.code: f for f in w.findings()}


def test_the_nodes_of_a_graph_and_a_large_full_batch_are_no_stuck_batch() -> None:
    assert "STUCK_BATCH" in trained_on_one_batch(60, 60)
    assert "STUCK_BATCH" not in trained_on_one_batch(60, 20)
    assert "STUCK_BATCH" not in trained_on_one_batch(1000, 1000)
