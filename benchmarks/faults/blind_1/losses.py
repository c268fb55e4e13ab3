"""Losses and scores of the first blind suite. A score is 1 for perfect and 0 at chance level."""

from __future__ import annotations

import math
from typing import Any

import torch
from benchmarks.faults.case import TrainingCase, score
from benchmarks.faults.own.data import Rows
from torch import Tensor, nn
from torch.nn import functional

cross = functional.cross_entropy
binary = functional.binary_cross_entropy_with_logits
squares = functional.mse_loss


def focal(output: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy, the easy ones counted less (Lin et al. 2017)."""
    each = cross(output, y, reduction="none")
    return ((1 - torch.exp(-each)) ** 2 * each).mean()


def poly(output: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy and one less the probability (Leng et al. 2022)."""
    each = cross(output, y, reduction="none")
    return (each + 1 - torch.exp(-each)).mean()


def hinge(output: Tensor, y: Tensor) -> Tensor:
    return functional.multi_margin_loss(output, y)


def one_hot_squares(output: Tensor, y: Tensor) -> Tensor:
    """The Brier score of the softmax, of every class."""
    return ((torch.softmax(output, 1) - functional.one_hot(y, output.shape[1])) ** 2).sum(1).mean()


def log_cosh(output: Tensor, y: Tensor) -> Tensor:
    far = output - y
    return (far + functional.softplus(-2 * far) - math.log(2)).mean()


def student(output: Tensor, y: Tensor) -> Tensor:
    """A likelihood with heavy tails."""
    return torch.log1p((output - y) ** 2 / 0.1).mean()


def quantiles(output: Tensor, y: Tensor) -> Tensor:
    """Pinball loss of the median, the tenth and the ninetieth hundredth: output (n, 3)."""
    level = torch.tensor([0.5, 0.1, 0.9])
    return torch.maximum(level * (y - output), (level - 1) * (y - output)).mean()


def poisson(output: Tensor, y: Tensor) -> Tensor:
    return functional.poisson_nll_loss(output, y)


def mixture(output: Tensor, y: Tensor) -> Tensor:
    """Three normal densities, their weights, means and widths in the output (n, 9)."""
    weight, mean, wide = output.chunk(3, 1)
    each = torch.log_softmax(weight, 1) - wide - ((y - mean) / wide.exp()) ** 2 / 2
    return -torch.logsumexp(each, 1).mean()


def elbo(output: tuple[Tensor, Tensor, Tensor], x: Tensor) -> Tensor:
    """Squared error and the divergence from the prior, less heavily."""
    picture, mean, wide = output
    divergence = (mean**2 + wide.exp() - 1 - wide).sum(1).mean() / 2
    return squares(picture, x) + 0.003 * divergence


def flow_likelihood(output: tuple[Tensor, Tensor], _y: Tensor) -> Tensor:
    base, volume = output
    return (base**2).sum(1).mean() / 2 - volume.mean()


def dice_and_binary(output: Tensor, y: Tensor) -> Tensor:
    """One less the overlap, and the cross-entropy of the pixels."""
    share = torch.sigmoid(output)
    overlap = 2 * (share * y).sum((1, 2, 3)) / (share + y).sum((1, 2, 3))
    return 1 - overlap.mean() + binary(output, y)


def info_nce(output: Tensor, _y: Tensor) -> Tensor:
    """Two views (n, 2, d): each is to find its other among all (van den Oord et al. 2018)."""
    one, other = functional.normalize(output, dim=2).unbind(1)
    alike = one @ other.T / 0.2
    return (cross(alike, torch.arange(len(alike))) + cross(alike.T, torch.arange(len(alike)))) / 2


def triplets(output: Tensor, y: Tensor) -> Tensor:
    """Every row with its farthest of the same class and its nearest of another."""
    far = torch.cdist(output, output)
    same = y[:, None] == y
    return (far.masked_fill(~same, 0).amax(1) - far.masked_fill(same, 1e9).amin(1) + 1).clamp_min(0).mean()


def arc(output: Tensor, y: Tensor) -> Tensor:
    """Cosines (n, classes) with a margin for the right one, times 12."""
    return cross(12 * (output - 0.2 * functional.one_hot(y, output.shape[1])), y)


def pairwise(output: Tensor, y: Tensor) -> Tensor:
    """RankNet: of every two rows, the one with the larger target is to have the larger output."""
    told, meant = output - output.T, torch.sign(y - y.T)
    return (functional.softplus(-told * meant) * meant.abs()).sum() / meant.abs().sum().clamp_min(1)


def heard(output: Tensor, y: Tensor) -> Tensor:
    """CTC of frames (n, time, sounds), sound 0 being the blank."""
    frames = torch.log_softmax(output, 2).transpose(0, 1)
    sizes = (torch.full((len(y),), length) for length in (len(frames), y.shape[1]))
    return functional.ctc_loss(frames, y, *sizes)


def both_heads(output: tuple[Tensor, Tensor], y: Tensor) -> Tensor:
    return cross(output[0], y) + 0.5 * cross(output[1], y % 2)


def with_balance(output: Tensor, y: Tensor) -> Tensor:
    """Label smoothing and a price on confident answers."""
    sure = torch.softmax(output, 1)
    return (
        cross(output, y, label_smoothing=0.05) - 0.05 * torch.distributions.Categorical(sure).entropy().mean()
    )


def by_neighbour(problem: TrainingCase, model: nn.Module, held: Rows) -> float:
    """Are the vectors of a class near each other? The nearest other row's class, above chance."""
    x, y = held
    model.eval()
    with torch.no_grad():
        out = model(x if problem.batch_made is None else torch.stack((x, x), 1))
    out = out[:, 0] if out.dim() == 3 else out
    far = torch.cdist(out, out).fill_diagonal_(1e9)
    right = float((y[far.argmin(1)] == y).float().mean())
    return max(0.0, (right - 0.1) / 0.9) if bool(torch.isfinite(out).all()) else 0.0


def by_first(problem: TrainingCase, model: nn.Module, held: Rows) -> float:
    """Variance explained by the first column of the output."""
    return score(problem, nn.Sequential(model, First()), held)


class First(nn.Module):
    """The first column."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, k) -> (n, 1)"""
        return x[:, :1]


class Mean(nn.Module):
    """The mean of a mixture (n, 9)."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, 9) -> (n, 1)"""
        weight, mean, _ = x.chunk(3, 1)
        return (torch.softmax(weight, 1) * mean).sum(1, keepdim=True)


class Exponential(nn.Module):
    """A rate from its logarithm."""

    def forward(self, x: Tensor) -> Tensor:
        """(...) -> (...)"""
        return x.clamp_max(20).exp()


def through(last: nn.Module) -> Any:
    """The usual score, of what `last` makes of the output."""
    return lambda problem, model, held: score(problem, nn.Sequential(model, last), held)


def by_order(_problem: TrainingCase, model: nn.Module, held: Rows) -> float:
    """The share of pairs in the right order, above one half."""
    model.eval()
    with torch.no_grad():
        out = model(held[0])
    told, meant = torch.sign(out - out.T), torch.sign(held[1] - held[1].T)
    return max(0.0, float((told * meant).sum() / meant.abs().sum()))


def by_density(_problem: TrainingCase, model: nn.Module, held: Rows) -> float:
    """How much likelier than by a normal density the held-out points are, in bits of two."""
    model.eval()
    with torch.no_grad():
        gain = (held[0] ** 2).sum(1).mean() / 2 - flow_likelihood(model(held[0]), held[1])
    return max(0.0, float(gain)) if math.isfinite(float(gain)) else 0.0


def by_sounds(_problem: TrainingCase, model: nn.Module, held: Rows) -> float:
    """The share of sequences that are read without a mistake."""
    model.eval()
    with torch.no_grad():
        best = model(held[0]).argmax(2)
    read = [[int(s) for s in torch.unique_consecutive(row) if s] for row in best]
    return sum(a == b for a, b in zip(read, held[1].tolist(), strict=True)) / len(read)


def by_spread(_problem: TrainingCase, model: nn.Module, held: Rows) -> float:
    """Painted points against real ones: one less the distance of sorted projections to that of one point."""
    with torch.no_grad():
        drawn = model(torch.randn(len(held[0]), 4))
    turns = torch.linspace(0, math.pi, 17)[:-1]
    seen = torch.stack((turns.cos(), turns.sin()))
    real, fake = (points @ seen for points in (held[0], drawn))
    far = (real.sort(0).values - fake.sort(0).values).abs().mean()
    worth = 1 - float(far / (real - real.mean(0)).abs().mean())
    return max(0.0, worth) if math.isfinite(worth) else 0.0


def by_policy(_problem: TrainingCase, model: nn.Module, _held: Rows) -> float:
    """The share of places where the best action is to go on, above one half."""
    places = next(p for p in model.parameters()).shape[1]
    model.eval()
    with torch.no_grad():
        best = model(torch.eye(places))[:-1].argmax(1)
    return max(0.0, 2 * float(best.float().mean()) - 1)
