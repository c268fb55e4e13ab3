"""Two passes a step, and averages of the weights: SAM, SWA, an exponential moving average."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import accuracy, digit_images, outputs, seed_all, shifted
from torch import nn
from torch.nn import functional
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.optim.swa_utils import SWALR, AveragedModel, get_ema_multi_avg_fn, update_bn


def small_convolutional(width: int = 24) -> nn.Sequential:
    """Three convolutions with batch norm."""
    layers: list[nn.Module] = []
    for inner, outer, stride in ((1, width, 1), (width, width, 2), (width, 2 * width, 2)):
        layers += [
            nn.Conv2d(inner, outer, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outer),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * width, 10))


class SAM(torch.optim.Optimizer):
    """Sharpness-aware minimisation in the form that most people copy: a first step up, a second down."""

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        base: type[torch.optim.Optimizer],
        rho: float = 0.05,
        **options: Any,
    ) -> None:
        super().__init__(params, {"rho": rho, **options})
        self.base = base(self.param_groups, **options)
        self.param_groups = self.base.param_groups

    @torch.no_grad()
    def first_step(self) -> None:
        """Climb to the worst place nearby."""
        norm = torch.stack([p.grad.norm() for group in self.param_groups for p in group["params"]]).norm()
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["old"] = p.data.clone()
                p.add_(p.grad * group["rho"] / (norm + 1e-12))
        self.zero_grad()

    @torch.no_grad()
    def second_step(self) -> None:
        """Go back and step by the gradient from there."""
        for group in self.param_groups:
            for p in group["params"]:
                p.data = self.state[p]["old"]
        self.base.step()
        self.zero_grad()

    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Both steps, the second forward and backward pass by the closure."""
        assert closure is not None
        self.first_step()
        with torch.enable_grad():
            closure()
        self.second_step()


def sam(observer: Observer, seed: int) -> Trained:
    """A convolutional network on digits by sharpness-aware minimisation: two forward passes a step."""
    seed_all(seed)
    data, model = digit_images(), small_convolutional(16)
    optimizer = SAM(model.parameters(), torch.optim.SGD, rho=0.05, lr=0.05, momentum=0.9)
    before, losses = accuracy(model, data.test_x, data.test_y), []
    with observer.watch(model, optimizer):
        for _epoch in range(4):
            model.train()
            for x, y in data.loader(64):
                loss = functional.cross_entropy(model(x), y, label_smoothing=0.1)
                loss.backward()
                optimizer.first_step()
                functional.cross_entropy(model(x), y, label_smoothing=0.1).backward()
                optimizer.second_step()
                losses.append(loss.item())
            accuracy(model, data.test_x, data.test_y)
    score = accuracy(model, data.test_x, data.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(model, data.test_x[:8])}
    return Trained((model,), (optimizer.base,), score, max(before, 0.1), 0.9, extra)


def stochastic_averaging(observer: Observer, seed: int) -> Trained:
    """Stochastic weight averaging: a convolutional network on digits, averaged over the last epochs by SWALR."""
    seed_all(seed)
    data, model = digit_images(), small_convolutional(16)
    averaged, loader = AveragedModel(model), data.loader(32)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    scheduler = CosineAnnealingLR(optimizer, T_max=8)
    swa_scheduler = SWALR(optimizer, swa_lr=0.02, anneal_epochs=1)
    before, losses = accuracy(model, data.test_x, data.test_y), []
    with observer.watch(model, optimizer):
        for epoch in range(7):
            model.train()
            for x, y in loader:
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            if epoch >= 4:
                averaged.update_parameters(model)
                swa_scheduler.step()
            else:
                scheduler.step()
    update_bn(loader, averaged)
    score = accuracy(averaged, data.test_x, data.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(averaged, data.test_x[:8])}
    return Trained((model, averaged), (optimizer,), score, max(before, 0.1), 0.9, extra)


def moving_average(observer: Observer, seed: int) -> Trained:
    """A convolutional network on shifted digits with mixup, an exponential moving average of it is evaluated."""
    seed_all(seed)
    data, model = digit_images(), small_convolutional(16)
    ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.95), use_buffers=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.01)
    before, losses = accuracy(model, data.test_x, data.test_y), []
    with observer.watch(model, optimizer):
        for _epoch in range(8):
            model.train()
            for x, y in data.loader(64):
                share, order = float(torch.distributions.Beta(0.2, 0.2).sample()), torch.randperm(len(x))
                x = shifted(x)
                logits = model(share * x + (1 - share) * x[order])
                loss = share * functional.cross_entropy(logits, y) + (1 - share) * functional.cross_entropy(
                    logits, y[order]
                )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                ema.update_parameters(model)
                losses.append(loss.item())
            accuracy(ema, data.test_x, data.test_y)
    score = accuracy(ema, data.test_x, data.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(ema, data.test_x[:8])}
    return Trained((model, ema), (optimizer,), score, max(before, 0.1), 0.85, extra)


PROGRAMS = (
    Program("sam-two-passes", "sharpness-aware minimisation", (), sam),
    Program("swa-averaged-model", "stochastic weight averaging", (), stochastic_averaging),
    Program("ema-averaged-model-mixup", "exponential moving average, mixup", (), moving_average),
)
