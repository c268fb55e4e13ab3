"""Losses that look faulty (sums that are divided later, flat rows, few samples), and the true faults."""

from __future__ import annotations

import pytest
import torch
from tests.clinic.cases import X, Y, mlp
from tests.clinic.field.loops import drawn, findings, warned
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic.recording.batch_stats import logits_made_by


def rows() -> Tensor:
    return torch.randint(0, len(X), (64,))


@pytest.mark.parametrize(("divided", "rate"), [(True, 0.1), (True, 1e-7), (False, 0.5)])
def test_a_sum_that_is_divided_by_the_number_of_items_is_a_mean(divided: bool, rate: float) -> None:
    torch.manual_seed(0)
    model = mlp()

    def loss(i: int) -> Tensor:
        at = rows()
        total = functional.cross_entropy(model(X[at]), Y[at], reduction="sum")
        return total / 64 if divided else total

    found = findings(model, torch.optim.SGD(model.parameters(), rate), loss)
    assert ("LOSS_REDUCTION_SUM" not in found) if divided else ("LOSS_REDUCTION_SUM" in warned(found))


def test_a_loss_summed_over_pixels_starts_at_chance_level() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 64), nn.Sigmoid())
    pixels = X.clamp(0, 1)

    def loss(i: int) -> Tensor:
        at = rows()
        return functional.binary_cross_entropy(model(pixels[at]), pixels[at], reduction="sum")

    found = findings(model, torch.optim.Adam(model.parameters(), 1e-3), loss)
    assert warned(found) == []
    assert "FIRST_LOSS_TOO_LARGE" not in found


class Digits(nn.Module):
    """Ends in one log-softmax, or in two."""

    def __init__(self, twice: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net, self.twice = mlp(), twice

    def forward(self, x: Tensor) -> Tensor:
        out = self.net(x)
        return functional.log_softmax(out.softmax(1) if self.twice else out, 1)


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("rate", [1e-7, 30.0])
def test_rows_that_are_nearly_equal_went_through_one_softmax(twice: bool, rate: float) -> None:
    model = Digits(twice)

    def loss(i: int) -> Tensor:
        at = rows()
        return functional.nll_loss(model(X[at]), Y[at])

    found = findings(model, torch.optim.SGD(model.parameters(), rate), loss)
    assert ("DOUBLE_SOFTMAX" in found) == twice


def test_binary_logits_between_zero_and_one_are_no_probabilities() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(500, 8, generator=drawn()), torch.rand(500, 1, generator=drawn(1)).round()
    for last in (nn.Identity(), nn.Sigmoid()):
        model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1), last)
        nn.init.constant_(model[2].bias, 0.5)
        nn.init.normal_(model[2].weight, 0, 0.01)
        optimizer = torch.optim.SGD(model.parameters(), 1e-5)

        def loss(i: int, model: nn.Module = model) -> Tensor:
            return functional.binary_cross_entropy_with_logits(model(x[:64]), y[:64])

        assert ("DOUBLE_SOFTMAX" in findings(model, optimizer, loss, steps=60)) == isinstance(
            last, nn.Sigmoid
        )


def test_positive_logits_are_not_the_output_of_a_relu() -> None:
    torch.manual_seed(0)
    model = mlp()
    nn.init.constant_(model[-1].bias, 9.0)
    loss = lambda i: functional.cross_entropy(model(X[:64]), Y[:64])  # noqa: E731
    assert "RELU_ON_LOGITS" not in findings(model, torch.optim.SGD(model.parameters(), 0.01), loss)
    relu = nn.Sequential(model, nn.ReLU())
    loss = lambda i: functional.cross_entropy(relu(X[:64]), Y[:64])  # noqa: E731
    assert "RELU_ON_LOGITS" in warned(findings(relu, torch.optim.SGD(relu.parameters(), 0.01), loss))


def test_pairs_of_outputs_are_compared_on_purpose() -> None:
    torch.manual_seed(0)
    model, y = nn.Linear(64, 1), X.sum(1)

    def ranking(i: int) -> Tensor:
        score = model(X[:64])
        order = (y[:64, None] > y[:64]).float()
        return (order * functional.softplus(-(score - score[:, 0]))).mean()

    assert "LOSS_BROADCAST" not in findings(model, torch.optim.SGD(model.parameters(), 0.01), ranking)
    loss = lambda i: ((model(X[:64]) - y[:64]) ** 2).mean()  # noqa: E731
    assert "LOSS_BROADCAST" in warned(findings(model, torch.optim.SGD(model.parameters(), 0.01), loss))


def test_an_operation_is_read_through_views_and_casts() -> None:
    x = torch.randn(4, 3, requires_grad=True)
    assert logits_made_by("cross_entropy", x.relu().double().t().unsqueeze(0).grad_fn) == "Relu"
    assert logits_made_by("nll_loss", x.softmax(1).grad_fn) == ""
    assert logits_made_by("cross_entropy", x.grad_fn) == ""


@pytest.mark.parametrize("steps", [30, 40])
def test_with_few_samples_no_finding_that_needs_degraded_training_is_a_warning(steps: int) -> None:
    torch.manual_seed(0)
    layers = [nn.Linear(64, 64), nn.Sigmoid()] * 8  # a gradient that vanishes, in too few samples to judge
    model = nn.Sequential(*layers[:1], *(nn.Sequential(nn.Linear(64, 64), nn.Sigmoid()) for _ in range(8)))
    model.append(nn.Linear(64, 10))

    def loss(i: int) -> Tensor:
        at = rows()
        return functional.cross_entropy(model(X[at]), Y[at])

    few = findings(model, torch.optim.SGD(model.parameters(), 0.1), loss, steps=steps, every=10)
    assert few["VANISHING_GRADIENT"].severity == "info"
    many = findings(model, torch.optim.SGD(model.parameters(), 0.1), loss, steps=200, every=10)
    assert many["VANISHING_GRADIENT"].severity == "critical"  # the loss stays at chance level


class Spoken(nn.Module):
    """Symbols at some of 24 times, to be named in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.say = nn.GRU(6, 32, batch_first=True), nn.Linear(32, 6)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.say(self.read(x)[0])
        return logits


def named_in_order(model: nn.Module) -> Tensor:
    y, places = torch.randint(1, 6, (16, 4)), torch.rand(16, 23).argsort(1)[:, :4].sort(1).values
    x = 0.3 * torch.randn(16, 24, 6)
    x[torch.arange(16)[:, None], places, y] += 2
    logs = model(x).log_softmax(2).transpose(0, 1)
    return functional.ctc_loss(logs, y, torch.full((16,), 24), torch.full((16,), 4))


@pytest.mark.parametrize(("rate", "code"), [(3e-3, ""), (1e-8, "LR_TOO_LOW")])
def test_blanks_alone_are_no_end_of_learning_under_ctc(rate: float, code: str) -> None:
    """The network gives blanks alone from step 30 to step 200, and learns after that."""
    torch.manual_seed(0)
    model = Spoken()
    optimizer = torch.optim.Adam(model.parameters(), rate)
    for _ in range(40):
        optimizer.zero_grad()
        named_in_order(model).backward()
        optimizer.step()
    found = findings(model, optimizer, lambda i: named_in_order(model), steps=80)
    assert warned(found) == ([code] if code else [])
    if not code:
        found = findings(model, optimizer, lambda i: named_in_order(model), steps=400)
        assert warned(found) == []
        assert float(named_in_order(model).detach()) < 1.0
