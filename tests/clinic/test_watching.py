"""A watched run is the same run, leaves nothing behind, and refuses what it cannot watch."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from tests.clinic.cases import Loop, X, Y, mlp
from tests.clinic.watched_networks import NETS, hooks
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import Watch, watch
from levinthal.errors import InputError


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("every", [1, 7])
def test_a_watched_run_is_identical_to_the_bit(name: str, every: int) -> None:
    torch.manual_seed(1)
    watched, alone = NETS[name](), None
    alone = copy.deepcopy(watched)
    for model, listening in ((watched, True), (alone, False)):
        torch.manual_seed(2)  # dropout draws
        Loop(steps=15, every=every).run(model, torch.optim.Adam(model.parameters(), 1e-3), listening)
    assert all(torch.equal(a, b) for a, b in zip(watched.parameters(), alone.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(watched.buffers(), alone.buffers(), strict=True))


@pytest.mark.parametrize("error", [None, "between forward and backward"])
def test_no_hook_and_no_mode_remains_after_the_watch(error: str | None) -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    expected = pytest.raises(RuntimeError, match=error) if error else nullcontext()
    with expected, watch(model, optimizer, every=1):
        loss = functional.cross_entropy(model(X[:8]), Y[:8])
        if error:
            raise RuntimeError(error)
        loss.backward()
        optimizer.step()
    assert hooks(model, optimizer) == 0
    assert torch.overrides._len_torch_function_stack() == 0


def test_a_failure_of_the_watch_ends_the_watch_and_not_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    w = watch(model, optimizer, every=1)
    monkeypatch.setattr(w.setup.__class__, "rates", lambda self: 1 / 0)
    before = model[0].weight.detach().clone()  # type: ignore[union-attr]
    with w:
        Loop(steps=3).train(model, optimizer)
    assert "ZeroDivisionError" in w.trouble
    assert not torch.equal(before, model[0].weight)  # type: ignore[arg-type]
    assert w.findings() == []


def test_sparse_gradients_and_dict_outputs() -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.head = nn.EmbeddingBag(50, 8, sparse=True), nn.Linear(8, 2)

        def forward(self, ids: Tensor) -> dict[str, Tensor]:
            return {"logits": self.head(self.words(ids))}

    model = Words()
    optimizer = torch.optim.SGD(model.parameters(), 0.5)
    with watch(model, optimizer, every=1) as w:
        for step in range(12):
            ids = torch.randint(0, 50, (16, 5), generator=torch.Generator().manual_seed(step))
            optimizer.zero_grad()
            functional.cross_entropy(model(ids)["logits"], (ids[:, 0] > 25).long()).backward()
            optimizer.step()
    assert w.trouble == ""
    assert len(w.history) == 12


def watched(**words: Any) -> Watch:
    model = mlp()
    return watch(model, torch.optim.SGD(model.parameters(), 0.1), **words)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: watch(nn.ReLU(), torch.optim.SGD([torch.zeros(1)], 0.1)), "0 parameters"),
        (lambda: watch(mlp(), torch.optim.SGD([torch.zeros(1)], 0.1), every=0), "every=0"),
        (lambda: watch(mlp(), ()), "0 optimisers"),
        (lambda: watch(mlp(), "sgd"), "the optimiser is of type str: pass a torch.optim.Optimizer"),  # type: ignore[arg-type]
        (lambda: watched(every=2.5), "every=2.5 is no whole number"),
        (lambda: watched(behavioural_checks="no"), "behavioural_checks='no' is neither True nor False"),
        (lambda: watched(validation="text"), "validation is a str"),
        (lambda: watched(validation=(X, 5)), "the targets of validation are an int"),
        (lambda: watched(frozen=lambda name: 1 / 0), "predicate frozen= of the name .* ZeroDivisionError"),
        (lambda: Watch(5, 1), r"setup=5 is no TrainingSetup: call levinthal.watch\(...\)"),  # type: ignore[arg-type]
    ],
)
def test_arguments_that_cannot_be_watched_are_refused(call: Callable[[], object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        call()


def test_a_watch_that_is_open_is_not_entered_again() -> None:
    w = watched(every=1)
    with w, pytest.raises(InputError, match="this watch is open already"):
        w.__enter__()
    with w:  # but after it was left
        assert w.findings() == []


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
def test_a_scripted_module_is_watched() -> None:
    model = torch.jit.script(mlp())
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, every=1) as w:
        Loop(steps=3).train(model, optimizer)
    assert w.steps == 3


def test_an_activation_with_parameters_per_unit_is_watched() -> None:
    model = nn.Sequential(nn.Linear(64, 32), nn.PReLU(32), nn.Linear(32, 10))
    w = Loop(steps=20).run(model, torch.optim.Adam(model.parameters(), 1e-3))
    assert w.findings() == []


@pytest.mark.parametrize("broken", ["hooks.layer_numbers", "function_calls.loss_call"])
def test_a_reading_that_fails_is_not_raised_in_the_loop(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"levinthal.clinic.recording.{broken}", lambda *args, **words: 1 / 0)
    model = mlp()
    w = watch(model, optimizer := torch.optim.SGD(model.parameters(), 0.1), every=1)
    with w:
        Loop(steps=3).train(model, optimizer)
    assert "ZeroDivisionError" in w.trouble
    assert hooks(model, optimizer) == 0
    assert torch.overrides._len_torch_function_stack() == 0
    assert not torch.nn.modules.module._global_forward_hooks


@pytest.mark.parametrize(
    ("model", "optimizer", "why"),
    [(3, None, "the model is of type int"), (None, 3, "the optimiser is of type int")],
)
def test_other_types_than_model_and_optimiser_are_refused(model: Any, optimizer: Any, why: str) -> None:
    net = mlp()
    with pytest.raises(InputError, match=why):
        watch(model or net, optimizer or torch.optim.SGD(net.parameters(), 0.1))
