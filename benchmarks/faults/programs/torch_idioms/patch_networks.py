"""Networks of patches of images: ConvNeXt-like, MLP-Mixer."""

from __future__ import annotations

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import (
    accuracy,
    digit_images,
    outputs,
    seed_all,
    warmup_cosine,
)
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR, OneCycleLR


class ConvNeXtBlock(nn.Module):
    """A depthwise convolution, a layer norm, two linear layers and a scale for each channel."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(dim, dim, 5, padding=2, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
        self.gamma = nn.Parameter(1e-6 * torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        h = self.depthwise(x).permute(0, 2, 3, 1)
        h = self.gamma * self.mlp(self.norm(h))
        return x + h.permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    """A patch embedding, blocks, and a head on the mean over the pixels."""

    def __init__(self, dim: int = 32, depth: int = 3) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, dim, 2, 2)
        self.blocks = nn.Sequential(*[ConvNeXtBlock(dim) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Linear(dim, 10)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        return self.head(self.norm(self.blocks(self.stem(x)).mean((-2, -1))))


def convnext(observer: Observer, seed: int) -> Trained:
    """A small ConvNeXt with layer scale and label smoothing on digits, by AdamW with a warm-up."""
    seed_all(seed)
    data, model, epochs = digit_images(), ConvNeXt(), 10
    total = epochs * (len(data.train_x) // 64)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.05)
    scheduler = LambdaLR(optimizer, warmup_cosine(total // 10, total))
    before, losses = accuracy(model, data.test_x, data.test_y), []
    with observer.watch(model, optimizer):
        for _epoch in range(epochs):
            model.train()
            for x, y in data.loader(64):
                loss = functional.cross_entropy(model(x), y, label_smoothing=0.1)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                scheduler.step()
                losses.append(loss.item())
            accuracy(model, data.test_x, data.test_y)
    score = accuracy(model, data.test_x, data.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(model, data.test_x[:8])}
    return Trained((model,), (optimizer,), score, max(before, 0.1), 0.88, extra)


class MixerBlock(nn.Module):
    """One MLP across the patches, one across the channels, each with a layer norm before and a skip."""

    def __init__(self, tokens: int, dim: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.tokens = nn.Sequential(nn.Linear(tokens, 2 * tokens), nn.GELU(), nn.Linear(2 * tokens, tokens))
        self.channels = nn.Sequential(
            nn.Linear(dim, 2 * dim), nn.GELU(), nn.Dropout(0.1), nn.Linear(2 * dim, dim)
        )

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm2(x))


class Mixer(nn.Module):
    """Patches of two by two pixels, mixer blocks, and a head on their mean."""

    def __init__(self, dim: int = 64, depth: int = 3) -> None:
        super().__init__()
        self.patch = nn.Conv2d(1, dim, 2, 2)
        self.blocks = nn.Sequential(*[MixerBlock(16, dim) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, 10)

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        return self.head(self.norm(self.blocks(tokens)).mean(1))


def mixer(observer: Observer, seed: int) -> Trained:
    """An MLP-Mixer on patches of digits, by Adam with the one-cycle rule."""
    seed_all(seed)
    data, model, epochs = digit_images(), Mixer(), 10
    loader = data.loader(64)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    scheduler = OneCycleLR(optimizer, max_lr=3e-3, total_steps=epochs * len(loader))
    before, losses = accuracy(model, data.test_x, data.test_y), []
    with observer.watch(model, optimizer):
        for _epoch in range(epochs):
            for x, y in loader:
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(x), y)
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                scheduler.step()
                losses.append(loss.item())
    score = accuracy(model, data.test_x, data.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(model, data.test_x[:8])}
    return Trained((model,), (optimizer,), score, max(before, 0.1), 0.88, extra)


PROGRAMS = (
    Program("convnext-layer-scale", "ConvNeXt, AdamW", (), convnext),
    Program("mlp-mixer-one-cycle", "MLP-Mixer, OneCycleLR", (), mixer),
)
