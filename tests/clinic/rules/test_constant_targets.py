"""Targets that are all the same by mistake, and on purpose."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.clinic.field.loops import drawn, findings
from torch import Tensor, nn
from torch.nn import functional

CODE = "CONSTANT_TARGETS"
X = torch.randn(2000, 12, generator=drawn())
RARE = (torch.rand(2000, generator=drawn(1)) < 0.02).long()
ZEROS = torch.zeros(2000)
score = functional.binary_cross_entropy_with_logits
Step = Callable[[int], Tensor]


def some(i: int, rows: int = 64) -> Tensor:
    return (torch.arange(rows) + rows * i) % 2000


def network(outputs: int = 4) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, outputs))


def severity(model: nn.Module, step: Step, steps: int = 100, every: int = 5) -> str | None:
    """That of the finding, and None without one."""
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], 1e-3)
    found = findings(model, optimizer, step, steps=steps, every=every)
    assert all(
        f.follows == CODE for c, f in found.items() if CODE in found and c in ("CLASS_IMBALANCE", "UNDERFIT")
    )
    return found[CODE].severity if CODE in found else None


def of_classes(labels: Tensor, rows: int = 64) -> str | None:
    model = network()
    return severity(model, lambda i: functional.cross_entropy(model(X[some(i, rows)]), labels[some(i, rows)]))


def test_labels_that_a_cast_makes_zero_are_found() -> None:
    shares = torch.rand(2000, generator=drawn(2))
    assert of_classes(shares.long()) == "critical"
    assert of_classes(torch.full((2000,), 3)) == "critical"
    assert of_classes(shares.long(), rows=16) == "warning"


def test_few_labels_and_labels_with_a_rare_class_are_not() -> None:
    assert of_classes(ZEROS.long(), rows=8) is None
    assert of_classes(RARE) is None


@pytest.mark.parametrize("outputs", [1, 4])
def test_yes_or_no_that_is_always_no_is_found(outputs: int) -> None:
    model, y = network(outputs), torch.zeros(2000, outputs)
    assert severity(model, lambda i: score(model(X[some(i)]), y[some(i)])) == "critical"
    last = nn.Sequential(model, nn.Sigmoid())
    assert (
        severity(last, lambda i: functional.binary_cross_entropy(last(X[some(i)]), y[some(i)])) == "critical"
    )


def test_masks_without_any_object_are_found() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 1))
    images, masks = torch.randn(100, 1, 12, 12), torch.zeros(100, 12, 12).long()

    def step(i: int) -> Tensor:
        rows = (torch.arange(8) + 8 * i) % 100
        return functional.cross_entropy(model(images[rows]), masks[rows])

    assert severity(model, step) == "warning"
    masks[::4, 3:6, 3:6] = 1
    assert severity(model, step) is None


def test_a_constant_that_is_regressed_may_be_meant() -> None:
    model = network(1)
    y = torch.full((2000, 1), 0.7)
    assert severity(model, lambda i: functional.mse_loss(model(X[some(i)]), y[some(i)])) == "info"


def of_a_queue() -> tuple[nn.Module, Step]:
    """Momentum contrast: the right candidate is the first one."""
    model, queue = network(), functional.normalize(torch.randn(64, 4, generator=drawn(3)), dim=1)

    def step(i: int) -> Tensor:
        a, b = (functional.normalize(model(X[some(i)] + 0.1 * torch.randn(64, 12)), dim=1) for _ in range(2))
        scores = torch.cat(((a * b.detach()).sum(1, keepdim=True), a @ queue.T), 1) / 0.1
        return functional.cross_entropy(scores, torch.zeros(64, dtype=torch.long))

    return model, step


def of_pairs() -> tuple[nn.Module, Step]:
    """Bayesian personalised ranking: the first of two is always better."""
    model = network(1)

    def step(i: int) -> Tensor:
        a = X[some(i)]
        return score(model(a + 0.5) - model(a), torch.ones(64, 1))

    return model, step


class Ranking(nn.Module):
    """A model that compares two rows itself."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = network(1)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.inner(a) - self.inner(b)  # type: ignore[no-any-return]


