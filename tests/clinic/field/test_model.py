"""Models that look faulty (activations in place, biases before norms, frozen norms, rows equal by design)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.clinic.cases import X, Y, mlp
from tests.clinic.field.loops import findings, warned
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import check


def entropy(model: nn.Module) -> Callable[[int], Tensor]:
    def loss(i: int) -> Tensor:
        at = torch.randint(0, len(X), (64,))
        return functional.cross_entropy(model(X[at]), Y[at])

    return loss


def of(*middle: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 32), *middle, nn.Linear(32, 10))


class ByFunction(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(64, 32), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.b(torch.relu_(self.a(x)))
        return out


INPLACE = {
    "a module": lambda: of(nn.ReLU(inplace=True)),
    "and dropout": lambda: of(nn.ReLU(inplace=True), nn.Dropout(0.1)),
    "a function": ByFunction,
}


@pytest.mark.parametrize("name", INPLACE)
def test_an_activation_in_place_is_an_activation(name: str) -> None:
    model = INPLACE[name]()
    before = check(model, functional.cross_entropy, (X[:64], Y[:64])).findings
    after = findings(model, torch.optim.Adam(model.parameters(), 1e-3), entropy(model))
    assert "MISSING_NONLINEARITY" not in {*(f.code for f in before), *after}


@pytest.mark.parametrize("middle", [(), (nn.Dropout(0.1, inplace=True),), (nn.Dropout(0.1),)])
def test_two_layers_with_dropout_in_place_between_them_are_one(middle: tuple[nn.Module, ...]) -> None:
    model = of(*middle)
    before = check(model, functional.cross_entropy, (X[:64], Y[:64])).findings
    assert "MISSING_NONLINEARITY" in {f.code for f in before}
    assert "MISSING_NONLINEARITY" in findings(
        model, torch.optim.Adam(model.parameters(), 1e-3), entropy(model)
    )


def convolutions(norm: bool) -> nn.Module:
    torch.manual_seed(0)
    norms = [nn.BatchNorm2d(8) if norm else nn.Identity() for _ in range(2)]
    head = (nn.Flatten(), nn.Linear(32, 10))
    body = (nn.Conv2d(1, 8, 3, 2, 1), norms[0], nn.ReLU(), nn.Conv2d(8, 8, 3, 2, 1), norms[1], nn.ReLU())
    return nn.Sequential(nn.Unflatten(1, (1, 8, 8)), *body, *head)


@pytest.mark.parametrize("rate", [2e-3, 1e-7])
def test_a_bias_before_batch_norm_has_no_gradient_by_nature(rate: float) -> None:
    model = convolutions(norm=True)
    found = findings(model, torch.optim.SGD(model.parameters(), rate), entropy(model))
    assert "VANISHING_GRADIENT" not in found
    assert (rate > 1e-6) or next(iter(found)) == "LR_TOO_LOW"


def test_a_gradient_that_vanishes_before_a_norm_is_still_found() -> None:
    torch.manual_seed(0)
    parts = (nn.Sequential(nn.Linear(64, 64), nn.Sigmoid()) for _ in range(10))
    model = nn.Sequential(*parts, nn.BatchNorm1d(64), nn.Linear(64, 10))
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(0.1 if p.dim() > 1 else 1.0)
    found = findings(model, torch.optim.SGD(model.parameters(), 1e-3), entropy(model))
    assert "VANISHING_GRADIENT" in found


class Keyed(nn.Module):
    """Self-attention with key biases: softmax does not see a shift, so their gradient is zero."""

    def __init__(self) -> None:
        super().__init__()
        self.key, self.query, self.value = (nn.Linear(8, 8) for _ in range(3))
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.view(-1, 8, 8)
        seen = functional.scaled_dot_product_attention(
            *(p(rows)[:, None] for p in self.children() if p is not self.head)
        )
        out: Tensor = self.head(seen.flatten(1))
        return out


def test_the_bias_of_a_key_has_no_gradient_by_nature() -> None:
    torch.manual_seed(0)
    model = Keyed()
    model.query, model.key = model.key, model.query
    assert "VANISHING_GRADIENT" not in findings(
        model, torch.optim.SGD(model.parameters(), 1e-7), entropy(model)
    )


class Average(nn.Module):
    """The mean of earlier rows, written as a softmax over a constant mask; or over scores that may learn."""

    def __init__(self, learns: bool) -> None:
        super().__init__()
        self.inlet, self.head = nn.Linear(8, 16), nn.Linear(16, 10)
        self.scores = nn.Parameter(torch.zeros(8, 8), requires_grad=learns)
        self.register_buffer("later", torch.ones(8, 8, dtype=torch.bool).triu(1))

    def forward(self, x: Tensor) -> Tensor:
        rows = self.inlet(x.view(-1, 8, 8))
        scores = self.scores.expand(len(x), 8, 8)
        out: Tensor = self.head(functional.softmax(scores.masked_fill(self.later, -torch.inf), -1) @ rows)[
            :, -1
        ]
        return out


@pytest.mark.parametrize("learns", [False, True])
def test_a_mean_over_earlier_rows_is_no_collapsed_attention(learns: bool) -> None:
    torch.manual_seed(0)
    model = Average(learns)
    trained = [p for p in model.parameters() if p.requires_grad]
    loss = entropy(model)
    found = findings(model, torch.optim.SGD(trained, 1e-9), loss, frozen=() if learns else ("scores",))
    assert ("ATTENTION_COLLAPSE" in warned(found)) == learns


class Frozen(nn.Module):
    """A backbone whose norms stay in evaluation mode."""

    def __init__(self, seen: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body, self.head = (
            nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU()),
            nn.Linear(32, 10),
        )
        for k in range(seen):
            self.body(X[64 * k : 64 * k + 64])

    def train(self, mode: bool = True) -> Frozen:
        super().train(mode)
        self.body[1].eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(x))
        return out


@pytest.mark.parametrize("seen", [0, 5])
@pytest.mark.parametrize("trains", [False, True])
def test_norms_of_a_frozen_backbone_stay_in_evaluation_mode(seen: int, trains: bool) -> None:
    model = Frozen(seen).train()
    for p in model.body[1].parameters():
        p.requires_grad_(trains)
    found = findings(model, torch.optim.Adam(model.parameters(), 1e-3), entropy(model))
    assert ("BN_EVAL_IN_TRAIN" in found) == (trains and not seen)


def test_a_network_left_in_evaluation_mode_is_still_found() -> None:
    model = of(nn.BatchNorm1d(32), nn.ReLU())
    model(X[:64])
    model.eval()
    found = findings(model, torch.optim.Adam(model.parameters(), 1e-3), entropy(model))
    assert found["BN_EVAL_IN_TRAIN"].severity == "warning"


@pytest.mark.parametrize("rows", [64, 3])
def test_the_last_batch_of_an_epoch_may_be_small(rows: int) -> None:
    model = of(nn.BatchNorm1d(32), nn.ReLU())

    def loss(i: int) -> Tensor:
        at = torch.randint(0, len(X), (2 if i % 10 == 0 else rows,))
        return functional.cross_entropy(model(X[at]), Y[at])

    found = findings(model, torch.optim.Adam(model.parameters(), 1e-3), loss, steps=100)
    assert ("BN_TINY_BATCH" in found) == (rows < 5)


class Decays(nn.Module):
    """A state-space layer in small: each unit has the same decays at first, and inputs of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.inlet, self.head = nn.Linear(8, 16), nn.Linear(16, 10)
        self.rate = nn.Parameter(torch.arange(1.0, 9).log().expand(16, 8).clone())

    def forward(self, x: Tensor) -> Tensor:
        weights = torch.softmax(-self.rate.exp(), -1)
        out: Tensor = self.head(torch.einsum("btu,ut->bu", self.inlet(x.view(-1, 8, 8)), weights).relu())
        return out


