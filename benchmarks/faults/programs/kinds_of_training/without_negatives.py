"""Representations without negatives: BYOL and SimSiam."""

from __future__ import annotations

import copy
import math

import torch
import torch.nn.functional as F  # noqa: N812
from benchmarks.faults.program import Observer, Program, Trained
from torch import Tensor, nn

from .common import digits, epochs, seed_everything
from .contrastive import encoder, placed, probe


class BYOL(nn.Module):
    """An online network with a predictor and its slow copy, the target."""

    def __init__(self) -> None:
        super().__init__()
        self.online = nn.Sequential(
            encoder(), nn.Linear(96, 128), nn.BatchNorm1d(128), nn.ReLU(inplace=True), nn.Linear(128, 48)
        )
        self.predictor = nn.Sequential(
            nn.Linear(48, 128), nn.BatchNorm1d(128), nn.ReLU(inplace=True), nn.Linear(128, 48)
        )
        self.target = copy.deepcopy(self.online).requires_grad_(False)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """The symmetric loss of two views."""
        with torch.no_grad():
            goal_a, goal_b = self.target(a), self.target(b)
        towards_b, towards_a = self.predictor(self.online(a)), self.predictor(self.online(b))
        return (
            4 - 2 * (F.cosine_similarity(towards_b, goal_b) + F.cosine_similarity(towards_a, goal_a)).mean()
        )

    @torch.no_grad()
    def follow(self, rate: float) -> None:
        """Move the target towards the online network."""
        for slow, fast in zip(self.target.parameters(), self.online.parameters(), strict=True):
            slow.lerp_(fast, rate)


def byol(observer: Observer, seed: int) -> Trained:
    """BYOL on placed digits: no negatives, a target by exponential moving average."""
    seed_everything(seed)
    train, train_y, test, test_y = digits(seed)
    model = BYOL()
    optimizer = torch.optim.SGD(
        [p for p in model.parameters() if p.requires_grad], lr=0.2, momentum=0.9, weight_decay=1e-4
    )
    before = probe(model.online[0], seed, train, train_y, test, test_y)
    with observer.watch(model, optimizer):
        for step, index in enumerate(epochs(len(train), 128, 150)):
            loss = model(placed(train[index]), placed(train[index]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            model.follow(0.04 * (1 + math.cos(math.pi * step / 150)) / 2)
    score = probe(model.online[0], seed, train, train_y, test, test_y)
    extra = {"loss": loss.detach(), "codes": model.eval().online(placed(test[:4])).detach()}
    return Trained((model,), (optimizer,), score, before, before + 0.1, extra)


def simsiam(observer: Observer, seed: int) -> Trained:
    """SimSiam on placed digits: a stop-gradient and a predictor, SGD with a cosine schedule."""
    seed_everything(seed)
    train, train_y, test, test_y = digits(seed)
    backbone = encoder()
    projector = nn.Sequential(
        nn.Linear(96, 128, bias=False),
        nn.BatchNorm1d(128),
        nn.ReLU(inplace=True),
        nn.Linear(128, 64, bias=False),
        nn.BatchNorm1d(64, affine=False),
    )
    predictor = nn.Sequential(
        nn.Linear(64, 24, bias=False), nn.BatchNorm1d(24), nn.ReLU(inplace=True), nn.Linear(24, 64)
    )
    model = nn.ModuleDict({"backbone": backbone, "projector": projector, "predictor": predictor})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 150)
    before = probe(backbone, seed, train, train_y, test, test_y)
    with observer.watch(model, optimizer):
        for index in epochs(len(train), 128, 150):
            z1, z2 = (projector(backbone(placed(train[index]))) for _ in range(2))
            p1, p2 = predictor(z1), predictor(z2)
            loss = -0.5 * (F.cosine_similarity(p1, z2.detach()) + F.cosine_similarity(p2, z1.detach())).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    score = probe(backbone, seed, train, train_y, test, test_y)
    spread = F.normalize(z1, dim=1).std(0).mean().detach()
    return Trained(
        (model,), (optimizer,), score, before, before + 0.1, {"loss": loss.detach(), "spread": spread}
    )


PROGRAMS = (
    Program("byol-digits", "BYOL, target by moving average", (), byol),
    Program("simsiam-digits", "SimSiam, stop-gradient", (), simsiam),
)
