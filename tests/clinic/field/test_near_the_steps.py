"""Healthy programs that step, or look at gradients, in a way of their own."""

from __future__ import annotations

import torch
from tests.clinic.field.loops import drawn, findings
from torch import nn
from torch.nn import functional

from levinthal.clinic import watch

X = torch.randn(512, 8, generator=drawn())
Y = X[:, :4].argmax(1)


def test_gradients_that_are_moved_to_copies_in_another_precision_are_not_cleared() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
    copies = [p.detach().double().clone().requires_grad_() for p in model.parameters()]
    optimizer = torch.optim.Adam(copies, 1e-2)

    def step(i: int) -> None:
        at = torch.arange(i * 8, i * 8 + 8) % 512
        functional.cross_entropy(model(X[at]), Y[at]).backward()
        for copy, p in zip(copies, model.parameters(), strict=True):
            assert p.grad is not None
            copy.grad, p.grad = p.grad.double(), None
        optimizer.step()
        optimizer.zero_grad()
        with torch.no_grad():
            torch._foreach_copy_(list(model.parameters()), copies)

    assert "GRADIENT_CLEARED" not in findings(model, optimizer, step, steps=60)


def test_an_image_is_optimised_for_a_fixed_network() -> None:
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4)).requires_grad_(False)
    image = nn.Parameter(torch.rand(16, 8))
    optimizer = torch.optim.Adam([image], 0.05)
    with watch(model, optimizer, frozen=("",)) as w:
        for _ in range(60):
            optimizer.zero_grad()
            functional.cross_entropy(model(image), torch.arange(16) % 4).backward()
            optimizer.step()
    assert (w.trouble, w.failed_rules) == ("", ())
    assert not [f for f in w.findings() if f.severity != "info"]
