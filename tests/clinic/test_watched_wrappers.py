"""Networks inside wrappers, compiled networks, and function modes of the user."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest
import torch
from tests.clinic.cases import Loop, X, Y, mlp
from tests.clinic.watched_networks import identical_weights
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import Watch, watch


def test_autocast_and_a_function_mode_of_the_user_work_under_watch() -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, every=1) as w:
        for _ in range(6):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                out = model(X[:32])
            with torch.device("cpu"):
                functional.cross_entropy(out.float(), Y[:32]).backward()
                optimizer.step()
    assert w.trouble == ""
    assert torch.overrides._len_torch_function_stack() == 0
    assert len(w.history) == 6


class Twice(nn.Module):
    """Gives a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = mlp(width=16, top=nn.Softmax(1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.inner(x), x.mean()


class Wrapper(nn.Module):
    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.module(x)
        return out


def both(wrap: Callable[[nn.Module], nn.Module], steps: int = 25) -> tuple[Watch, bool]:
    """A network with a softmax too many, wrapped and watched; and whether its weights equal a baseline."""
    alone = mlp(width=16, top=nn.Softmax(1))
    watched = copy.deepcopy(alone)
    outer = wrap(watched)
    w = Loop(steps=steps, every=2).run(outer, torch.optim.Adam(outer.parameters(), 1e-3))
    outer = wrap(alone)
    Loop(steps=steps).run(outer, torch.optim.Adam(outer.parameters(), 1e-3), watched=False)
    return w, identical_weights(watched, alone)


@pytest.mark.parametrize("wrap", [Wrapper, nn.DataParallel])
def test_wrapped_networks_are_watched(wrap: Callable[[nn.Module], nn.Module]) -> None:
    w, same = both(wrap)
    assert same
    assert w.findings()[0].code == "DOUBLE_SOFTMAX"
    assert "module.1" in w.history.layer_names


def part_compiled(model: nn.Module) -> nn.Module:
    assert isinstance(model, nn.Sequential)
    return nn.Sequential(torch.compile(model[:3], backend="eager"), *model[3:])


def compiled_in_place(model: nn.Module) -> nn.Module:
    model.compile(backend="eager")
    return Wrapper(model)


@pytest.mark.parametrize(
    "wrap", [lambda model: torch.compile(model, backend="eager"), part_compiled, compiled_in_place]
)
def test_compiled_networks_are_watched(wrap: Callable[[nn.Module], nn.Module]) -> None:
    torch._dynamo.reset()
    w, same = both(wrap)
    assert same
    assert w.findings()[0].code == "DOUBLE_SOFTMAX"
    assert "GRAPH_BROKEN" not in [f.code for f in w.findings()]


class Residual(nn.Module):
    """Layers in a list, which Dynamo calls one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.layers, self.head = nn.ModuleList(nn.Linear(64, 64) for _ in range(2)), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = x + layer(x).relu()
        made: Tensor = self.head(x)
        return made


@pytest.mark.parametrize("fullgraph", [False, True])
def test_of_a_network_of_which_a_compiled_copy_is_called_losses_and_weights_are_recorded(
    fullgraph: bool,
) -> None:
    """Dynamo traces through what the watch has put before the calls, without a break of the graph."""
    torch._dynamo.reset()
    torch.manual_seed(0)
    model = Residual()
    compiled = torch.compile(model, backend="eager", fullgraph=fullgraph)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with watch(model, optimizer, every=5) as w:
            Loop(steps=60).train(compiled, optimizer)
    torch._dynamo.reset()
    assert w.trouble == ""
    assert w.unseen[0].startswith(
        "the inputs and the layers were not recorded: the model was called compiled"
    )
    assert len(w.history) == 9
    assert w.answer().is_healthy
    assert not any(sample.names for sample in w.history)


class Sharpness(torch.optim.Optimizer):
    """Sharpness-aware minimisation: its own `step` is never called, but that of the optimiser inside."""

    def __init__(self, parameters: Iterator[nn.Parameter]) -> None:
        super().__init__(parameters, {})
        self.inner = torch.optim.SGD(self.param_groups, 0.1)

    @torch.no_grad()
    def first_step(self) -> None:
        for p in self.param_groups[0]["params"]:
            assert p.grad is not None
            self.state[p]["moved"] = 0.01 * p.grad
            p.add_(self.state[p]["moved"])
            p.grad = None

    @torch.no_grad()
    def second_step(self) -> None:
        for p in self.param_groups[0]["params"]:
            p.sub_(self.state[p]["moved"])
        self.inner.step()
        self.inner.zero_grad()


def test_the_steps_of_an_optimiser_inside_another_one_are_followed() -> None:
    torch.manual_seed(0)
    model = mlp()
    optimizer = Sharpness(model.parameters())
    with watch(model, optimizer, every=5) as w:
        for _ in range(100):
            rows = torch.randint(0, len(X), (64,))
            functional.cross_entropy(model(X[rows]), Y[rows]).backward()
            optimizer.first_step()
            functional.cross_entropy(model(X[rows]), Y[rows]).backward()
            optimizer.second_step()
    assert (len(w.history), w.unseen) == (20, ())
    assert [f.code for f in w.findings()] == []


def test_a_network_compiled_after_the_watch_began_trains_identically() -> None:
    torch._dynamo.reset()
    alone = mlp(width=16)
    watched = copy.deepcopy(alone)
    for model, listening in ((watched, True), (alone, False)):
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        compiled, w = torch.compile(model, backend="eager"), watch(model, optimizer, every=2)
        with w if listening else nullcontext():
            Loop(steps=9).train(compiled, optimizer)
        assert w.trouble == ""
    assert identical_weights(watched, alone)


def test_a_tuple_output_keeps_its_type() -> None:
    model = Twice()
    w = watch(model, optimizer := torch.optim.Adam(model.parameters(), 1e-3), every=2)
    with w:
        Loop(steps=25, loss=lambda out, y: functional.cross_entropy(out[0], y)).train(model, optimizer)
    assert w.trouble == ""
    assert w.findings()[0].code == "DOUBLE_SOFTMAX"


class Counting(torch.overrides.TorchFunctionMode):
    calls = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        self.calls += 1
        return func(*args, **(kwargs or {}))


def test_a_function_mode_that_the_user_removes_is_left_alone() -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, every=1) as w:
        for _ in range(3):
            with Counting() as mine, torch.device("cpu"):
                loss = functional.cross_entropy(model(X[:8]), Y[:8])
            assert torch.overrides._get_current_function_mode_stack() == [w._loop._recorder]
            assert mine.calls > 0
            loss.backward()
            optimizer.step()
            assert torch.overrides._len_torch_function_stack() == 0
    assert w.trouble == ""
    assert len(w.history.calls()) == 3