class Adapted(nn.Module):
    """A frozen layer and a low-rank one whose second matrix is zero at first."""

    def __init__(self) -> None:
        super().__init__()
        self.base_layer, self.lora_A = nn.Linear(64, 10).requires_grad_(False), nn.Linear(64, 4, bias=False)
        self.lora_B = nn.Linear(4, 10, bias=False)
        nn.init.zeros_(self.lora_B.weight)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.base_layer(x) + self.lora_B(self.lora_A(x))
        return out


def zero_head() -> nn.Module:
    model = mlp(depth=1)
    nn.init.zeros_(model[-1].weight)
    return model


@pytest.mark.parametrize("make", [Decays, Adapted, zero_head])
def test_equal_rows_that_part_are_no_symmetric_units(make: type[nn.Module]) -> None:
    torch.manual_seed(0)
    model = make()
    before = check(model, functional.cross_entropy, (X[:64], Y[:64])).findings
    assert [f.code for f in before if f.severity != "info"] == []
    trained = [p for p in model.parameters() if p.requires_grad]
    warm = torch.optim.Adam(trained, 1e-3)
    plain = entropy(model)

    def loss(i: int) -> Tensor:
        warm.param_groups[0]["lr"] = 1e-3 * min(i / 10, 1.0)
        return plain(i)

    found = findings(model, warm, loss)
    assert {"SYMMETRIC_INIT", "FROZEN_PARAMS"}.isdisjoint(warned(found))


@pytest.mark.parametrize("value", [0.0, 0.05])
def test_equal_units_are_still_found(value: float) -> None:
    model = mlp(depth=2)
    for p in model.parameters():
        nn.init.constant_(p, value)
    before = check(model, functional.cross_entropy, (X[:64], Y[:64])).findings
    assert before[0].code == "SYMMETRIC_INIT"
    found = findings(model, torch.optim.Adam(model.parameters(), 1e-3), entropy(model))
    assert next(iter(found)) == "SYMMETRIC_INIT"


class LastState(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cells, self.head = nn.GRU(8, 16, batch_first=True), nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.cells(x.view(-1, 8, 8))[1][-1])
        return out


def test_the_last_state_of_a_recurrence_is_read() -> None:
    torch.manual_seed(0)
    assert check(LastState(), functional.cross_entropy, (X[:64], Y[:64])).findings == ()
