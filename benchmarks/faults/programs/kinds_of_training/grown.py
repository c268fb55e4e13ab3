"""Pictures from rules and coordinates: a cellular automaton and an implicit image."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from benchmarks.faults.program import Observer, Program, Trained
from torch import Tensor, nn

from .common import seed_everything


class Automaton(nn.Module):
    """A neural cellular automaton: cells perceive by Sobel filters and change at random times."""

    def __init__(self, channels: int = 10) -> None:
        super().__init__()
        sobel = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8
        identity = F.pad(torch.ones(1, 1), (1, 1, 1, 1))
        kernel = torch.stack((identity, sobel, sobel.T)).repeat(channels, 1, 1).unsqueeze(1)
        self.register_buffer("kernel", kernel)
        self.rule = nn.Sequential(
            nn.Conv2d(3 * channels, 64, 1), nn.ReLU(), nn.Conv2d(64, channels, 1, bias=False)
        )
        nn.init.zeros_(self.rule[-1].weight)

    def forward(self, x: Tensor, steps: int) -> Tensor:
        """The grid after some steps."""
        for _ in range(steps):
            alive = F.max_pool2d(x[:, :1], 3, 1, 1) > 0.1
            change = self.rule(F.conv2d(x, self.kernel, padding=1, groups=x.shape[1]))
            x = x + change * (torch.rand_like(x[:, :1]) < 0.5)
            x = x * (alive & (F.max_pool2d(x[:, :1], 3, 1, 1) > 0.1))
        return x


def cellular_automaton(observer: Observer, seed: int) -> Trained:
    """A neural cellular automaton grows a ring from one cell, with a pool of grids and normalised gradients."""
    seed_everything(seed)
    axis = torch.arange(12.0) - 5.5
    distance = (axis[:, None] ** 2 + axis**2).sqrt()
    picture = torch.exp(-(((distance - 3.2) / 1.2) ** 2))
    start = torch.zeros(1, 10, 12, 12)
    start[:, :, 5:7, 5:7] = 1
    pool = start.repeat(64, 1, 1, 1)
    model = Automaton()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [180], gamma=0.3)

    @torch.no_grad()
    def quality() -> float:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            grown = model(start.repeat(8, 1, 1, 1), 24)[:, 0]
        return 1 - float((grown - picture).pow(2).mean() / picture.var())

    before = max(0.0, quality())
    with observer.watch(model, optimizer):
        for _ in range(240):
            index = torch.randperm(64)[:8]
            batch = pool[index]
            worst = (batch[:, 0] - picture).pow(2).mean((1, 2)).argmax()
            batch[worst] = start[0]
            grown = model(batch, int(torch.randint(16, 25, ())))
            loss = F.mse_loss(grown[:, 0], picture.expand(8, -1, -1))
            optimizer.zero_grad()
            loss.backward()
            for p in model.parameters():
                if p.grad is not None:
                    p.grad /= p.grad.norm() + 1e-8
            optimizer.step()
            schedule.step()
            pool[index] = grown.detach()
    extra = {"loss": loss.detach(), "pool": pool[:2]}
    return Trained((model,), (optimizer,), quality(), before, 0.6, extra)


class Sine(nn.Module):
    """A layer of SIREN."""

    def __init__(self, inputs: int, outputs: int, first: bool = False) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        bound = 1 / inputs if first else (6 / inputs) ** 0.5 / 20
        nn.init.uniform_(self.linear.weight, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """The sine of 20 times the affine map."""
        return torch.sin(20 * self.linear(x))


def siren_image(observer: Observer, seed: int) -> Trained:
    """A SIREN fits three quarters of an image's pixels, judged on the last quarter."""
    seed_everything(seed)
    axis = torch.linspace(-1, 1, 64)
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=2).view(-1, 2)
    phase = 2 * math.pi * torch.rand(4)
    image = sum(
        torch.sin(f * (grid[:, :1] * math.cos(a) + grid[:, 1:] * math.sin(a)) + a) / 2
        for f, a in zip((3, 5, 8, 11), phase.tolist(), strict=True)
    )
    image = torch.where(grid.norm(dim=1, keepdim=True) < 0.6, image, 0.3 * image)
    order = torch.randperm(len(grid))
    train, test = order[:3072], order[3072:]
    model = nn.Sequential(Sine(2, 96, first=True), Sine(96, 96), Sine(96, 96), nn.Linear(96, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 300)
    with observer.watch(model, optimizer):
        for _ in range(300):
            index = train[torch.randint(0, len(train), (1024,))]
            loss = F.mse_loss(model(grid[index]), image[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        error = F.mse_loss(model(grid[test]), image[test])
    score = 1 - float(error / image[test].var())
    extra = {"loss": loss.detach(), "pixels": model(grid[:16]).detach()}
    return Trained((model,), (optimizer,), score, 0.0, 0.85, extra)


PROGRAMS = (
    Program("cellular-automaton-ring", "neural cellular automaton with a pool", (), cellular_automaton),
    Program("siren-image", "implicit field, SIREN", (), siren_image),
)
