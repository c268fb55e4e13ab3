"""Healthy programs that step, or look at gradients, in a way of their own."""

from __future__ import annotations

import torch
from tests.clinic.field.loops import drawn, findings
from torch import Tensor, nn
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


def test_a_discriminator_is_frozen_while_the_generator_steps() -> None:
    torch.manual_seed(0)
    G, D = (nn.Sequential(nn.Linear(n, 32), nn.ReLU(), nn.Linear(32, k)) for n, k in ((4, 2), (2, 1)))
    of_g, of_d = (torch.optim.Adam(net.parameters(), 2e-3) for net in (G, D))
    loss, yes, no = functional.binary_cross_entropy_with_logits, torch.ones(64, 1), torch.zeros(64, 1)
    with watch([G, D], [of_g, of_d]) as w:
        for i in range(120):
            fake, real = G(torch.randn(64, 4)), X[i : i + 64, :2]
            D.requires_grad_(True)
            of_d.zero_grad()
            (loss(D(real), yes) + loss(D(fake.detach()), no)).backward()
            of_d.step()
            D.requires_grad_(False)
            of_g.zero_grad()
            loss(D(fake), yes).backward()
            of_g.step()
    assert "FROZEN_PARAMS" not in [f.code for f in w.findings()]


def test_layers_that_a_later_optimiser_thaws_are_neither_detached_nor_cut() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4)).requires_grad_(False)
    optimizer = torch.optim.Adam(model[2].requires_grad_(True).parameters(), 1e-2)
    with watch(model, optimizer, every=5) as w:
        for stage in (2, 0):
            model[stage].requires_grad_(True)
            optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], 1e-2)
            for i in range(60):
                optimizer.zero_grad()
                at = torch.arange(i * 8, i * 8 + 8) % 512
                functional.cross_entropy(model(X[at]), Y[at]).backward()
                optimizer.step()
    assert not {"OPTIMIZER_DETACHED", "GRAPH_BROKEN"} & {f.code for f in w.findings()}


def test_a_pairwise_loss_has_one_label_by_design() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    better = X[:, :1] > X[:, :1].roll(1, 0)
    first, second = torch.where(better, X, X.roll(1, 0)), torch.where(better, X.roll(1, 0), X)

    def step(i: int) -> Tensor:
        at = torch.arange(i * 32, i * 32 + 32) % 512
        difference = model(first[at]) - model(second[at])
        return functional.binary_cross_entropy_with_logits(difference, torch.ones(32, 1))

    found = findings(model, optimizer, step, steps=150)
    assert not [code for code, f in found.items() if f.severity != "info"]
