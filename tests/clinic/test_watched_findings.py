"""What a watch says of the loss, of a failing rule, and of a run it has not seen."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from tests.clinic.cases import Loop, X, Y, mlp
from tests.clinic.watched_networks import identical_weights
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import FindingError, watch
from levinthal.clinic.rules import diagnosis
from levinthal.errors import InputError


def test_the_loss_is_recorded_for_every_way_of_computing_it() -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    seen = []
    with watch(model, optimizer, every=1) as w:
        for _ in range(4):
            optimizer.zero_grad()
            loss = -(model(X[:32]).log_softmax(1)[torch.arange(32), Y[:32]]).mean()
            seen.append(loss.item())
            loss.backward()
            optimizer.step()
    assert w.history.losses.tolist() == pytest.approx(seen)


def test_raise_if_raises_at_its_severity_and_refuses_unknown_ones() -> None:
    model = mlp(top=nn.Softmax(1))
    w = Loop(steps=30).run(model, torch.optim.Adam(model.parameters(), 1e-3))
    with pytest.raises(FindingError, match=r"DOUBLE_SOFTMAX in loss: remove the softmax"):
        w.raise_if("critical")
    healthy = mlp()
    Loop(steps=30).run(healthy, torch.optim.Adam(healthy.parameters(), 1e-3)).raise_if("warning")
    with pytest.raises(InputError, match="did you mean 'critical'"):
        w.raise_if("criticl")


def test_a_gradient_scaler_and_clipping_are_not_faults() -> None:
    alone = mlp(width=16)
    watched = copy.deepcopy(alone)
    for model, listening in ((watched, True), (alone, False)):
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        scaler = torch.amp.GradScaler("cpu")
        with watch(model, optimizer, every=2) if listening else nullcontext() as w:
            for step in range(60):
                rows = torch.arange(step * 16, step * 16 + 16)
                optimizer.zero_grad()
                with torch.autocast("cpu", torch.bfloat16):
                    loss = functional.cross_entropy(model(X[rows]), Y[rows])
                scaler.scale(loss).backward()
                if step % 20 == 0:
                    model[0].weight.grad.fill_(torch.inf)  # an overflow: the scaler skips the step
                scaler.unscale_(optimizer)
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                scaler.step(optimizer)
                scaler.update()
        if w is not None:
            assert w.trouble == ""
            assert 20 < len(w.history) < 30
            assert [f.code for f in w.findings() if f.severity != "info"] == []
    assert identical_weights(watched, alone)


def test_a_rule_that_fails_is_reported_and_the_others_still_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_context: object) -> list[object]:
        raise ZeroDivisionError("of nothing")

    monkeypatch.setattr(diagnosis, "RULES", (broken, *diagnosis.RULES))
    model = mlp(top=nn.Softmax(1))
    w = Loop(steps=30).run(model, torch.optim.Adam(model.parameters(), 1e-3))
    assert "DOUBLE_SOFTMAX" in [finding.code for finding in w.findings()]
    assert w.failed_rules == ("broken: ZeroDivisionError: of nothing",)
    assert "A rule failed, please report it: broken" in str(w)


def test_a_model_in_double_precision_is_watched() -> None:
    model = mlp(top=nn.Softmax(1)).double()
    w = Loop(steps=30, inputs=X.double()).run(model, torch.optim.Adam(model.parameters(), 1e-3))
    assert w.findings()[0].code == "DOUBLE_SOFTMAX"
    assert not w.failed_rules


BY_HAND: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "squares": (lambda out, y: ((out - y) ** 2).mean(), lambda y: y.var(correction=0)),
    "squares, of torch": (functional.mse_loss, lambda y: y.var(correction=0)),
    "sizes, of torch": (functional.l1_loss, lambda y: (y - y.median()).abs().mean()),
    "huber, of torch": (
        functional.huber_loss,
        lambda y: min(functional.huber_loss(g.expand_as(y), y) for g in torch.linspace(-3, 3, 3001)),
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_the_chance_level_of_regression_losses_is_known(name: str) -> None:
    loss, chance_level = BY_HAND[name]
    torch.manual_seed(0)
    model, x = nn.Linear(4, 1), torch.randn(64, 4)
    y = torch.randn(64, 1).exp()
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    with watch(model, optimizer, every=1) as w:
        for _ in range(8):
            optimizer.zero_grad()
            loss(model(x), y).backward()
            optimizer.step()
    assert w.history.chance == pytest.approx(float(chance_level(y)), rel=0.02)


def test_no_chance_level_is_derived_for_an_unknown_loss() -> None:
    model, x, y = nn.Linear(4, 1), torch.randn(64, 4), torch.randn(64, 1)
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    with watch(model, optimizer, every=1) as w:
        for _ in range(8):
            optimizer.zero_grad()
            (model(x) - y).cosh().log().mean().backward()
            optimizer.step()
    assert w.history.chance != w.history.chance


def test_a_watch_that_saw_no_step_does_not_say_healthy() -> None:
    model = mlp()
    with watch(model, torch.optim.SGD(model.parameters(), 0.1)) as w:
        pass
    assert "Healthy" not in str(w)
    assert str(w).startswith("Nothing was seen")
