"""Parametrised weights: weight norm in a temporal network, spectral norm in a critic, orthogonal recurrence."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import accuracy, outputs, seed_all
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import orthogonal, spectral_norm, weight_norm


class TemporalBlock(nn.Module):
    """Two dilated causal convolutions with weight norm, beside a skip."""

    def __init__(self, inner: int, outer: int, dilation: int) -> None:
        super().__init__()
        self.pad = 2 * dilation
        self.conv1 = weight_norm(nn.Conv1d(inner, outer, 3, dilation=dilation))
        self.conv2 = weight_norm(nn.Conv1d(outer, outer, 3, dilation=dilation))
        self.drop = nn.Dropout(0.05)
        self.skip = nn.Conv1d(inner, outer, 1) if inner != outer else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        h = self.drop(functional.relu(self.conv1(functional.pad(x, (self.pad, 0)))))
        h = self.drop(functional.relu(self.conv2(functional.pad(h, (self.pad, 0)))))
        return functional.relu(h + self.skip(x))


class Adder(nn.Module):
    """A temporal convolutional network that reads out the last place."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            TemporalBlock(2, width, 1),
            TemporalBlock(width, width, 2),
            TemporalBlock(width, width, 4),
        )
        self.head = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        return self.head(self.blocks(x)[..., -1]).squeeze(1)


def sums(count: int, length: int = 20) -> tuple[Tensor, Tensor]:
    """The adding problem: numbers and two marks; the target is the sum of the two marked numbers."""
    numbers, marks = torch.rand(count, length), torch.zeros(count, length)
    rows, half = torch.arange(count), length // 2
    marks[rows, torch.randint(half, (count,))] = 1
    marks[rows, half + torch.randint(length - half, (count,))] = 1
    return torch.stack([numbers, marks], dim=1), (numbers * marks).sum(1)


def temporal_network(observer: Observer, seed: int) -> Trained:
    """A temporal convolutional network with weight norm solves the adding problem, by Adam with clipping."""
    seed_all(seed)
    model, (test_x, test_y) = Adder(), sums(500)
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)

    def explained() -> float:
        return 1 - (functional.mse_loss(outputs(model, test_x), test_y) / test_y.var()).item()

    before, losses = explained(), []
    with observer.watch(model, optimizer):
        for step in range(320):
            model.train()
            x, y = sums(64)
            optimizer.zero_grad()
            loss = functional.mse_loss(model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            losses.append(loss.item())
            if step % 50 == 49:
                explained()
    extra = {"losses": losses[-10:], "outputs": outputs(model, test_x[:8])}
    return Trained((model,), (optimizer,), explained(), max(before, 0.0), 0.8, extra)


def ring(count: int) -> Tensor:
    """Points of eight normal distributions on a ring."""
    angle = 2 * math.pi * torch.randint(8, (count,)) / 8
    return torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * torch.randn(count, 2)


class Critic(nn.Module):
    """Linear layers whose largest singular value is held at one."""

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        sizes = (2, width, width, width, 1)
        self.layers = nn.ModuleList([spectral_norm(nn.Linear(a, b)) for a, b in pairwise(sizes)])

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        for layer in self.layers[:-1]:
            x = functional.leaky_relu(layer(x), 0.1)
        return self.layers[-1](x)


def near_ring(points: Tensor) -> float:
    """Minus the sliced distance to a fixed sample of the ring."""
    angle = torch.arange(32) * math.pi / 32
    axes = torch.stack([angle.cos(), angle.sin()])
    centres = 2 * math.pi * torch.arange(8) / 8
    real = torch.stack([centres.cos(), centres.sin()], dim=1).repeat(len(points) // 8, 1)
    return -((points @ axes).sort(0).values - (real @ axes).sort(0).values).abs().mean().item()


def spectral_gan(observer: Observer, seed: int) -> Trained:
    """A GAN with a hinge loss and a critic of spectral norm on a ring of eight normals, two critic steps to one."""
    seed_all(seed)
    generator = nn.Sequential(
        nn.Linear(8, 96),
        nn.BatchNorm1d(96),
        nn.ReLU(),
        nn.Linear(96, 96),
        nn.BatchNorm1d(96),
        nn.ReLU(),
        nn.Linear(96, 2),
    )
    critic, noise = Critic(), torch.randn(400, 8)
    generator_optimizer = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.0, 0.9))
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=4e-3, betas=(0.0, 0.9))
    before, losses = near_ring(outputs(generator, noise)), []
    generator.train()
    with observer.watch([generator, critic], [generator_optimizer, critic_optimizer]):
        for _step in range(130):
            for _ in range(2):
                with torch.no_grad():
                    fake = generator(torch.randn(128, 8))
                critic_loss = (
                    functional.relu(1 - critic(ring(128))).mean() + functional.relu(1 + critic(fake)).mean()
                )
                critic_optimizer.zero_grad()
                critic_loss.backward()
                critic_optimizer.step()
            generator_loss = -critic(generator(torch.randn(128, 8))).mean()
            generator_optimizer.zero_grad()
            generator_loss.backward()
            generator_optimizer.step()
            losses.append((critic_loss.item(), generator_loss.item()))
    score = near_ring(outputs(generator, noise))
    extra = {"losses": losses[-5:], "outputs": outputs(generator, noise[:8])}
    return Trained((generator, critic), (generator_optimizer, critic_optimizer), score, before, -0.25, extra)


class OrthogonalRecurrence(nn.Module):
    """A plain recurrent network whose recurrent matrix stays orthogonal."""

    def __init__(self, symbols: int, hidden: int = 64) -> None:
        super().__init__()
        self.read = nn.Linear(symbols, hidden)
        self.turn = orthogonal(nn.Linear(hidden, hidden, bias=False), orthogonal_map="cayley")
        self.bias = nn.Parameter(torch.zeros(hidden))
        self.head = nn.Linear(hidden, symbols)

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        state, reads = torch.zeros(len(x), self.bias.shape[0]), self.read(x)
        with parametrize.cached():
            for step in range(x.shape[1]):
                h = reads[:, step] + self.turn(state)
                state = torch.sign(h) * functional.relu(h.abs() + self.bias)
        return self.head(state)


def first_symbols(count: int) -> tuple[Tensor, Tensor]:
    """One of six symbols that is to be remembered, then 24 of two others."""
    y = torch.randint(6, (count,))
    rest = torch.randint(6, 8, (count, 24))
    return functional.one_hot(torch.cat([y.unsqueeze(1), rest], dim=1), 8).float(), y


def orthogonal_network(observer: Observer, seed: int) -> Trained:
    """A recurrent network with an orthogonal matrix and modReLU remembers a symbol over 24 steps, by RMSprop."""
    seed_all(seed)
    model, (test_x, test_y) = OrthogonalRecurrence(8), first_symbols(400)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9)
    before, losses = accuracy(model, test_x, test_y), []
    with observer.watch(model, optimizer):
        for _step in range(200):
            x, y = first_symbols(64)
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    score = accuracy(model, test_x, test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(model, test_x[:8])}
    return Trained((model,), (optimizer,), score, max(before, 1 / 6), 0.8, extra)


PROGRAMS = (
    Program("weight-norm-temporal-convolutions", "weight norm, temporal convolutions", (), temporal_network),
    Program("spectral-norm-hinge-gan", "spectral norm, two networks and two optimisers", (), spectral_gan),
    Program("orthogonal-recurrent-cayley", "orthogonal parametrisation", (), orthogonal_network),
)
