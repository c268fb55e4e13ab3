"""Parameters that nobody holds, or that two optimisers hold; beside each a run that nearly does so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from tests.clinic.cases import X, Y, mlp
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import Watch, check, watch

SGD, Adam = torch.optim.SGD, torch.optim.Adam


class Held(nn.Module):
    """Layers that `hold` keeps, between a registered first and a registered last one."""

    def __init__(self, hold: Callable[[list[nn.Linear]], Any]) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(64, 32), nn.Linear(32, 10)
        self.held = hold([nn.Linear(32, 32) for _ in range(2)])

    def layers(self) -> Iterable[Any]:
        return self.held.values() if isinstance(self.held, dict | nn.ModuleDict) else self.held

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x).relu()
        for layer in self.layers():
            x = layer(x).relu() if isinstance(layer, nn.Module) else (x @ layer).relu()
        return self.last(x)


class Anew(Held):
    """A layer, or a state of one value, that is made in each forward pass."""

    def __init__(self, made: Callable[[Tensor], Tensor]) -> None:
        super().__init__(nn.ModuleList)
        self.made = made

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.made(self.first(x).relu()))


class Recurrent(nn.Module):
    """An initial state that needs a gradient, as in many tutorials."""

    def __init__(self, kept: bool = False) -> None:
        super().__init__()
        self.cells, self.last = nn.GRU(8, 16, batch_first=True), nn.Linear(16, 10)
        self.kept, self.state = kept, torch.zeros(0)

    def forward(self, x: Tensor) -> Tensor:
        state = torch.zeros(1, len(x), 16).requires_grad_()
        if self.kept:
            self.state = state
        return self.last(self.cells(x.view(-1, 8, 8), state)[1][-1])


class Forces(nn.Module):
    """Energies and their derivatives by the inputs, which are made leaves in forward."""

    def __init__(self) -> None:
        super().__init__()
        self.body = mlp(nn.Tanh)

    def forward(self, x: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        energy = self.body(x)
        (slope,) = torch.autograd.grad(energy.sum(), x, create_graph=True)
        return energy + slope.mean(1, keepdim=True)


def zeros_of_the_batch(x: Tensor) -> Tensor:
    return x + nn.Parameter(torch.zeros(len(x), 32))


def trained(model: nn.Module, optimizer: Any = None, *, steps: int = 60, **more: Any) -> Watch:
    """An ordinary loop over the digits."""
    optimizer = optimizer or SGD(model.parameters(), 0.1)
    with watch(model, optimizer, every=5) as w:
        for step in range(steps):
            rows = torch.randint(0, len(X), (64,), generator=torch.Generator().manual_seed(step))
            optimizer.zero_grad()
            functional.cross_entropy(model(X[rows]), Y[rows]).backward()
            optimizer.step()
            if more.get("after"):
                more["after"](model)
    assert (w.trouble, w.failed_rules) == ("", ())
    return w


def by_hand_matrix(_: list[nn.Linear]) -> list[Tensor]:
    return [(torch.randn(32, 32) / 6).requires_grad_()]


UNREGISTERED: dict[str, tuple[Callable[[], nn.Module], str, str]] = {
    "a list": (lambda: Held(list), "held[0].weight, held[0].bias, held[1].weight", "critical"),
    "a tuple": (lambda: Held(tuple), "held[0].weight", "critical"),
    "a dict": (
        lambda: Held(lambda layers: {"a": layers[0], "b": layers[1]}),
        "held['a'].weight",
        "critical",
    ),
    "inside a module": (
        lambda: nn.Sequential(Held(list), nn.Identity()),
        "0.held[0].weight",
        "critical",
    ),
    "made in forward": (
        lambda: Anew(lambda x: nn.Linear(32, 32)(x).relu()),
        "made in forward: 32 x 32, made in forward: 32",
        "critical",
    ),
    "a tensor by hand": (lambda: Held(by_hand_matrix), "held[0]", "info"),
}


@pytest.mark.parametrize("name", UNREGISTERED)
def test_parameters_that_nobody_holds_are_named(name: str) -> None:
    torch.manual_seed(0)
    make, where, severity = UNREGISTERED[name]
    found = next(f for f in trained(make()).findings() if f.code == "UNREGISTERED_PARAMETERS")
    assert found.where.startswith(where)
    assert found.severity == severity
    assert found.follows is None


def later_trained(model: nn.Module) -> None:
    """Another part of the program trains the hidden layers."""
    for layer in model.held:  # type: ignore[union-attr]
        layer.weight.data -= 0.01 * layer.weight.grad


HELD: dict[str, Callable[[], Watch]] = {
    "a ModuleList": lambda: trained(Held(nn.ModuleList)),
    "a list that the optimiser holds": lambda: trained(
        model := Held(list), SGD([*model.parameters(), *(p for m in model.held for p in m.parameters())], 0.1)
    ),
    "a list that is trained elsewhere": lambda: trained(Held(list), after=later_trained),
    "a list of a frozen network": lambda: trained(
        Held(lambda layers: [layer.requires_grad_(False) for layer in layers])
    ),
    "an initial state": lambda: trained(Recurrent()),
    "an initial state that is kept": lambda: trained(Recurrent(kept=True)),
    "an initial state that is a parameter": lambda: trained(Anew(zeros_of_the_batch)),
    "forces": lambda: trained(Forces()),
}


@pytest.mark.parametrize("name", HELD)
def test_leaves_that_are_held_or_are_of_the_batch_are_none(name: str) -> None:
    torch.manual_seed(0)
    assert "UNREGISTERED_PARAMETERS" not in [f.code for f in HELD[name]().findings()]


def test_a_pretrained_network_in_a_list_is_info() -> None:
    torch.manual_seed(0)
    model = Held(list)
    for layer in model.held:
        layer.weight.data += 1.0 * torch.outer(torch.randn(32), torch.randn(32)) / 6
    found = {f.code: f for f in trained(model, Adam(model.parameters(), 1e-2), steps=100).findings()}
    assert found["UNREGISTERED_PARAMETERS"].severity == "info"


def test_what_the_inputs_are_made_of_is_not_meant() -> None:
    torch.manual_seed(0)
    body, head = nn.Linear(64, 32), nn.Linear(32, 10)
    optimizer = SGD(head.parameters(), 0.1)
    with watch(head, optimizer, every=5) as w:
        for _ in range(40):
            optimizer.zero_grad()
            functional.cross_entropy(head(body(X[:64]).relu()), Y[:64]).backward()
            optimizer.step()
    assert "UNREGISTERED_PARAMETERS" not in [f.code for f in w.findings()]


def test_parameters_put_in_place_by_torch_func_are_not_meant() -> None:
    torch.manual_seed(0)
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watch(model, optimizer, every=5) as w:
        for _ in range(40):
            optimizer.zero_grad()
            own = {name: p.detach().clone().requires_grad_() for name, p in model.named_parameters()}
            functional.cross_entropy(torch.func.functional_call(model, own, (X[:64],)), Y[:64]).backward()
            for name, p in model.named_parameters():
                p.grad = own[name].grad
            optimizer.step()
    assert w.trouble == ""
    assert "UNREGISTERED_PARAMETERS" not in [f.code for f in w.findings()]


@pytest.mark.parametrize("name", ["a list", "made in forward"])
def test_check_names_them_before_training(name: str) -> None:
    torch.manual_seed(0)
    make, where, severity = UNREGISTERED[name]
    found = check(make(), functional.cross_entropy, (X[:64], Y[:64])).findings[0]
    assert (found.code, found.severity) == ("UNREGISTERED_PARAMETERS", severity)
    assert found.where.startswith(where)


def test_check_leaves_a_registered_list_alone() -> None:
    torch.manual_seed(0)
    checkup = check(Held(nn.ModuleList), functional.cross_entropy, (X[:64], Y[:64]))
    assert "UNREGISTERED_PARAMETERS" not in [f.code for f in checkup.findings]


class Noise(nn.Linear):
    """A generator of points in a plane."""

    def __init__(self) -> None:
        super().__init__(4, 2)


Groups = Callable[[nn.Module, nn.Module], list[Any]]


def adversaries(groups: Groups, turns: Callable[[int], tuple[int, ...]] = lambda _: (0, 1)) -> dict[str, str]:
    """Code -> severity, of a generator and a discriminator whose optimisers hold `groups`."""
    torch.manual_seed(0)
    made, judge = Noise(), nn.Linear(2, 1)
    optimizers = [Adam(list(held), 1e-3) for held in groups(made, judge)]
    with watch(nn.ModuleList([made, judge]), optimizers, every=5) as w:
        for step in range(60):
            z = torch.randn(64, 4)
            real, fake = functional.softplus(-judge(torch.randn(64, 2) + 3)), judge(made(z).detach())
            losses = [
                real.mean() + functional.softplus(fake).mean(),
                functional.softplus(-judge(made(z))).mean(),
            ]
            for turn in turns(step):
                optimizers[turn].zero_grad()
                losses[min(turn, 1)].backward(retain_graph=True)
            for turn in turns(step):
                optimizers[turn].step()
    assert (w.trouble, w.failed_rules) == ("", ())
    return {f.code: f.severity.value for f in w.findings()}


def both(*networks: nn.Module) -> list[Any]:
    return [p for network in networks for p in network.parameters()]


def test_a_generators_optimiser_that_holds_the_discriminator_is_a_warning() -> None:
    assert adversaries(lambda g, d: [both(d), both(g, d)])["SHARED_PARAMETERS"] == "warning"


NOT_SHARED: dict[str, tuple[Groups, Callable[[int], tuple[int, ...]]]] = {
    "each its own": (lambda g, d: [both(d), both(g)], lambda _: (0, 1)),
    "the same set": (lambda g, d: [both(g, d), both(g, d)], lambda _: (0, 1)),
    "one after the other": (lambda g, d: [both(d), both(g, d)], lambda step: (int(step >= 30),)),
}


@pytest.mark.parametrize("name", NOT_SHARED)
def test_optimisers_of_their_own_sets_or_of_two_phases_are_left_alone(name: str) -> None:
    assert "SHARED_PARAMETERS" not in adversaries(*NOT_SHARED[name])


def test_a_third_optimiser_that_holds_both_networks_on_purpose_is_info() -> None:
    found = adversaries(lambda g, d: [both(d), both(g), both(g, d)], lambda _: (0, 1, 2))
    assert found["SHARED_PARAMETERS"] == "info"


def test_an_encoder_shared_by_two_supervised_losses_is_info() -> None:
    torch.manual_seed(0)
    model = mlp()
    held = [Adam(model[0].parameters(), 1e-3), Adam(model.parameters(), 1e-3)]
    with watch(model, held, every=5) as w:
        for step in range(60):
            for optimizer in held:
                optimizer.zero_grad()
                functional.cross_entropy(model(X[step : step + 64]), Y[step : step + 64]).backward()
                optimizer.step()
    assert next(f for f in w.findings() if f.code == "SHARED_PARAMETERS").severity == "info"


def test_a_parameter_that_one_optimiser_holds_twice_is_a_warning() -> None:
    torch.manual_seed(0)
    model = mlp()
    with pytest.warns(UserWarning, match="duplicate"):
        optimizer = SGD([*model.parameters(), model[0].weight], 0.1)
    found = next(f for f in trained(model, optimizer).findings() if f.code == "SHARED_PARAMETERS")
    assert (found.severity, found.where) == ("warning", "0.weight")