def of_pairs_within() -> tuple[nn.Module, Step]:
    model = Ranking()
    return model, lambda i: score(model(X[some(i)] + 0.5, X[some(i)]), torch.ones(64, 1))


def against_a_fixed_judge() -> tuple[nn.Module, Step]:
    """A generator; its judge is another network, whose weights want a gradient too."""
    model, judge = network(12), network(1)
    return model, lambda i: score(judge(model(X[some(i)])), torch.ones(64, 1))


def with_a_frozen_judge() -> tuple[nn.Module, Step]:
    """The same in one module: the last layer is frozen."""
    both = nn.Sequential(network(12), network(1).requires_grad_(False))
    return both, lambda i: score(both(X[some(i)]), torch.ones(64, 1))


def of_a_residual() -> tuple[nn.Module, Step]:
    """A differential equation: the residual is to be zero."""
    model = network(1)

    def step(i: int) -> Tensor:
        x = X[some(i)].requires_grad_()
        u = model(x)
        slope = torch.autograd.grad(u.sum(), x, create_graph=True)[0][:, :1]
        return functional.mse_loss(slope - u + 1, torch.zeros(64, 1))

    return model, step


def beside_another(term: Callable[[nn.Module, Tensor], Tensor]) -> tuple[nn.Module, Step]:
    model = network(1)
    return model, lambda i: score(model(X[some(i)]), torch.ones(64, 1)) + term(model, X[some(i)])


def turn_by_turn() -> tuple[nn.Module, Step]:
    """Rotations, one for each step: a task of its own making."""
    model = network()

    def step(i: int) -> Tensor:
        x = X[some(i)].roll(3 * (i % 4), 1)
        return functional.cross_entropy(model(x), torch.full((64,), i % 4))

    return model, step


def balanced_by_hand() -> tuple[nn.Module, Step]:
    model, y = network(1), RARE.float()[:, None]

    def step(i: int) -> Tensor:
        losses = score(model(X[some(i)]), y[some(i)], reduction="none")
        is_yes = y[some(i)] > 0.5
        return losses[~is_yes].mean() + (losses * is_yes).sum() / is_yes.sum().clamp(min=1)

    return model, step


MEANT = {
    "candidates": of_a_queue,
    "two scores": of_pairs,
    "two scores in the model": of_pairs_within,
    "another network": against_a_fixed_judge,
    "a frozen end": with_a_frozen_judge,
    "residual": of_a_residual,
    "a loss of its own": lambda: beside_another(lambda model, x: functional.softplus(model(x + 3)).mean()),
    "a second loss": lambda: beside_another(lambda model, x: score(model(x + 3), torch.zeros(64, 1))),
    "a task beside": lambda: beside_another(lambda model, x: functional.mse_loss(model(x), x[:, :1])),
    "turns": turn_by_turn,
    "balanced by hand": balanced_by_hand,
}


@pytest.mark.parametrize("name", MEANT)
def test_one_target_on_purpose_is_no_finding(name: str) -> None:
    model, step = MEANT[name]()
    assert severity(model, step) is None


@pytest.mark.parametrize("together", [True, False])
def test_real_and_fake_are_targets_of_two_passes(together: bool) -> None:
    torch.manual_seed(0)
    critic, generator = network(1), network(12)
    both = torch.optim.SGD(critic.parameters(), 0.01), torch.optim.SGD(generator.parameters(), 0.01)

    def step(i: int) -> None:
        both[0].zero_grad()
        score(critic(X[some(i)]), torch.ones(64, 1)).backward()
        if not together:
            both[0].step()
            both[0].zero_grad()
        score(critic(generator(X[some(i)]).detach()), torch.zeros(64, 1)).backward()
        both[0].step()
        both[1].zero_grad()
        score(critic(generator(X[some(i)])), torch.ones(64, 1)).backward()
        both[1].step()

    for watched, optimizer in ((critic, both[0]), (generator, both[1])):
        assert CODE not in findings(watched, optimizer, step)


def test_any_loss_is_above_the_chance_level_of_one_target() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    targets = torch.zeros(32)

    def step(i: int) -> Tensor:
        return functional.mse_loss(model(torch.randn(32, 8)).flatten(), targets)

    found = findings(model, optimizer, step, steps=60)
    assert next(iter(found)) == "CONSTANT_TARGETS"
