"""Healthy cases of the second blind suite: pretrained networks, and trainings with their own loop."""

from __future__ import annotations

import torch
from benchmarks.faults.blind_2 import loops
from benchmarks.faults.blind_2 import losses_and_schedules as ways
from benchmarks.faults.blind_2.data import formulas
from benchmarks.faults.blind_2.data import tables as rows
from benchmarks.faults.blind_2.networks.common import Net, mlp
from benchmarks.faults.case import TrainingCase
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss
from torch.optim import SGD, Adam, AdamW

_digits = rows.small_digits()
_before = TrainingCase(
    "second-taught", _digits, mlp(64, 96, 10), cross_entropy, ways.made(Adam, 3e-3), 64, 250
)
_lying = TrainingCase(
    "second-lying", rows.lying(_digits), mlp(64, 96, 96, 10), cross_entropy, ways.made(Adam, 3e-3), 64, 200
)
_images = TrainingCase(
    "second-images-before",
    rows.copied(_digits, 0.1),
    mlp(64, 64, 24, 64),
    mse_loss,
    ways.made(Adam, 3e-3),
    64,
    250,
)


class _OnTop(nn.Module):
    """A frozen backbone and a head."""

    def __init__(self, backbone: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone, self.head = backbone.requires_grad_(False), head

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, d) -> (n, out)."""
        return self.head(self.backbone(x))


class _Corrected(nn.Module):
    """A frozen network whose second layer is corrected at low rank, from nothing on, under a new head."""

    def __init__(self, net: nn.Sequential, rank: int) -> None:
        super().__init__()
        self.backbone, self.head = net[:3].requires_grad_(False), nn.Linear(96, 10)
        self.down = nn.Parameter(torch.randn(rank, 96) / 10)
        self.up = nn.Parameter(torch.zeros(96, rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, 64) -> (n, 10)."""
        first, act, second = self.backbone
        h = act(first(x))
        return self.head(act(second(h) + h @ self.down.T @ self.up.T))


def _on_codes() -> nn.Module:
    return _OnTop(loops.taught(_images)()[:3], nn.Linear(24, 10))


def _corrected() -> nn.Module:
    return _Corrected(loops.taught(_lying)(), 4)


_again: Net = loops.taught(_before)

STARTED: tuple[TrainingCase, ...] = (
    TrainingCase("second-digits-taught-again", _digits, _again, cross_entropy, ways.made(AdamW, 2e-4), batch=64,
            steps=100, validation=ways.handed),
    TrainingCase("second-digits-taught-by-depth", _digits, _again, ways.smoothed, ways.by_depth(1e-3, 0.3),
            batch=64, steps=100, schedule=ways.warm_cosine(100, 10)),
    TrainingCase("second-digits-on-frozen-codes", _digits, _on_codes, cross_entropy, ways.made(Adam, 0.02),
            batch=64, steps=150, frozen=("backbone",), validation=ways.handed),
    TrainingCase("second-digits-low-rank", _digits, _corrected, cross_entropy, ways.made(AdamW, 5e-3), batch=64,
            steps=200, frozen=("backbone",)),
    TrainingCase("second-clouds-bandit", formulas.clouds(4, 10), mlp(10, 32, 4, act=nn.Tanh), cross_entropy,
            ways.made(AdamW, 5e-3, weight_decay=0.1), batch=64, steps=250, loop=loops.bandit),
    TrainingCase("second-spirals-sharpness", formulas.spirals, mlp(2, 64, 64, 3), cross_entropy,
            ways.made(SGD, 0.2, momentum=0.9), batch=75, steps=250, loop=loops.sharp),
    TrainingCase("second-clouds-private", formulas.clouds(4, 12), mlp(12, 24, 4), cross_entropy,
            ways.made(SGD, 0.3), batch=48, steps=150, loop=loops.private),
    TrainingCase("second-digits-averaged", rows.table("digits"), mlp(64, 48, 10), cross_entropy,
            ways.made(SGD, 0.3), batch=32, steps=150, loop=loops.averaged, scored=loops.score_of_average),
    TrainingCase("second-clouds-restarts", formulas.clouds(6, 16, 1600), mlp(16, 48, 6, norm=nn.RMSNorm),
            cross_entropy, ways.made(SGD, 0.05, momentum=0.9, weight_decay=0.02), batch=48, steps=200,
            schedule=ways.restarts(50)),
)  # fmt: skip
