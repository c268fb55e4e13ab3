"""Transfer: a frozen backbone, thawing step by step, a teacher, low-rank updates."""

from __future__ import annotations

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import (
    Split,
    accuracy,
    digit_images,
    digit_vectors,
    outputs,
    seed_all,
)
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize


def halves() -> tuple[Split, Split]:
    """Images of the digits 0 to 4, and those of 5 to 9 with the classes counted from 0."""
    data = digit_images()
    low, low_test = data.train_y < 5, data.test_y < 5
    source = Split(data.train_x[low], data.train_y[low], data.test_x[low_test], data.test_y[low_test])
    target = Split(
        data.train_x[~low], data.train_y[~low] - 5, data.test_x[~low_test], data.test_y[~low_test] - 5
    )
    return source, target


class Network(nn.Module):
    """A convolutional backbone with batch norm, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stage1 = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1, bias=False),
            nn.BatchNorm2d(24),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        )
        self.stage2 = nn.Sequential(
            nn.Conv2d(24, 48, 3, padding=1, bias=False),
            nn.BatchNorm2d(48),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        )
        self.head: nn.Module = nn.Linear(192, 5)

    def features(self, x: Tensor) -> Tensor:
        """What the backbone makes of images."""
        return self.stage2(self.stage1(x)).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        return self.head(self.features(x))


def pretrained(source: Split) -> Network:
    """A network that knows the digits 0 to 4."""
    model = Network()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _epoch in range(4):
        for x, y in source.loader(32):
            optimizer.zero_grad()
            functional.cross_entropy(model(x), y).backward()
            optimizer.step()
    return model


def frozen_backbone(observer: Observer, seed: int) -> Trained:
    """A new head on a pretrained backbone that is frozen and stays in evaluation mode, for five other digits."""
    seed_all(seed)
    source, target = halves()
    model = pretrained(source)
    model.requires_grad_(False)
    model.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(192, 32), nn.ReLU(inplace=True), nn.Linear(32, 5))
    optimizer = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=2e-3)
    before, losses = accuracy(model, target.test_x, target.test_y), []
    with observer.watch(model, optimizer):
        for _epoch in range(8):
            model.eval()
            model.head.train()
            for x, y in target.loader(32):
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            accuracy(model, target.test_x, target.test_y)
    score = accuracy(model, target.test_x, target.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(model, target.test_x[:8])}
    return Trained((model,), (optimizer,), score, max(before, 0.2), 0.85, extra)


def gradual_thawing(observer: Observer, seed: int) -> Trained:
    """The pretrained stages thaw one after another, each a new parameter group with a smaller learning rate."""
    seed_all(seed)
    source, target = halves()
    model = pretrained(source)
    model.head = nn.Linear(192, 5)
    for stage in (model.stage1, model.stage2):
        stage.requires_grad_(False)
    optimizer = torch.optim.SGD(model.head.parameters(), lr=0.03, momentum=0.9, nesterov=True)
    before, losses = accuracy(model, target.test_x, target.test_y), []
    with observer.watch(model, optimizer):
        for epoch in range(7):
            if epoch in (2, 4):
                stage, lr = (model.stage2, 0.01) if epoch == 2 else (model.stage1, 0.003)
                stage.requires_grad_(True)
                optimizer.add_param_group({"params": stage.parameters(), "lr": lr})
            model.train()
            for x, y in target.loader(32):
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            accuracy(model, target.test_x, target.test_y)
    score = accuracy(model, target.test_x, target.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(model, target.test_x[:8])}
    return Trained((model,), (optimizer,), score, max(before, 0.2), 0.9, extra)


def distillation(observer: Observer, seed: int) -> Trained:
    """A small student learns digits from the softened answers of a larger teacher in evaluation mode."""
    seed_all(seed)
    data, heat = digit_vectors(), 3.0
    teacher = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, 10))
    teacher_optimizer = torch.optim.Adam(teacher.parameters(), lr=2e-3)
    for _epoch in range(8):
        for x, y in data.loader(64):
            teacher_optimizer.zero_grad()
            functional.cross_entropy(teacher(x), y).backward()
            teacher_optimizer.step()
    teacher.eval().requires_grad_(False)
    student = nn.Sequential(nn.Linear(64, 24), nn.Tanh(), nn.Linear(24, 10))
    optimizer = torch.optim.Adam(student.parameters(), lr=5e-3)
    before, losses = accuracy(student, data.test_x, data.test_y), []
    with observer.watch(student, optimizer):
        for _epoch in range(15):
            student.train()
            for x, y in data.loader(64):
                with torch.no_grad():
                    soft = functional.log_softmax(teacher(x) / heat, dim=-1)
                logits = student(x)
                taught = functional.kl_div(
                    functional.log_softmax(logits / heat, dim=-1),
                    soft,
                    reduction="batchmean",
                    log_target=True,
                )
                loss = 0.7 * heat**2 * taught + 0.3 * functional.cross_entropy(logits, y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            accuracy(student, data.test_x, data.test_y)
    score = accuracy(student, data.test_x, data.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(student, data.test_x[:8])}
    return Trained((student, teacher), (optimizer,), score, max(before, 0.1), 0.85, extra)


class LowRank(nn.Module):
    """What LoRA adds to a matrix: a product of two thin ones."""

    def __init__(self, outer: int, inner: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, inner) / inner**0.5)
        self.up = nn.Parameter(torch.zeros(outer, rank))

    def forward(self, weight: Tensor) -> Tensor:
        """The forward pass."""
        return weight + 2.0 * self.up @ self.down


def low_rank_adaptation(observer: Observer, seed: int) -> Trained:
    """A classifier of digits adapts to rotated digits by low-rank parametrisations; they are merged at the end."""
    seed_all(seed)
    images = digit_images()
    data = Split(images.train_x.flatten(1), images.train_y, images.test_x.flatten(1), images.test_y)
    turned = [torch.rot90(x, 1, (-2, -1)).flatten(1) for x in (images.train_x, images.test_x)]
    target = Split(turned[0], images.train_y, turned[1], images.test_y)
    model = nn.Sequential(nn.Linear(64, 128), nn.GELU(), nn.Linear(128, 128), nn.GELU(), nn.Linear(128, 10))
    first = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _epoch in range(5):
        for x, y in data.loader(64):
            first.zero_grad()
            functional.cross_entropy(model(x), y).backward()
            first.step()
    model.requires_grad_(False)
    layers = [layer for layer in model if isinstance(layer, nn.Linear)]
    for layer in layers:
        parametrize.register_parametrization(layer, "weight", LowRank(*layer.weight.shape, rank=6))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=5e-3)
    before, losses = accuracy(model, target.test_x, target.test_y), []
    with observer.watch(model, optimizer):
        for _epoch in range(10):
            for x, y in target.loader(64):
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
    for layer in layers:
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
    score = accuracy(model, target.test_x, target.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(model, target.test_x[:8])}
    return Trained((model,), (optimizer,), score, max(before, 0.1), 0.75, extra)


PROGRAMS = (
    Program("frozen-backbone-eval-mode", "transfer, frozen backbone in eval mode", (), frozen_backbone),
    Program("gradual-thawing-groups", "transfer, add_param_group during training", (), gradual_thawing),
    Program("distillation-soft-targets", "teacher and student", (), distillation),
    Program(
        "lora-parametrisation-merged", "low-rank parametrisation of frozen weights", (), low_rank_adaptation
    ),
)
