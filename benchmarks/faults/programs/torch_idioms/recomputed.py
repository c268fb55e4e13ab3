"""Activation checkpointing: with and without reentry."""

from __future__ import annotations

from collections import OrderedDict

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import accuracy, digit_images, outputs, seed_all, split
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint, checkpoint_sequential


class GatedBlock(nn.Module):
    """A pre-norm residual block with a gated linear unit and dropout."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.inner = nn.Linear(dim, 2 * dim)
        self.drop = nn.Dropout(0.1)
        self.outer = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        return x + self.outer(self.drop(functional.glu(self.inner(self.norm(x)))))


class DeepStack(nn.Module):
    """Eight residual blocks whose activations are computed again in the backward pass, in two segments."""

    def __init__(self, dim: int = 48) -> None:
        super().__init__()
        self.stem = nn.Linear(2, dim)
        self.blocks = nn.Sequential(*[GatedBlock(dim) for _ in range(8)])
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 3))

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        x = self.stem(x)
        if not self.training:
            return self.head(self.blocks(x))
        return self.head(checkpoint_sequential(self.blocks, 2, x, use_reentrant=True))


def spirals(count: int) -> tuple[Tensor, Tensor]:
    """Points on three spirals, with a little noise."""
    y = torch.randint(3, (count,))
    radius = torch.rand(count)
    angle = 4 * radius + 2.1 * y + 0.15 * torch.randn(count)
    return 2 * torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1), y


def reentrant(observer: Observer, seed: int) -> Trained:
    """A deep residual network on three spirals, its blocks checkpointed with reentry, by AdamW."""
    seed_all(seed)
    data, model = split(*spirals(1600)), DeepStack()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    before, losses = accuracy(model, data.test_x, data.test_y), []
    with observer.watch(model, optimizer):
        for _epoch in range(6):
            model.train()
            for x, y in data.loader(40):
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(x), y)
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                losses.append(loss.item())
            accuracy(model, data.test_x, data.test_y)
    score = accuracy(model, data.test_x, data.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(model, data.test_x[:8])}
    return Trained((model,), (optimizer,), score, max(before, 1 / 3), 0.85, extra)


class DenseLayer(nn.Module):
    """One layer of a DenseNet: norm, activation, convolution, dropout; what goes in is kept beside what comes out."""

    def __init__(self, inner: int, growth: int) -> None:
        super().__init__()
        self.norm, self.relu = nn.GroupNorm(4, inner), nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(inner, growth, 3, padding=1, bias=False)
        self.drop = nn.Dropout2d(0.05)

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        return torch.cat([x, self.drop(self.conv(self.relu(self.norm(x))))], dim=1)


class DenseNet(nn.Module):
    """Memory-efficient DenseNet: each dense layer is checkpointed without reentry."""

    def __init__(self, growth: int = 8) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.first = nn.ModuleList([DenseLayer(16 + i * growth, growth) for i in range(3)])
        width = 16 + 3 * growth
        self.transition = nn.Sequential(
            nn.GroupNorm(4, width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, 24, 1, bias=False),
            nn.AvgPool2d(2),
        )
        self.second = nn.ModuleList([DenseLayer(24 + i * growth, growth) for i in range(3)])
        width = 24 + 3 * growth
        head = OrderedDict(
            norm=nn.GroupNorm(4, width),
            relu=nn.ReLU(inplace=True),
            pool=nn.AdaptiveAvgPool2d(2),
            flat=nn.Flatten(),
            fc=nn.Linear(4 * width, 10),
        )
        self.head = nn.Sequential(head)

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        x = self.stem(x)
        for layer in self.first:
            x = checkpoint(layer, x, use_reentrant=False)
        x = self.transition(x)
        for layer in self.second:
            x = checkpoint(layer, x, use_reentrant=False)
        return self.head(x)


def non_reentrant(observer: Observer, seed: int) -> Trained:
    """A DenseNet with group norm on digits, its layers checkpointed without reentry, by SGD with momentum."""
    seed_all(seed)
    data, model, epochs = digit_images(), DenseNet(), 7
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[5, 6], gamma=0.2)
    before, losses = accuracy(model, data.test_x, data.test_y), []
    with observer.watch(model, optimizer):
        for _epoch in range(epochs):
            model.train()
            for x, y in data.loader(64):
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            scheduler.step()
    score = accuracy(model, data.test_x, data.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(model, data.test_x[:8])}
    return Trained((model,), (optimizer,), score, max(before, 0.1), 0.85, extra)


PROGRAMS = (
    Program("checkpoint-sequential-reentrant", "activation checkpointing with reentry", (), reentrant),
    Program(
        "densenet-checkpoint-non-reentrant", "activation checkpointing without reentry", (), non_reentrant
    ),
)
