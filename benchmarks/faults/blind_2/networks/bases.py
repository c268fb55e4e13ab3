"""The networks of the second blind suite; the faulty cases put their faults in through the keywords."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

Maker = Callable[..., nn.Module]


def stacked(*widths: int, act: Maker = nn.ReLU, norm: Maker | None = None, drop: float = 0.0,
            last: Maker | None = None) -> nn.Sequential:  # fmt: skip
    """Linear layers, each but the last with norm, activation and dropout behind it."""
    layers: list[nn.Module] = []
    for a, b in pairwise(widths[:-1]):
        layers += [nn.Linear(a, b), *([norm(b)] if norm else []), act()]
        layers += [nn.Dropout(drop)] if drop else []
    layers.append(nn.Linear(widths[-2], widths[-1]))
    return nn.Sequential(*layers, *([last()] if last else []))


class _Flat(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        return super().forward(x).squeeze(-1)


def flat(*widths: int, **how: object) -> nn.Sequential:
    """`stacked` with one answer a row, (n,)."""
    return _Flat(*stacked(*widths, **how))  # type: ignore[arg-type]


def imaged(act: Maker = nn.ReLU, norm: Maker = nn.BatchNorm2d, last: Maker = nn.Identity) -> nn.Sequential:
    """Two convolutions in two dimensions."""
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), norm(12), act(), nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1), norm(24), act(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(96, 10), last(),
    )  # fmt: skip


def groups(width: int) -> nn.Module:
    return nn.GroupNorm(4, width)


def convolved(act: Maker = nn.LeakyReLU, norm: Maker = groups, drop: float = 0.0) -> nn.Sequential:
    """Three convolutions over time, then the mean."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 24)),
        nn.Conv1d(1, 16, 5, padding=2), norm(16), act(), nn.Dropout(drop),
        nn.Conv1d(16, 24, 5, stride=2, padding=2), norm(24), act(), nn.Dropout(drop),
        nn.Conv1d(24, 24, 3, padding=1), norm(24), act(), nn.Dropout(drop),
        nn.AdaptiveAvgPool1d(3), nn.Flatten(), nn.Linear(72, 4),
    )  # fmt: skip


