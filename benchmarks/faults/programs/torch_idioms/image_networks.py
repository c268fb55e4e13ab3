"""Networks for images: residual with stochastic depth, depthwise convolutions."""

from __future__ import annotations

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import (
    accuracy,
    digit_images,
    outputs,
    seed_all,
    shifted,
)
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import CosineAnnealingLR


class ResidualBlock(nn.Module):
    """Two convolutions with batch norm; the branch is dropped for some of the samples."""

    def __init__(self, inner: int, outer: int, stride: int, drop: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outer)
        self.conv2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outer)
        self.relu = nn.ReLU(inplace=True)
        self.drop = drop
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inner != outer:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer)
            )

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        branch = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        if self.training and self.drop > 0:
            keep = torch.rand(len(x), 1, 1, 1) >= self.drop
            branch = branch * keep / (1 - self.drop)
        return self.relu(self.shortcut(x) + branch)


def residual_network() -> nn.Sequential:
    """A ResNet for small images: three stages of two blocks."""
    layers: list[nn.Module] = [
        nn.Conv2d(1, 16, 3, 1, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
    ]
    width = 16
    for stage, outer in enumerate((16, 32, 64)):
        for block in range(2):
            depth = 2 * stage + block
            layers.append(ResidualBlock(width, outer, 2 if stage and not block else 1, 0.2 * depth / 5))
            width = outer
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return model


def resnet(observer: Observer, seed: int) -> Trained:
    """A residual network with batch norm and stochastic depth on digits, by SGD with Nesterov momentum."""
    seed_all(seed)
    data, model, epochs = digit_images(), residual_network(), 5
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
    scheduler = CosineAnnealingLR(optimizer, T_max=epochs)
    before, losses = accuracy(model, data.test_x, data.test_y), []
    with observer.watch(model, optimizer):
        for _epoch in range(epochs):
            model.train()
            for x, y in data.loader(64):
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(shifted(x)), y)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            scheduler.step()
            accuracy(model, data.test_x, data.test_y)
    score = accuracy(model, data.test_x, data.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(model, data.test_x[:8])}
    return Trained((model,), (optimizer,), score, max(before, 0.1), 0.9, extra)


class InvertedResidual(nn.Module):
    """Expand, convolve each channel by itself, weigh the channels, project."""

    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        wide = 4 * inner
        self.expand = nn.Sequential(
            nn.Conv2d(inner, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.Hardswish(inplace=True)
        )
        self.depthwise = nn.Sequential(
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.Hardswish(inplace=True),
        )
        self.excite = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(wide, wide // 4, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(wide // 4, wide, 1),
            nn.Hardsigmoid(),
        )
        self.project = nn.Sequential(nn.Conv2d(wide, outer, 1, bias=False), nn.BatchNorm2d(outer))
        self.residual = stride == 1 and inner == outer

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        h = self.depthwise(self.expand(x))
        h = self.project(h * self.excite(h))
        return x + h if self.residual else h


def mobilenet(observer: Observer, seed: int) -> Trained:
    """A MobileNet of depthwise convolutions with squeeze and excitation on digits, by RMSprop."""
    seed_all(seed)
    data, epochs = digit_images(), 5
    stem = nn.Sequential(
        nn.Conv2d(1, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.Hardswish(inplace=True)
    )
    blocks = [
        InvertedResidual(16, 16, 1),
        InvertedResidual(16, 24, 2),
        InvertedResidual(24, 24, 1),
        InvertedResidual(24, 32, 2),
    ]
    model = nn.Sequential(
        stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(32, 10)
    )
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3, alpha=0.9, momentum=0.9, weight_decay=1e-5)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.5)
    before, losses = accuracy(model, data.test_x, data.test_y), []
    with observer.watch(model, optimizer):
        for _epoch in range(epochs):
            for x, y in data.loader(64):
                loss = functional.cross_entropy(model(x), y)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            scheduler.step()
    score = accuracy(model, data.test_x, data.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(model, data.test_x[:8])}
    return Trained((model,), (optimizer,), score, max(before, 0.1), 0.88, extra)


PROGRAMS = (
    Program("resnet-stochastic-depth", "residual network, SGD", (), resnet),
    Program("mobilenet-depthwise", "depthwise convolutions, RMSprop", (), mobilenet),
)
