"""A score by denoising, sampled by Langevin dynamics."""

from __future__ import annotations

import math

import torch
from benchmarks.faults.program import Observer, Program, Trained
from torch import Tensor, nn

from .common import energy_distance, seed_everything


def score_matching_rings(observer: Observer, seed: int) -> Trained:
    """Denoising score matching over a ladder of noises (NCSN), sampled by annealed Langevin dynamics."""
    seed_everything(seed)
    angle = torch.rand(4000) * 2 * math.pi
    radius = torch.where(torch.rand(4000) < 0.5, 1.0, 3.0) + 0.1 * torch.randn(4000)
    points = torch.stack((angle.cos(), angle.sin()), 1) * radius[:, None]
    train, test = points[:3000], points[3000:]
    frequencies = torch.randn(2, 32)
    sigmas = torch.logspace(math.log10(3.0), math.log10(0.1), 10)
    net = nn.Sequential(
        nn.Linear(65, 128),
        nn.SiLU(),
        nn.Linear(128, 128),
        nn.SiLU(),
        nn.Linear(128, 128),
        nn.SiLU(),
        nn.Linear(128, 2),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)

    def scores(x: Tensor, sigma: Tensor) -> Tensor:
        angles = x @ frequencies
        out: Tensor = net(torch.cat((angles.sin(), angles.cos(), sigma.log()), dim=1)) / sigma
        return out

    @torch.no_grad()
    def langevin(n: int) -> Tensor:
        x = torch.randn(n, 2) * 3
        for sigma in sigmas:
            step = 0.1 * sigma**2
            for _ in range(20):
                x = x + step * scores(x, sigma.expand(n, 1)) + (2 * step).sqrt() * torch.randn_like(x)
        return x

    def on_rings(x: Tensor) -> float:
        distance = x.norm(dim=1)
        return float((((distance - 1).abs() < 0.3) | ((distance - 3).abs() < 0.3)).float().mean())

    before = max(on_rings(test.std() * torch.randn(1000, 2)), on_rings(langevin(1000)))
    losses = []
    with observer.watch(net, optimizer):
        for step in range(400):
            x = train[torch.randint(0, len(train), (256,))]
            sigma = sigmas[torch.randint(0, len(sigmas), (256,))][:, None]
            noise = torch.randn_like(x)
            loss = 0.5 * (sigma * scores(x + sigma * noise, sigma) + noise).pow(2).sum(1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            for group in optimizer.param_groups:
                group["lr"] = 3e-3 * (1 - step / 400)
            losses.append(loss.item())
    drawn = langevin(1000)
    extra = {
        "losses": torch.tensor(losses[-10:]),
        "samples": drawn[:8],
        "distance": energy_distance(drawn, test),
    }
    return Trained((net,), (optimizer,), on_rings(drawn), before, 0.6, extra)


PROGRAMS = (Program("score-matching-rings", "denoising score matching", (), score_matching_rings),)
