"""torch.compile without a code generator: backends "eager" and "aot_eager"."""

from __future__ import annotations

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import (
    accuracy,
    digit_images,
    digit_vectors,
    outputs,
    seed_all,
)
from torch import Tensor, nn
from torch.nn import functional


class Highway(nn.Module):
    """Highway layers: each mixes its input with what it makes of it."""

    def __init__(self, dim: int = 64, depth: int = 4) -> None:
        super().__init__()
        self.make = nn.ModuleList([nn.Linear(dim, dim) for _ in range(depth)])
        self.gate = nn.ModuleList([nn.Linear(dim, dim) for _ in range(depth)])
        self.head = nn.Linear(dim, 10)
        for gate in self.gate:
            nn.init.constant_(gate.bias, -1.0)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        for make, gate in zip(self.make, self.gate, strict=True):
            share = torch.sigmoid(gate(x))
            x = share * torch.relu(make(x)) + (1 - share) * x
        return self.head(x)


def compiled_eager(observer: Observer, seed: int) -> Trained:
    """A highway network on digits through `torch.compile(backend="eager")`, by Adam."""
    seed_all(seed)
    torch._dynamo.reset()
    data, model = digit_vectors(), Highway()
    compiled = torch.compile(model, backend="eager")
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    before, losses = accuracy(model, data.test_x, data.test_y), []
    with observer.watch(model, optimizer):
        for _epoch in range(12):
            model.train()
            for x, y in data.loader(64):
                optimizer.zero_grad()
                loss = functional.cross_entropy(compiled(x), y)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            accuracy(compiled, data.test_x, data.test_y)  # type: ignore[arg-type]
    torch._dynamo.reset()
    score = accuracy(model, data.test_x, data.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(model, data.test_x[:8])}
    return Trained((model,), (optimizer,), score, max(before, 0.1), 0.85, extra)


class AutoEncoder(nn.Module):
    """Convolutions down to a few numbers and transposed convolutions back."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, 2, 1),
            nn.GroupNorm(4, 16),
            nn.SiLU(),
            nn.Conv2d(16, 24, 3, 2, 1),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(96, 16),
        )
        self.decoder = nn.Sequential(
            nn.Linear(16, 96),
            nn.SiLU(),
            nn.Unflatten(1, (24, 2, 2)),
            nn.ConvTranspose2d(24, 16, 4, 2, 1),
            nn.SiLU(),
            nn.ConvTranspose2d(16, 1, 4, 2, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        return self.decoder(self.encoder(x))


def compiled_aot(observer: Observer, seed: int) -> Trained:
    """A convolutional autoencoder of digits compiled in place by `model.compile(backend="aot_eager")`."""
    seed_all(seed)
    torch._dynamo.reset()
    data, model = digit_images(), AutoEncoder()

    def explained() -> float:
        return (
            1
            - functional.mse_loss(outputs(model, data.test_x), data.test_x).item() / data.test_x.var().item()
        )

    before, losses = explained(), []
    model.compile(backend="aot_eager")
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    with observer.watch(model, optimizer):
        for _epoch in range(8):
            model.train()
            for x, _ in data.loader(64):
                loss = functional.mse_loss(model(x), x)
                loss.backward()
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                losses.append(loss.item())
    score = explained()
    extra = {"losses": losses[-10:], "outputs": outputs(model, data.test_x[:8])}
    torch._dynamo.reset()
    return Trained((model,), (optimizer,), score, max(before, 0.0), 0.5, extra)


PROGRAMS = (
    Program("compile-eager-highway", "torch.compile, backend eager", (), compiled_eager),
    Program("compile-aot-eager-autoencoder", "torch.compile, backend aot_eager", (), compiled_aot),
)
