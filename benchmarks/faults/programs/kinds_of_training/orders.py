"""Targets with an order or a time: ranks, survival and ranking."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from benchmarks.faults.program import Observer, Program, Trained
from sklearn.datasets import (
    load_breast_cancer,
    make_friedman1,
)
from sklearn.metrics import cohen_kappa_score, ndcg_score
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from .common import epochs, seed_everything


class Coral(nn.Module):
    """One shared slope and a threshold for each of the ranks' borders."""

    def __init__(self, features: int, ranks: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(features, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1, bias=False)
        )
        self.thresholds = nn.Parameter(torch.linspace(1, -1, ranks - 1))

    def forward(self, x: Tensor) -> Tensor:
        """The logits of "above border k"."""
        out: Tensor = self.body(x) + self.thresholds
        return out


def ordinal_coral(observer: Observer, seed: int) -> Trained:
    """Five ranks by CORAL: cumulative logits with shared weights."""
    seed_everything(seed)
    X, y = make_friedman1(3000, noise=1.0, random_state=seed)
    x = torch.tensor((X - 0.5) * 12**0.5, dtype=torch.float32)
    rank = np.digitize(y, np.quantile(y[:2400], [0.2, 0.4, 0.6, 0.8]))
    above = torch.tensor(rank[:, None] > np.arange(4), dtype=torch.float32)
    model = Coral(10, 5)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.PolynomialLR(optimizer, 350, power=1.0)
    loader = DataLoader(TensorDataset(x[:2400], above[:2400]), batch_size=96, shuffle=True)
    with observer.watch(model, optimizer):
        for _ in range(14):
            for batch_x, batch_y in loader:
                loss = F.binary_cross_entropy_with_logits(model(batch_x), batch_y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
    with torch.no_grad():
        predicted = (model(x[2400:]) > 0).sum(1)
    score = float(cohen_kappa_score(rank[2400:], predicted.numpy(), weights="quadratic"))
    extra = {"loss": loss.detach(), "thresholds": model.thresholds.detach(), "ranks": predicted[:16]}
    return Trained((model,), (optimizer,), score, 0.0, 0.7, extra)


def concordance(risk: Tensor, time: Tensor, event: Tensor) -> float:
    """The share of comparable pairs of which the one with the higher risk dies first."""
    comparable = (time[:, None] < time[None]) & event[:, None]
    return float(((risk[:, None] > risk[None]) & comparable).sum() / comparable.sum())


def cox_survival(observer: Observer, seed: int) -> Trained:
    """DeepSurv: the partial likelihood of Cox on whole-batch risk sets, with censoring and early stopping."""
    seed_everything(seed)
    X = load_breast_cancer().data
    X = (X - X.mean(0)) / X.std(0)
    rows = torch.randperm(len(X))
    x = torch.tensor(X, dtype=torch.float32)[rows]
    hazard = 0.8 * x[:, 0] + 0.6 * torch.relu(x[:, 6]) - 0.6 * x[:, 9]
    time = torch.distributions.Exponential(hazard.exp()).sample()
    censored = torch.distributions.Exponential(0.4).sample((len(x),))
    event, time = time <= censored, torch.minimum(time, censored)
    train, val, test = slice(0, 340), slice(340, 430), slice(430, None)

    def partial_likelihood(risk: Tensor, t: Tensor, e: Tensor) -> Tensor:
        order = t.argsort(descending=True)
        risk, e = risk[order], e[order]
        return -((risk - risk.logcumsumexp(0)) * e).sum() / e.sum()

    model = nn.Sequential(
        nn.Linear(30, 32),
        nn.SELU(),
        nn.AlphaDropout(0.1),
        nn.Linear(32, 16),
        nn.SELU(),
        nn.Linear(16, 1, bias=False),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4, weight_decay=1e-2)
    best, kept, waited = float("inf"), {k: v.clone() for k, v in model.state_dict().items()}, 0
    with observer.watch(model, optimizer):
        for _ in range(300):
            model.train()
            loss = partial_likelihood(model(x[train]).squeeze(1), time[train], event[train])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            model.eval()
            with torch.no_grad():
                val_loss = float(partial_likelihood(model(x[val]).squeeze(1), time[val], event[val]))
            waited += 1
            if val_loss < best:
                best, kept, waited = val_loss, {k: v.clone() for k, v in model.state_dict().items()}, 0
            if waited >= 60:
                break
    model.load_state_dict(kept)
    with torch.no_grad():
        risk = model(x[test]).squeeze(1)
    score = concordance(risk, time[test], event[test])
    return Trained((model,), (optimizer,), score, 0.5, 0.65, {"loss": loss.detach(), "risk": risk[:8]})


def listnet_ranking(observer: Observer, seed: int) -> Trained:
    """Learning to rank: ListNet on queries of 20 documents, judged by NDCG at 5."""
    seed_everything(seed)
    features = torch.randn(500, 20, 16)
    merit = (
        features[..., 0] + torch.tanh(2 * features[..., 1] * features[..., 2]) + 0.5 * features[..., 3].abs()
    )
    merit = merit + 0.3 * torch.randn(500, 20)
    relevance = torch.bucketize(merit, torch.tensor([0.3, 1.2, 2.0, 2.8])).float()
    test = slice(400, None)
    model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.03)

    @torch.no_grad()
    def quality() -> float:
        return float(ndcg_score(relevance[test].numpy(), model(features[test]).squeeze(-1).numpy(), k=5))

    before = max(quality(), float(ndcg_score(relevance[test].numpy(), torch.rand(100, 20).numpy(), k=5)))
    with observer.watch(model, optimizer):
        for index in epochs(400, 20, 300):
            scores = model(features[index]).squeeze(-1)
            loss = -(relevance[index].softmax(1) * scores.log_softmax(1)).sum(1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    extra = {"loss": loss.detach(), "scores": model(features[400]).detach()}
    return Trained((model,), (optimizer,), quality(), before, 0.7, extra)


PROGRAMS = (
    Program("ordinal-coral", "ordinal regression", (), ordinal_coral),
    Program("cox-survival", "survival analysis, full batch", (), cox_survival),
    Program("listnet-ranking", "learning to rank", (), listnet_ranking),
)