class Cells(nn.Module):
    """A GRU cell, applied in a loop over four samples at a time."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.cell = nn.GRUCell(4, width)
        self.head = nn.Linear(width, 4)

    def keep(self, state: Tensor) -> Tensor:
        """What of the state goes on to the next step."""
        return state

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        state = x.new_zeros(len(x), self.cell.hidden_size)
        for piece in x.split(4, 1):
            state = self.cell(piece, self.keep(state))
        return self.head(state)


class Attention(nn.Module):
    """One head, written out."""

    def __init__(self, width: int, temper: float = 1.0, axis: int = -1) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
        self.scale, self.axis = temper * width**-0.5, axis

    def weights(self, x: Tensor) -> Tensor:
        """The attention weights."""
        return (self.q(x) @ self.k(x).mT * self.scale).softmax(self.axis)

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        return self.weights(x) @ self.v(x)


class Marked(nn.Module):
    """A learned token attends to the marked vector."""

    def __init__(self, width: int = 24, attention: Callable[[int], nn.Module] = Attention) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, width))
        self.asks = nn.Parameter(0.5 * torch.randn(1, 1, width))
        self.attention = attention(width)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, 4))

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        seen = torch.cat([self.asks.expand(len(x), -1, -1), self.embed(x)], 1)
        return self.head(self.attention(seen)[:, 0])


class Tokens(nn.Module):
    """Embedding, place, one encoder layer, mean."""

    def __init__(self, drop: float = 0.1, width: int = 16) -> None:
        super().__init__()
        self.words = nn.Embedding(20, width)
        self.places = nn.Parameter(0.02 * torch.randn(12, width))
        self.encoder = nn.TransformerEncoderLayer(width, 2, 32, drop, batch_first=True)
        self.head = nn.Linear(width, 4)

    def pooled(self, seen: Tensor) -> Tensor:
        """One vector a text."""
        return seen.mean(1)

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        return self.head(self.pooled(self.encoder(self.words(x) + self.places)))


class Pairs(nn.Module):
    """A siamese net: both views through one tower, their distance to a logit."""

    def __init__(self, act: Maker = nn.ReLU, drop: float = 0.0) -> None:
        super().__init__()
        self.tower = stacked(10, 32, 32, 8, act=act, drop=drop)
        self.scale, self.offset = nn.Parameter(torch.tensor(-1.0)), nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        a, b = self.tower(x[:, 0]), self.tower(x[:, 1])
        return self.offset + self.scale * ((a - b) ** 2).sum(1)


class RawNet(nn.Module):
    """Own weight tensors, a forward pass in formulas."""

    def __init__(
        self, gain: float = 1.0, act: Callable[[Tensor], Tensor] = torch.tanh, width: int = 24
    ) -> None:
        super().__init__()
        sizes = [2, width, width, width, 2]
        self.w = nn.ParameterList(gain * torch.randn(a, b) / a**0.5 for a, b in pairwise(sizes))
        self.b = nn.ParameterList(torch.zeros(b) for b in sizes[1:])
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        for w, b in zip(self.w[:-1], self.b[:-1], strict=True):
            x = self.act(x @ w + b)
        return x @ self.w[-1] + self.b[-1]


class Block(nn.Module):
    """x + f(norm(x))."""

    def __init__(self, width: int, skip: bool = True) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(width)
        self.inner = stacked(width, 2 * width, width, act=nn.GELU)
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        return x * self.skip + self.inner(self.norm(x))


class Residual(nn.Module):
    """Four residual blocks between two linear layers."""

    def __init__(self, block: Maker = Block, depth: int = 4, width: int = 20) -> None:
        super().__init__()
        self.begin = nn.Linear(5, width)
        self.blocks = nn.Sequential(*(block(width) for _ in range(depth)))
        self.end = nn.Sequential(nn.RMSNorm(width), nn.Linear(width, 3))

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        return self.end(self.blocks(self.begin(x)))


class Tastes(nn.Module):
    """A matrix factorised, with a mean for each row and column."""

    def __init__(self, width: int = 3, first: float = 0.3) -> None:
        super().__init__()
        self.people, self.films = nn.Embedding(40, width), nn.Embedding(30, width)
        self.person, self.film = nn.Embedding(40, 1), nn.Embedding(30, 1)
        for part in (self.people, self.films, self.person, self.film):
            nn.init.normal_(part.weight, std=first)

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        i, j = x[:, 0], x[:, 1]
        return (self.people(i) * self.films(j)).sum(1) + (self.person(i) + self.film(j)).squeeze(1)


class Experts(nn.Module):
    """Four small experts and a gate."""

    def __init__(self, act: Maker = nn.SiLU, last: Maker = nn.Identity) -> None:
        super().__init__()
        self.experts = nn.ModuleList(stacked(2, 16, 16, 1, act=act, last=last) for _ in range(4))
        self.gate = stacked(2, 16, 4, act=act)

    def mixed(self, gate: Tensor) -> Tensor:
        """The experts' shares."""
        return gate.softmax(1)

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        said = torch.cat([e(x) for e in self.experts], 1)
        return (said * self.mixed(self.gate(x))).sum(1, keepdim=True)


class Recurrent(nn.Module):
    """A plain RNN behind a gate of its inputs; the last state answers, (n,)."""

    def __init__(self, gain: float = 0.9, width: int = 32) -> None:
        super().__init__()
        self.enter = nn.Linear(2, 24)
        self.rnn = nn.RNN(24, width, batch_first=True)
        nn.init.orthogonal_(self.rnn.weight_hh_l0, gain)
        self.head = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        return self.head(self.rnn(fn.relu(self.enter(x)))[0][:, -1]).squeeze(-1)
