"""Optimisers that are made anew in the loop; beside each fault a program that has several on purpose."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from tests.clinic.cases import X, Y, mlp
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam, Optimizer
from torch.optim import optimizer as of_torch

from levinthal.clinic import Watch, watch
from levinthal.clinic.recording.successors import MOST, Remade
from levinthal.clinic.rules.remade import regular_spans

CODE = "OPTIMIZER_REMADE"
Make = Callable[[Iterable[nn.Parameter]], Optimizer]
At = Callable[[int], bool]


def adam(parameters: Iterable[nn.Parameter]) -> Optimizer:
    return Adam(parameters, 1e-3)


def slow(parameters: Iterable[nn.Parameter]) -> Optimizer:
    """Learns with its momentum, and hardly without."""
    return SGD(parameters, 3e-3, momentum=0.95)


def loss_of(model: nn.Module, step: int) -> Tensor:
    rows = torch.randint(0, len(X), (64,), generator=torch.Generator().manual_seed(step))
    return functional.cross_entropy(model(X[rows]), Y[rows])


def every(period: int) -> At:
    return lambda step: step % period == 0


def trained(
    make: Make, is_remade: At, *, steps: int = 160, after: Callable[[nn.Module], Any] | None = None
) -> Watch:
    """An ordinary loop that makes its optimiser anew at some steps; `after` runs each time."""
    torch.manual_seed(0)
    model = mlp()
    optimizer = make(model.parameters())
    with watch(model, optimizer, every=5) as w:
        for step in range(steps):
            if step and is_remade(step):
                optimizer = make(model.parameters())
                if after is not None:
                    after(model)
            optimizer.zero_grad()
            loss_of(model, step).backward()
            optimizer.step()
    assert (w.trouble, w.failed_rules, w.unseen) == ("", (), ())
    return w


def severities(w: Watch) -> dict[str, str]:
    found = {f.code: str(f.severity) for f in w.findings()}
    assert w.failed_rules == ()
    return found


@pytest.mark.parametrize("period", [1, 20])
def test_an_optimiser_that_is_made_anew_is_the_cause_of_a_loss_that_hardly_falls(period: int) -> None:
    first = trained(slow, every(period)).findings()[0]
    assert (first.code, first.follows) == (CODE, None)
    assert first.severity != "info"
    assert first.evidence["made anew after steps"] == period
    assert first.evidence["later steps"] == 160 - period
    assert CODE not in severities(trained(slow, every(1_000)))


@pytest.mark.parametrize("period", [1, 20])
def test_it_is_info_of_a_network_that_learns_and_the_run_is_seen_to_its_end(period: int) -> None:
    w = trained(adam, every(period))
    assert severities(w)[CODE] == "info"
    assert w.history.steps[-1] > 150
    assert w.answer().state == "healthy"


def test_an_optimiser_that_is_made_in_each_epoch_and_never_before_is_seen_too() -> None:
    torch.manual_seed(0)
    model = mlp()
    unused = slow(model.parameters())
    with watch(model, unused, every=5) as w:
        for step in range(100):
            if step % 10 == 0:
                optimizer = slow(model.parameters())
            optimizer.zero_grad()
            loss_of(model, step).backward()
            optimizer.step()
    found = next(f for f in w.findings() if f.code == CODE)
    assert found.evidence["optimisers in its place"] == 10


PURPOSES: dict[str, Callable[[], Watch]] = {
    "two stages": lambda: trained(slow, lambda step: step == 80),
    "three stages": lambda: trained(slow, lambda step: step in (50, 100)),
    "restarts after a plateau": lambda: trained(slow, lambda step: step in (10, 50, 70, 140)),
    "no state to lose": lambda: trained(lambda p: SGD(p, 1e-3), every(20)),
    "folds of a cross-validation": lambda: trained(
        slow, every(20), after=lambda model: model.load_state_dict(mlp().state_dict())
    ),
}


@pytest.mark.parametrize("name", PURPOSES)
def test_optimisers_that_are_made_anew_on_purpose_are_not_accused(name: str) -> None:
    assert CODE not in severities(PURPOSES[name]())


class SharpnessAware(Optimizer):
    """The outer optimiser holds the parameters of the inner one, and steps by it."""

    def __init__(self, parameters: Iterable[nn.Parameter], inner: Make) -> None:
        super().__init__(parameters, {"lr": 1e-3})
        self.inner = inner([p for group in self.param_groups for p in group["params"]])

    def step(self, closure: Any = None) -> Any:
        loss = closure()
        self.inner.step()
        return loss


@pytest.mark.parametrize("is_watched", [True, False])
def test_an_optimiser_around_another_one_replaces_none(is_watched: bool) -> None:
    torch.manual_seed(0)
    model = mlp()
    outer = SharpnessAware(model.parameters(), slow)
    with watch(model, outer if is_watched else slow(model.parameters()), every=5) as w:
        for step in range(60):

            def closure(step: int = step) -> Tensor:
                outer.zero_grad()
                loss = loss_of(model, step)
                loss.backward()
                return loss

            outer.step(closure)
    assert CODE not in severities(w)
    assert w.steps == (60 if is_watched else 0)


def test_two_optimisers_that_take_turns_replace_none() -> None:
    torch.manual_seed(0)
    model = mlp()
    both = [slow(model.parameters()), slow(model.parameters())]
    with watch(model, both[0], every=5) as w:
        for step in range(60):
            optimizer = both[step // 10 % 2]
            optimizer.zero_grad()
            loss_of(model, step).backward()
            optimizer.step()
    assert w.history.remade.take_turns
    assert CODE not in severities(w)


def test_optimisers_of_other_parameters_replace_none() -> None:
    """As of a critic, of inner copies, of a head that is made anew."""
    torch.manual_seed(0)
    model, other = mlp(), mlp()
    optimizer = slow(model.parameters())
    with watch(model, optimizer, every=5) as w:
        for step in range(60):
            for one in (slow(other.parameters()), slow(list(model.parameters())[-2:]), optimizer):
                one.zero_grad()
                loss_of(model, step).backward()
                one.step()
    assert (w.steps, w.history.remade) == (60, Remade(before=60))


def test_a_second_phase_by_lbfgs_is_followed_and_not_accused() -> None:
    torch.manual_seed(0)
    model = mlp()
    optimizer = adam(model.parameters())
    with watch(model, optimizer, every=5) as w:
        for step in range(40):
            optimizer.zero_grad()
            loss_of(model, step).backward()
            optimizer.step()
        second = torch.optim.LBFGS(model.parameters(), 0.1, max_iter=4)
        for step in range(20):

            def closure(step: int = step) -> Tensor:
                second.zero_grad()
                loss = loss_of(model, step)
                loss.backward()
                return loss

            second.step(closure)
    assert (w.trouble, w.failed_rules, w.steps) == ("", (), 58)
    assert CODE not in severities(w)


def test_nothing_is_left_behind_and_nothing_is_kept_alive() -> None:
    torch.manual_seed(0)
    model = mlp()
    before = [len(held()) for held in (_pre, _post)]
    optimizer, gone = slow(model.parameters()), []
    with watch(model, optimizer, every=2):
        for step in range(12):
            optimizer = slow(model.parameters())
            gone.append(weakref.ref(optimizer))
            loss_of(model, step).backward()
            optimizer.step()
        gc.collect()
        assert [one() for one in gone[:-1]] == [None] * 11
        assert [len(held()) for held in (_pre, _post)] == [count + 1 for count in before]
    assert [len(held()) for held in (_pre, _post)] == before


def _pre() -> Any:
    return of_torch._global_optimizer_pre_hooks


def _post() -> Any:
    return of_torch._global_optimizer_post_hooks


@pytest.mark.parametrize("period", [1, 7])
def test_the_training_is_the_same_to_the_bit(period: int) -> None:
    def run(watched: bool) -> list[Tensor]:
        torch.manual_seed(0)
        model = mlp()
        w = watch(model, adam(model.parameters()), every=2)
        with w if watched else torch.enable_grad():
            for step in range(40):
                if step % period == 0:
                    optimizer = adam(model.parameters())
                optimizer.zero_grad()
                loss_of(model, step).backward()
                optimizer.step()
        return [p.detach() for p in model.parameters()]

    assert all(torch.equal(a, b) for a, b in zip(run(True), run(False), strict=True))


def test_many_are_counted_in_little_memory() -> None:
    remade = trained(adam, every(1)).history.remade
    assert (len(remade.lives), remade.made, sum(remade.lives)) == (MOST, 159, 159)
    assert regular_spans(Remade()) == []
