"""What was not seen is named in one place: `Watch.unseen`."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from levinthal.clinic.watching import watch

X, Y = torch.randn(64, 8), torch.arange(64) % 4


def trained(validation: Any = None, every: int = 1) -> Any:
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, every=every, validation=validation) as w:
        for _ in range(5):
            optimizer.zero_grad()
            functional.cross_entropy(model(X), Y).backward()
            optimizer.step()
    return w


def test_nothing_is_unseen_of_an_ordinary_run() -> None:
    assert trained(validation=(X, Y)).unseen == ()


def test_the_end_of_the_watch_and_a_failed_validation_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert trained(validation=(X[:, :3], Y)).unseen[0].startswith("the validation data were not evaluated: ")
    monkeypatch.setattr("levinthal.clinic.recording.hooks.note_loss", lambda *_: 1 / 0)
    assert trained().unseen == ("the watch ended early: ZeroDivisionError: division by zero",)


def test_passes_with_all_gradients_off_begin_no_step() -> None:
    """An energy-based model draws its samples with the network itself, before each step."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 8), nn.SiLU(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    with watch(model, optimizer, every=2) as w:
        for _ in range(20):
            model.requires_grad_(False)
            drawn = torch.randn(16, 8).requires_grad_()
            (slope,) = torch.autograd.grad(model(drawn).sum(), drawn)
            model.requires_grad_(True)
            optimizer.zero_grad()
            (model(X).mean() - model((drawn - 0.1 * slope).detach()).mean()).backward()
            optimizer.step()
    assert (w.trouble, w.failed_rules, len(w.history)) == ("", (), 10)
    assert float(w.history.samples[0].batch_size) == 64


def test_an_empty_batch_is_left_out_and_ends_nothing() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, every=1) as w:
        for i in range(10):
            rows = 0 if i == 5 else 64
            optimizer.zero_grad()
            (functional.cross_entropy(model(X[:rows]), Y[:rows], reduction="sum") / 64).backward()
            optimizer.step()
    assert (w.trouble, len(w.history)) == ("", 9)
