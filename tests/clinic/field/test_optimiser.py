"""Optimisers that look faulty (copies in float32, steps inside backward, adapters), and the true faults."""

from __future__ import annotations

import pytest
import torch
from tests.clinic.cases import X, Y, mlp
from tests.clinic.field.loops import findings, warned
from torch import Tensor, nn
from torch.nn import functional


def entropy(model: nn.Module) -> Tensor:
    at = torch.randint(0, len(X), (64,))
    return functional.cross_entropy(model(X[at].to(next(model.parameters()).dtype)).float(), Y[at])


@pytest.mark.parametrize("copied_back", [True, False])
def test_master_weights_in_float32_are_those_of_the_model(copied_back: bool) -> None:
    torch.manual_seed(0)
    model = mlp().bfloat16() if copied_back else mlp()
    masters = [p.detach().clone().float().requires_grad_() for p in model.parameters()]
    optimizer = torch.optim.Adam(masters, 1e-3)

    def step(i: int) -> None:
        model.zero_grad()
        entropy(model).backward()
        for master, p in zip(masters, model.parameters(), strict=True):
            master.grad = p.grad.float()
        optimizer.step()
        if copied_back:
            with torch.no_grad():
                for master, p in zip(masters, model.parameters(), strict=True):
                    p.copy_(master)

    assert ("OPTIMIZER_DETACHED" in warned(findings(model, optimizer, step))) != copied_back


def test_a_step_inside_backward_is_a_step() -> None:
    torch.manual_seed(0)
    model = mlp()
    each = {p: torch.optim.Adam([p], 1e-3, foreach=False) for p in model.parameters()}

    def hook(p: Tensor) -> None:
        each[p].step()
        each[p].zero_grad()

    for p in model.parameters():
        p.register_post_accumulate_grad_hook(hook)
    found = findings(model, list(each.values()), lambda i: entropy(model).backward())
    assert {"GRAPH_BROKEN", "GRADIENT_CLEARED", "OPTIMIZER_DETACHED"}.isdisjoint(found)


@pytest.mark.parametrize("to_none", [True, False])
def test_gradients_cleared_before_the_step_are_called_so(to_none: bool) -> None:
    torch.manual_seed(0)
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    def step(i: int) -> None:
        entropy(model).backward()
        optimizer.zero_grad(set_to_none=to_none)
        optimizer.step()

    found = findings(model, optimizer, step)
    assert next(iter(found)) == "GRADIENT_CLEARED"
    assert "GRAPH_BROKEN" not in found


class Parts(nn.Module):
    """A body that is used, or cut off, and a part that no pass calls."""

    def __init__(self, cut: bool) -> None:
        super().__init__()
        self.a, self.b, self.c, self.unused = (nn.Linear(64, 64) for _ in range(4))
        self.head, self.cut = nn.Linear(64, 10), cut

    def forward(self, x: Tensor) -> Tensor:
        h = self.b(self.a(x).relu()).relu()
        h = (self.c(h.detach()) if self.cut else self.c(h)).relu()
        out: Tensor = self.head(h)
        return out


@pytest.mark.parametrize("cut", [False, True])
def test_a_part_that_no_pass_calls_is_not_a_cut_graph(cut: bool) -> None:
    torch.manual_seed(0)
    model = Parts(cut)
    found = findings(model, torch.optim.Adam(model.parameters(), 1e-3), lambda i: entropy(model))
    assert ("GRAPH_BROKEN" in warned(found)) == cut
    assert "GRAPH_BROKEN" in found


class Pooled(nn.Module):
    """A deep body with a pooling layer that is computed and not used, as in many pretrained encoders."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.ModuleList(nn.Linear(64, 64) for _ in range(10))
        self.pooler, self.head = nn.Linear(64, 64), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        for layer in self.body:
            x = x + layer(x).relu()
        return self.head(x), self.pooler(x).tanh()


def test_a_layer_whose_output_is_not_used_is_no_warning_while_training_goes_well() -> None:
    torch.manual_seed(0)
    model = Pooled()

    def loss(i: int) -> Tensor:
        rows = torch.randint(0, len(X), (64,))
        return functional.cross_entropy(model(X[rows])[0], Y[rows])

    found = findings(model, torch.optim.Adam(model.parameters(), 1e-3), loss)
    assert found["GRAPH_BROKEN"].severity == "info"


@pytest.mark.parametrize("name", ["lora_A", "late"])
def test_adapters_freeze_the_rest_on_purpose(name: str) -> None:
    """Also where training has plateaued: an adapter says that the other parameters are meant to stay."""
    torch.manual_seed(0)
    model = nn.Module()
    model.body, held = mlp().requires_grad_(False), nn.Linear(10, 10)
    model.add_module(name, held)
    model.forward = lambda x: held(model.body(x))
    found = findings(model, torch.optim.SGD(held.parameters(), 1e-7), lambda i: entropy(model))
    assert ("FROZEN_PARAMS" in warned(found)) == (name == "late")


def test_parameters_are_declared_frozen_by_pattern_and_by_predicate() -> None:
    torch.manual_seed(0)
    model = mlp()
    for p in (*model[0].parameters(), *model[2].parameters()):
        p.requires_grad_(False)
    rest = [p for p in model.parameters() if p.requires_grad]
    for frozen in (("0.", "2."), "[02].*", ["*[02].weight", lambda name: name.endswith("bias")]):
        found = findings(
            model, torch.optim.Adam(rest, 1e-3), lambda i: entropy(model), frozen=frozen, steps=60
        )
        assert "FROZEN_PARAMS" not in found
    assert "FROZEN_PARAMS" in findings(
        model, torch.optim.Adam(rest, 1e-3), lambda i: entropy(model), steps=60
    )
